import { median } from '../figures.ts';

/** Milliseconds since the first, and the value. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** A figure over the watched time. */
export interface Course {
  /** Medians of its first and last third. */
  readonly first: number;
  readonly last: number;
  readonly highest: number;
  /** Milliseconds watched. */
  readonly time: number;
  /** Growth an hour: the median of the slopes between all pairs of points (Theil and Sen), which a few outliers do not move. */
  readonly slope: number;
}

/** How much of a figure may be noise. */
export interface Tolerance {
  /** Share of the first third's median. */
  readonly share: number;
  /** In the figure's own unit; for figures that are small. */
  readonly grain: number;
}

const hour = 3_600_000;

export function courseOf(points: readonly Point[]): Course {
  const third = Math.max(1, Math.floor(points.length / 3));
  const middle = (part: readonly Point[]) => median(part.map(({ value }) => value));
  const slopes: number[] = [];
  for (const [index, from] of points.entries())
    for (const to of points.slice(index + 1))
      if (to.at > from.at) slopes.push(((to.value - from.value) / (to.at - from.at)) * hour);
  return {
    first: middle(points.slice(0, third)),
    last: middle(points.slice(-third)),
    time: (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0),
    highest: Math.max(...points.map(({ value }) => value)),
    slope: slopes.length === 0 ? 0 : median(slopes),
  };
}

/**
 * It grows where two measures say so, each by more than the tolerance over the watched time: the last third against the first, and the slope. A machine that is
 * busier for a while moves the one, a step at the beginning the other, a leak both. What falls is flat too.
 */
export function isFlat({ first, last, slope, time }: Course, { share, grain }: Tolerance): boolean {
  return Math.min(last - first, slope * (time / hour)) <= Math.max(Math.abs(first) * share, grain);
}
