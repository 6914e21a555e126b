/** How long ago a moment was, in the one unit that matters: `12s`, `5m`, `3h`, `2d`. */
export function since(moment: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** How long until a moment, in the same form; `0s` where it has passed. */
export function until(moment: string, now: number): string {
  return since(new Date(now).toISOString(), Date.parse(moment));
}

/** `2026-01-31 08:00:00` in local time; JSON keeps ISO 8601. */
export function localTime(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  const two = (part: number) => String(part).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}
