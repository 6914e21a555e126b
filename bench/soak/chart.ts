import type { Point } from './series.ts';

export interface Panel {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

const size = { width: 900, height: 150, left: 60, right: 190, top: 24, bottom: 20 } as const;
const colours = ['#1f5fa8', '#b5542a', '#3b7d3b', '#7a4a9e', '#8a6d1c', '#555555'] as const;

/** Panels below each other over one axis of time, each from zero, as SVG. */
export function chartOf(title: string, panels: readonly Panel[]): string {
  const height = 30 + panels.length * (size.height + 14);
  const duration = Math.max(
    1,
    ...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ at }) => at))),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/><text x="10" y="20" font-size="14">${title}</text>`,
    ...panels.map((panel, index) => panelOf(panel, { y: 30 + index * (size.height + 14), duration })),
    '</svg>\n',
  ].join('\n');
}

function panelOf({ title, lines }: Panel, { y, duration }: { y: number; duration: number }): string {
  const [width, height] = [size.width - size.left - size.right, size.height - size.top - size.bottom];
  const top = roundUp(Math.max(1, ...lines.flatMap(({ points }) => points.map(({ value }) => value))));
  const place = ({ at, value }: Point) =>
    `${((at / duration) * width).toFixed(1)},${(height - (value / top) * height).toFixed(1)}`;
  const marks = [0, 0.5, 1].map(
    (share) =>
      `<path d="M0 ${height * (1 - share)}H${width}" stroke="#dddddd"/><text x="-6" y="${height * (1 - share) + 4}" text-anchor="end">${top * share}</text>`,
  );
  const drawn = lines.map(({ name, points }, index) => {
    const colour = colours[index % colours.length];
    const legend = `<text x="${width + 8}" y="${10 + index * 14}" fill="${colour}">${name}</text>`;
    return `<polyline fill="none" stroke="${colour}" points="${points.map(place).join(' ')}"/>${legend}`;
  });
  const end = `<text x="${width}" y="${height + 14}" text-anchor="end">${Math.round(duration / 60_000)} min</text>`;
  return `<g transform="translate(${size.left} ${y + size.top})"><text y="-8">${title}</text>${marks.join('')}${drawn.join('')}${end}</g>`;
}

/** The next of 1, 2, 5, 10, 20 ... */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
