/** Is a machine fit to measure on? Every verdict, and the command itself. */
import { describe, expect, it } from 'vitest';
import { type Finding, judge, judgeAbsent, judgeBusy } from '../src/command/doctor.ts';
import { stealBetween } from '../src/measure/machine.ts';
import type { BaselineHealth, Build, Machine } from '../src/terms.ts';
import { sparsemark } from './command.ts';
import { fakeMachine } from './fakes.ts';

const build: Build = {
  origin: 'checkout',
  sha256: 'a'.repeat(64),
  compiler: 'GNU 12.2.0',
  flags: '-O3 -DNDEBUG',
  type: 'Release',
  sanitizer: '',
  version: '0.1.0',
  gitCommit: null,
  gitDirty: null,
};
const baseline = (library: string, ofPeak: number, healthy = true): BaselineHealth => ({
  library,
  kernel: 'dense',
  isa: 'auto',
  gflops: 100 * ofPeak,
  ofBest: ofPeak,
  ofPeak,
  healthy,
});
const good = [baseline('native', 0.9), baseline('openblas', 0.85)];
const calm: Partial<Machine> = {
  governor: 'performance',
  load1: 0.1,
  stealShare: 0,
  smt: false,
  cgroupCpus: null,
};

function verdicts(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(findings.map(({ what, verdict }) => [what, verdict]));
}

describe('judgeBusy', () => {
  it.each<[Partial<Machine>, number | null, string, string]>([
    [{ load1: 0.5 }, 0, 'fine', 'fine'],
    [{ load1: 1.9 }, 0, 'note', 'fine'],
    [{ load1: 2 }, 0, 'unfit', 'fine'],
    [{ load1: 2, cores: 16 }, 0, 'fine', 'fine'],
    [{ load1: 16, cores: 16 }, 0, 'unfit', 'fine'],
    [{ stealShare: 0.5 }, 0.01, 'fine', 'note'],
    [{ stealShare: 0.5 }, null, 'fine', 'note'],
    [{ stealShare: 0 }, 0.05, 'fine', 'note'],
    [{ stealShare: 0 }, 0.11, 'fine', 'unfit'],
    [{ stealShare: null }, 0.11, 'fine', 'unfit'],
  ])('%j, %j stolen now: load %s, steal %s', (machine, stealNow, load, steal) => {
    const findings = judgeBusy(fakeMachine({ ...calm, ...machine }), stealNow);
    expect(verdicts(findings)).toEqual({ load, steal });
    for (const { verdict, advice } of findings) expect(advice !== '').toBe(verdict !== 'fine');
  });

  it('takes the share of the time that was wanted between two readings', () => {
    const before = { wanted: 1000, stolen: 500, total: 100_000 };
    expect(stealBetween(before, { wanted: 1200, stolen: 520, total: 101_000 })).toBe(0.1);
    expect(stealBetween(before, { wanted: 1010, stolen: 505, total: 101_000 })).toBeNull();
    expect(stealBetween(null, before)).toBeNull();
    expect(stealBetween(before, null)).toBeNull();
  });
});

describe('judge', () => {
  it('finds nothing on a calm machine, and then gives no advice', () => {
    const findings = judge(fakeMachine(calm), build, good, 0);
    expect(new Set(Object.values(verdicts(findings)))).toEqual(new Set(['fine']));
    for (const { advice, found } of findings) {
      expect(advice).toBe('');
      expect(found).not.toBe('');
    }
  });

  it.each<[string, Finding['verdict'], Partial<Machine>, Partial<Build>, readonly BaselineHealth[]]>([
    ['build', 'unfit', {}, { type: 'Debug' }, good],
    ['build', 'unfit', {}, { sanitizer: 'address' }, good],
    ['governor', 'note', { governor: 'powersave' }, {}, good],
    ['load', 'note', { load1: 1.5 }, {}, good],
    ['load', 'unfit', { load1: 3 }, {}, good],
    ['steal', 'note', { stealShare: 0.05 }, {}, good],
    ['cgroup quota', 'note', { cgroupCpus: 1.5 }, {}, good],
    ['SMT', 'note', { smt: true }, {}, good],
    ['clock', 'unfit', { clockResolutionNs: 10_000 }, {}, good],
    ['ceilings', 'unfit', { ceilings: [] }, {}, good],
    ['dense baseline', 'unfit', {}, {}, [baseline('native', 0.3)]],
    ['dense baseline', 'unfit', {}, {}, []],
    ['dense baseline', 'note', {}, {}, [baseline('native', 0.9), baseline('openblas', 0.2, false)]],
  ])('%s: %s, with advice, and nothing else', (what, verdict, machine, change, health) => {
    const findings = judge(fakeMachine({ ...calm, ...machine }), { ...build, ...change }, health, 0);
    const odd = findings.filter((finding) => finding.verdict !== 'fine');
    expect(odd.map((finding) => [finding.what, finding.verdict])).toEqual([[what, verdict]]);
    expect(odd[0]!.advice.length).toBeGreaterThan(10);
  });

  it('takes what a system does not show for fine', () => {
    const hidden = fakeMachine({ ...calm, governor: null, stealShare: null, smt: null, cgroupCpus: null });
    expect(new Set(Object.values(verdicts(judge(hidden, build, good, null))))).toEqual(new Set(['fine']));
  });
});

describe('judgeAbsent', () => {
  it('notes each competitor that is not there with what to install', () => {
    const reason = 'Expected a shared library librsb.so.0 for librsb. Debian: apt-get install librsb0';
    expect(judgeAbsent([{ name: 'librsb', path: '/x/libsparsemark-librsb.so', reason }])).toEqual([
      { what: 'library librsb', verdict: 'note', found: 'not there', advice: reason },
    ]);
    expect(judgeAbsent([])).toEqual([]);
  });
});

describe('the command', () => {
  it('says whether this machine is fit: exit code 0 or 3', () => {
    const { status, stdout, stderr } = sparsemark(['doctor', '--json']);
    expect(stderr).toBe('');
    const found = JSON.parse(stdout) as { fit: boolean; findings: Finding[]; health: BaselineHealth[] };
    expect(status).toBe(found.fit ? 0 : 3);
    expect(found.fit).toBe(found.findings.every(({ verdict }) => verdict !== 'unfit'));
    expect(found.health).toContainEqual(expect.objectContaining({ library: 'native' }));
  });
});
