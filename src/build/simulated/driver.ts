import type { Builder, BuildPlan, BuildRequest } from '../port.ts';

/** What a simulated build answers: a plan, an error to throw, or a decision for each request. */
export type ScriptedPlan = BuildPlan | Error | ((request: BuildRequest) => BuildPlan | Error);

export interface SimulatedBuilder extends Builder {
  /** Every request so far, oldest first. */
  readonly requests: readonly BuildRequest[];
  /** What the next plans of this service answer, one after the other; the last one stays. */
  script(service: string, ...plans: readonly ScriptedPlan[]): void;
}

/**
 * A builder without a file system or tools: it answers what it was told to. A service without a script builds what its recipe
 * says.
 */
export function createSimulatedBuilder(): SimulatedBuilder {
  const scripts = new Map<string, ScriptedPlan[]>();
  const requests: BuildRequest[] = [];
  return {
    name: 'simulated',
    requests,
    script(service, ...plans) {
      scripts.set(service, [...plans]);
    },
    async plan(request) {
      requests.push(request);
      const answer = next(scripts.get(request.service) ?? [], request);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

function next(plans: ScriptedPlan[], request: BuildRequest): BuildPlan | Error {
  const scripted = plans.length > 1 ? plans.shift() : plans[0];
  if (typeof scripted === 'function') return scripted(request);
  return scripted ?? declaredOnly(request);
}

function declaredOnly({ recipe }: BuildRequest): BuildPlan {
  const runtime = { path: [], environment: {}, about: null };
  return { steps: [...recipe.install, ...recipe.build], environment: {}, tools: [], notes: [], runtime };
}
