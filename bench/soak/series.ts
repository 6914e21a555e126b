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
    highest: Math.max(...points.map(({ value }) => value)),
    slope: slopes.length === 0 ? 0 : median(slopes),
  };
}

/** Flat: the last third lies above the first by no more than the tolerance. What falls is flat too. */
export function isFlat({ first, last }: Course, { share, grain }: Tolerance): boolean {
  return last - first <= Math.max(Math.abs(first) * share, grain);
}
