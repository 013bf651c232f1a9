/** The search for a plan: one knob after the other, the values that it can have against what is best so far. */
import { logRatios, median, medianInterval } from '../statistics.ts';
import type { Knob } from '../terms/plan.ts';
import { type StoppingRule, sampleInRounds } from './timing.ts';

/** The knobs of a text like `columns=64|128 vectors=2|4`. */
export function knobsOf(text: string): readonly Knob[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const [name = '', values = ''] = word.split('=');
      return { name, values: values.split('|') };
    });
}

/** The plan with one knob turned; the library's own plan is the empty text. */
export function turned(plan: string, knob: string, value: string): string {
  const others = plan.split(' ').filter((word) => word !== '' && !word.startsWith(`${knob}=`));
  return [...others, `${knob}=${value}`].join(' ');
}

/** Where plans are tried; the empty plan is the library's own. */
export interface PlanBench {
  /** Prepares and checks the answer. Why it cannot be timed, or null. */
  readonly start: (plan: string) => Promise<PlanRefusal | null>;
  /** Nanoseconds an evaluation. */
  readonly sample: (plan: string) => Promise<number>;
  /** Checks the answer once more and lets go. */
  readonly finish: (plan: string) => Promise<PlanRefusal | null>;
}

/** `unfit`: the library declines the plan, which is as it should be; `wrong`: it took it and failed. */
export interface PlanRefusal {
  readonly kind: 'unfit' | 'wrong';
  readonly reason: string;
}

/** What came of a search. */
export interface Tuning {
  /** Empty: the library's own plan stays. */
  readonly plan: string;
  /** Time with the library's own plan over that with this one; 1 where it stays. */
  readonly speedup: number;
  readonly interval: readonly [low: number, high: number];
  readonly tried: number;
  readonly wrong: readonly { readonly plan: string; readonly reason: string }[];
}

export interface TuneOptions {
  /** How long plans are compared with each other, and how long the winner with the library's own. */
  readonly searching: StoppingRule;
  readonly confirming: StoppingRule;
  readonly seed: number;
  /** Asked between two knobs and between rounds; false ends the search with what is best so far. */
  readonly mayGoOn: () => boolean;
}

/** What a plan must gain to be worth its name: below it two builds of the same code differ as much. */
const leastGain = 1.01;

/**
 * Tries the knobs in their order, each value against the best plan so far, in interleaved rounds. The winner of the
 * search was the luckiest of many, so that its figure is taken anew: it and the library's own plan in rounds of their
 * own, and it wins only where the whole interval lies above 1.01. Null where the library's own plan cannot be timed.
 */
export async function tune(
  knobs: readonly Knob[],
  bench: PlanBench,
  options: TuneOptions,
): Promise<Tuning | null> {
  const wrong: { plan: string; reason: string }[] = [];
  let tried = 0;
  /** Samples of each plan that could be timed and answered rightly before and after. */
  const race = async (plans: readonly string[], rule: StoppingRule): Promise<Map<string, number[]>> => {
    const ready: string[] = [];
    for (const plan of plans) {
      const refusal = await bench.start(plan);
      if (refusal === null) ready.push(plan);
      else if (refusal.kind === 'wrong') wrong.push({ plan, reason: refusal.reason });
    }
    tried += ready.length;
    const timed = ready.map((plan) => ({ id: plan, sample: () => bench.sample(plan) }));
    const series = await sampleInRounds(timed, rule, options.seed, options.mayGoOn);
    const samples = new Map<string, number[]>();
    for (const [plan, { samplesNs, error }] of series) {
      const refusal = error === undefined ? await bench.finish(plan) : null;
      if (error !== undefined) wrong.push({ plan, reason: (error as Error).message });
      else if (refusal !== null) wrong.push({ plan, reason: refusal.reason });
      else samples.set(plan, samplesNs);
    }
    return samples;
  };
  let best = '';
  for (const { name, values } of knobs) {
    if (!options.mayGoOn()) break;
    const plans = [...new Set([best, ...values.map((value) => turned(best, name, value))])];
    const samples = await race(plans, options.searching);
    const known = samples.get(best);
    if (known === undefined) return best === '' ? null : stay(tried, wrong);
    let leastNs = median(known) / leastGain;
    for (const [plan, samplesNs] of samples) {
      const ns = median(samplesNs);
      if (ns >= leastNs) continue;
      leastNs = ns;
      best = plan;
    }
  }
  if (best === '') return stay(tried, wrong);
  const samples = await race(['', best], options.confirming);
  const own = samples.get('');
  const chosen = samples.get(best);
  if (own === undefined || chosen === undefined) return stay(tried, wrong);
  const pairs = Math.min(own.length, chosen.length);
  const { median: middle, interval } = medianInterval(logRatios(own.slice(0, pairs), chosen.slice(0, pairs)));
  if (!(Math.exp(interval[0]) > leastGain)) return stay(tried, wrong);
  return {
    plan: best,
    speedup: Math.exp(middle),
    interval: [Math.exp(interval[0]), Math.exp(interval[1])],
    tried,
    wrong,
  };
}

function stay(tried: number, wrong: Tuning['wrong']): Tuning {
  return { plan: '', speedup: 1, interval: [1, 1], tried, wrong };
}
