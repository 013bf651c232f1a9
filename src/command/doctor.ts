/** `sparsemark doctor`: is this machine fit to measure on? */
import { measureLimits } from '../measure/health.ts';
import { type Absent, openLibraries } from '../measure/libraries.ts';
import { cpuTicks, measuringCpus, stealBetween } from '../measure/machine.ts';
import { describeBuild } from '../measure/run.ts';
import { type BaselineHealth, type Build, exitCodes, type Machine } from '../terms.ts';
import { asJson, type Output, plainTable } from './output.ts';

/** One thing looked at. `unfit` makes the exit code 3, `note` does not. */
export interface Finding {
  readonly what: string;
  readonly verdict: 'fine' | 'note' | 'unfit';
  readonly found: string;
  readonly advice: string;
}

function finding(what: string, bad: Finding['verdict'] | null, found: string, advice: string): Finding {
  return { what, verdict: bad ?? 'fine', found, advice: bad === null ? '' : advice };
}

/** What else takes CPU time: programs beside us, other guests. `stealNow` is the share while something computed. */
export function judgeBusy(
  machine: Pick<Machine, 'load1' | 'cores' | 'stealShare'>,
  stealNow: number | null,
): readonly Finding[] {
  const { load1, cores } = machine;
  const busy = load1 > Math.max(0.5, cores / 4);
  const steal = machine.stealShare ?? 0;
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const shares = [
    ...(machine.stealShare === null ? [] : [`${percent(steal)} since boot`]),
    ...(stealNow === null ? [] : [`${percent(stealNow)} now`]),
  ];
  return [
    finding(
      'load',
      load1 >= cores ? 'unfit' : busy ? 'note' : null,
      `${load1.toFixed(2)} on ${cores} CPUs`,
      'End what else runs, then look again.',
    ),
    finding(
      'steal',
      (stealNow ?? 0) > 0.1 ? 'unfit' : steal > 0.02 || (stealNow ?? 0) > 0.02 ? 'note' : null,
      shares.length === 0 ? 'not shown by this system' : shares.join(', '),
      'Other guests take CPU time: ratios within one run still hold, absolute times do not.',
    ),
  ];
}

/** Competitors that will not be measured, each with what to install: more of them make a stronger comparison. */
export function judgeAbsent(absent: readonly Absent[]): readonly Finding[] {
  return absent.map(({ name, reason }) => finding(`library ${name}`, 'note', 'not there', reason));
}

/** Judges a machine from what is known of it; pure, so that every verdict can be tested. */
export function judge(
  machine: Machine,
  build: Build,
  health: readonly BaselineHealth[],
  stealNow: number | null,
): readonly Finding[] {
  const one = machine.ceilings.find(({ threads }) => threads === 1);
  const best = health.reduce((most, { ofPeak }) => Math.max(most, ofPeak), 0);
  const healthy = health.filter((entry) => entry.healthy);
  return [
    finding(
      'build',
      build.type !== 'Release' || build.sanitizer !== '' ? 'unfit' : null,
      `${build.compiler}, ${build.type}${build.sanitizer === '' ? '' : `, sanitizer ${build.sanitizer}`}, ${build.origin}`,
      'Measure with a Release build without sanitizers: npm run build.',
    ),
    finding(
      'governor',
      machine.governor !== null && machine.governor !== 'performance' ? 'note' : null,
      machine.governor ?? 'not shown by this system',
      'Set it: cpupower frequency-set -g performance.',
    ),
    ...judgeBusy(machine, stealNow),
    finding(
      'cgroup quota',
      machine.cgroupCpus !== null && machine.cgroupCpus < machine.cores ? 'note' : null,
      machine.cgroupCpus === null ? 'none' : `${machine.cgroupCpus} CPUs`,
      'A quota stops threads in the middle of a sample: use no more threads than it grants.',
    ),
    finding(
      'SMT',
      machine.smt === true ? 'note' : null,
      machine.smt === null ? 'not shown' : machine.smt ? 'on' : 'off',
      'Pin with --cpus to one thread a core.',
    ),
    finding(
      'clock',
      machine.clockResolutionNs > 1000 ? 'unfit' : null,
      `resolution ${machine.clockResolutionNs} ns`,
      'The steady clock is too coarse: choose the tsc clock source.',
    ),
    finding(
      'ceilings',
      one === undefined ? 'unfit' : null,
      one === undefined
        ? 'not measured'
        : `${one.fmaGflops.toFixed(0)} GFLOP/s FMA, ${one.l2GBs.toFixed(0)} GB/s L2, ${one.dramGBs.toFixed(0)} GB/s memory (1 thread)`,
      'The ceilings could not be measured.',
    ),
    finding(
      'dense baseline',
      best < 0.5 ? 'unfit' : healthy.length < health.length ? 'note' : null,
      health
        .map(
          ({ library, ofPeak, healthy: good }) =>
            `${library} ${(ofPeak * 100).toFixed(0)} % of peak${good ? '' : ' (not healthy)'}`,
        )
        .join(', '),
      best < 0.5
        ? 'No dense kernel reaches half of the FMA peak: speed-ups would flatter. Is something else running?'
        : 'No speed-up is taken against the libraries that are not healthy.',
    ),
  ];
}

/** Looks at everything, prints it, returns 0 or 3. */
export async function doctorCommand(options: { readonly json?: boolean }, output: Output): Promise<number> {
  const opened = await openLibraries({
    userPaths: [],
    cpus: measuringCpus(1),
    timeoutMs: 60_000,
    only: null,
  });
  try {
    // The ceilings keep a CPU busy for seconds: what is stolen meanwhile is what a run would lose.
    const before = cpuTicks();
    const { machine, health } = await measureLimits(opened.workers, null, [1]);
    const findings = [
      ...judge(machine, describeBuild(), health, stealBetween(before, cpuTicks())),
      ...judgeAbsent(opened.absent),
    ];
    const fit = findings.every(({ verdict }) => verdict !== 'unfit');
    if (options.json === true) {
      output.result(asJson({ fit, findings, machine, health }));
    } else {
      const rows = findings.map(({ what, verdict, found, advice }) => [verdict, what, found, advice]);
      output.result(`${plainTable(rows)}\n\nThis machine is ${fit ? 'fit' : 'NOT fit'} to measure on.`);
    }
    return fit ? exitCodes.ok : exitCodes.unfit;
  } finally {
    for (const worker of opened.workers) worker.end();
  }
}
