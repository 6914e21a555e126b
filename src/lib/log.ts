/** The daemon's own log: one JSON line an entry. Structure first: `log.warn({ service, err }, 'cannot start')`. */
export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
