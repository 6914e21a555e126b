import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../figures.ts';
import { chartOf, type Panel } from './chart.ts';
import { ruleOf, verdictOf } from './judgement.ts';
import type { Sample } from './sample.ts';
import type { Site } from './site.ts';
import { Talker } from './talker.ts';
import { courseOf, type Point } from './series.ts';

const interval = 10_000;

const steadyLooks = 3;
const steadyPause = 300;

/** How many more there may be at rest: what is opened once, at the first need, stays. */
const atRest: readonly (readonly [RegExp, number])[] = [
  [/^(daemon|edge worker|edge keeper)\.(descriptors|sockets|processes)$/, 4],
  [/^(daemon|edge worker|edge keeper)\.threads$/, 8],
  [/^(beyond instances\..*|users|mounts|other processes|control groups of services)$/, 0],
];

/** For so long a tree stays that a client was told is there (src/source/sources.ts), and some: it goes with the next deploy. Milliseconds. */
const spared = 17 * 60_000;

export interface Finding {
  readonly name: string;
  readonly wanted: string;
  readonly is: boolean;
}

/** Samples over time, and what they show. */
export class Recorder implements AsyncDisposable {
  readonly #looker: Talker<[string, number][]>;
  readonly #site: Site;
  readonly #samples: { readonly at: number; readonly sample: Sample }[] = [];

  constructor(data: string, site: Site) {
    this.#looker = new Talker(new URL('./sample-process.ts', import.meta.url), { data });
    this.#site = site;
  }

  /** Samples while the work goes on. */
  async during(work: () => Promise<void>): Promise<void> {
    let over = false;
    const working = work().finally(() => {
      over = true;
    });
    // Its end is awaited below: until then nobody else hears of a failure.
    working.catch(() => undefined);
    const begun = performance.now();
    for (let number = 0; !over; number += 1) {
      this.#samples.push({ at: performance.now() - begun, sample: await this.now() });
      while (!over && performance.now() < begun + (number + 1) * interval) await pause(200);
    }
    await working;
  }

  /** Medians of a few looks: what is under way at one moment is chance. */
  async steady(): Promise<Sample> {
    const looks: Sample[] = [];
    for (let look = 0; look < steadyLooks; look += 1) {
      looks.push(await this.now());
      await pause(steadyPause);
    }
    const [first = new Map<string, number>()] = looks;
    return new Map([...first.keys()].map((figure) => [figure, median(looks.map((look) => look.get(figure) ?? 0))]));
  }

  async now(): Promise<Sample> {
    const sample = new Map(await this.#looker.ask('sample'));
    const trees = sample.get('trees') ?? 0;
    return new Map([...sample, ['trees beyond those of the last minutes', trees - this.#site.madeWithin(spared)]]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#looker[Symbol.asyncDispose]();
  }

  findings(): Finding[] {
    return this.#figures().flatMap((figure) => {
      const rule = ruleOf(figure);
      if (rule.kind === 'shown') return [];
      const course = courseOf(this.#points(figure));
      const { passed, word } = verdictOf(rule, course);
      const wanted = rule.kind === 'flat' ? 'flat' : `at most ${rule.most.toFixed(0)}`;
      return [{ name: `${figure}: ${number(course.first)} to ${number(course.last)}, ${word}`, wanted, is: passed }];
    });
  }

  /** What may have been left between two moments at which nothing goes on: figures that are counts. */
  compared(before: Sample, after: Sample): Finding[] {
    return [...after].flatMap(([figure, value]) => {
      const was = before.get(figure) ?? 0;
      const most = was + (atRest.find(([pattern]) => pattern.test(figure))?.[1] ?? Number.POSITIVE_INFINITY);
      if (!Number.isFinite(most)) return [];
      return [
        {
          name: `${figure} at rest, before and after: ${number(was)}, ${number(value)}`,
          wanted: `at most ${number(most)}`,
          is: value <= most,
        },
      ];
    });
  }

  table(): string {
    const head = '| figure | first third | last third | most | growth an hour | verdict |\n|---|---|---|---|---|---|';
    const rows = this.#figures().map((figure) => {
      const course = courseOf(this.#points(figure));
      const { word } = verdictOf(ruleOf(figure), course);
      return `| ${figure} | ${number(course.first)} | ${number(course.last)} | ${number(course.highest)} | ${number(course.slope)} | ${word} |`;
    });
    return [head, ...rows].join('\n');
  }

  json(): string {
    return JSON.stringify(this.#samples.map(({ at, sample }) => ({ at, ...Object.fromEntries(sample) })));
  }

  chart(title: string): string {
    const panel = (of: string, figures: readonly string[]): Panel => ({
      title: of,
      lines: figures.map((name) => ({ name, points: this.#points(name) })),
    });
    return chartOf(title, [
      panel('Memory, MB of their own', ['daemon.own', 'edge worker.own']),
      panel('Memory, MB resident', ['daemon.resident', 'edge worker.resident']),
      panel('Open descriptors', ['daemon.descriptors', 'edge worker.descriptors', 'keeper.descriptors']),
      panel('Files in the data folder', ['files.releases', 'files.runs', 'files.homes', 'files.edge', 'files.sources']),
      panel('Rows of the record', ['rows.operations', 'rows.events', 'rows.releases', 'rows.rollouts']),
      panel('MB on disk', ['MB.record', 'MB.logs', 'MB.edge', 'MB.releases']),
    ]);
  }

  #figures(): string[] {
    const [first] = this.#samples;
    return first === undefined ? [] : [...first.sample.keys()];
  }

  #points(figure: string): Point[] {
    return this.#samples.map(({ at, sample }) => ({ at, value: sample.get(figure) ?? 0 }));
  }
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}
