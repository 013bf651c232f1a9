/** What machine this is, and which of its dense baselines are healthy. */
import { readFileSync } from 'node:fs';
import { arch, cpus, totalmem } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthyPeakShare, healthyShare, isHealthy, measureHealth } from '../src/measure/health.ts';
import { bundledLibraries, openLibraries } from '../src/measure/libraries.ts';
import type { LibraryWorker } from '../src/measure/library-worker.ts';
import {
  allowedCpus,
  describeMachine,
  measuringCpus,
  measuringCrews,
  stealShare,
} from '../src/measure/machine.ts';
import { loadNative } from '../src/native.ts';
import type { Machine } from '../src/terms.ts';

describe('the machine', () => {
  let machine: Machine;
  beforeAll(() => {
    machine = describeMachine([1]);
  });

  it('has a name, a size and caches that grow outwards', () => {
    expect(machine).toMatchObject({ arch: arch(), cores: cpus().length, memoryBytes: totalmem() });
    expect(machine.cpuBrand.length).toBeGreaterThan(3);
    expect(machine.fingerprint).toMatch(/^[0-9a-f]{12}$/);
    const { l1dBytes, l2Bytes, l3Bytes } = machine.caches;
    // A virtual machine may hide its caches: then they are 0, unknown.
    if (l1dBytes > 0) expect(l1dBytes).toBeGreaterThanOrEqual(8 * 1024);
    if (l2Bytes > 0) expect(l2Bytes).toBeGreaterThan(l1dBytes);
    if (l3Bytes > 0) expect(l3Bytes).toBeGreaterThanOrEqual(l2Bytes);
    expect(machine.load1).toBeGreaterThanOrEqual(0);
    expect(machine.clockResolutionNs).toBeGreaterThan(0);
    expect(machine.clockResolutionNs).toBeLessThan(10_000);
    for (const share of [machine.stealShare, stealShare()]) {
      if (share === null) continue;
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThan(1);
    }
    if (machine.cgroupCpus !== null) expect(machine.cgroupCpus).toBeGreaterThan(0);
  });

  it('has the instruction sets that its flags say', () => {
    expect(machine.isa).toContain('scalar');
    if (process.platform !== 'linux' || arch() !== 'x64') return;
    expect(machine.isa.includes('avx2')).toBe(
      machine.cpuFlags.includes('avx2') && machine.cpuFlags.includes('fma'),
    );
    if (machine.isa.includes('avx512')) expect(machine.cpuFlags).toContain('avx512f');
  });

  it('has ceilings in a plausible order', () => {
    const [one] = machine.ceilings;
    expect(machine.ceilings).toHaveLength(1);
    expect(one!.threads).toBe(1);
    expect(one!.fmaGflops).toBeGreaterThan(1);
    // Wide margins: other processes may run beside a test.
    expect(one!.l1GBs).toBeGreaterThan(one!.l3GBs);
    expect(one!.l2GBs).toBeGreaterThan(0.5 * one!.dramGBs);
    expect(one!.dramGBs).toBeGreaterThan(0.1);
  });

  it('pins to CPUs that it may use, the last ones', () => {
    const allowed = allowedCpus();
    expect(allowed.length).toBeGreaterThan(0);
    expect(new Set(allowed).size).toBe(allowed.length);
    if (process.platform !== 'linux') return;
    expect(measuringCpus(1)).toEqual(allowed.slice(-1));
    expect(measuringCpus(10_000)).toEqual(allowed);
  });

  it('measures at once on CPUs that share no core', () => {
    if (process.platform !== 'linux') return;
    const cores = new Set(
      allowedCpus().map((cpu) =>
        readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8'),
      ),
    );
    const crews = measuringCrews(1, 2);
    expect(crews[0]).toEqual(measuringCpus(1));
    expect(crews).toHaveLength(Math.min(2, cores.size));
    expect(new Set(crews.flat()).size).toBe(crews.length);
    expect(measuringCrews(1, 1)).toEqual([measuringCpus(1)]);
    expect(measuringCrews(10_000, 2)).toEqual([measuringCpus(10_000)]);
  });

  it('has the same fingerprint each time', () => {
    // Load, ceilings and steal change; what decides whether times compare does not.
    expect(describeMachine([]).fingerprint).toBe(machine.fingerprint);
  });
});

describe('the health gate', () => {
  let workers: readonly LibraryWorker[] = [];
  beforeAll(async () => {
    ({ workers } = await openLibraries({ userPaths: [], cpus: [], timeoutMs: 30_000, only: null }));
  });
  afterAll(() => {
    for (const worker of workers) worker.end();
  });

  it('opens ours first, and what is installed of the others', () => {
    expect(bundledLibraries()[0]).toMatch(/libsparsemark-native\./);
    expect(workers[0]!.library.name).toBe('native');
  });

  it('holds every dense kernel against the fastest', async () => {
    const ceilings = [
      { threads: 1, fmaGflops: 100, l1GBs: 1, l2GBs: 1, l3GBs: 1, dramGBs: 1, gatherGelems: null },
    ];
    const health = await measureHealth(workers, null, ceilings);
    const dense = workers.flatMap(({ library }) =>
      library.kernels.filter((kernel) => kernel.dense && kernel.op === 'spmm' && library.name !== 'native'),
    );
    // One of each name: the widest instruction set. libxsmm declines a product of this size.
    const names = new Set(dense.map(({ name }) => name));
    expect(health.length).toBeGreaterThan(names.size);
    expect(health.length).toBeLessThanOrEqual(dense.length + 1);
    expect(Math.max(...health.map(({ ofBest }) => ofBest))).toBe(1);
    for (const entry of health) {
      expect(entry.gflops).toBeGreaterThan(0);
      expect(entry.ofPeak).toBeCloseTo(entry.gflops / 100, 10);
      expect(entry.healthy).toBe(entry.ofBest >= healthyShare && entry.ofPeak >= healthyPeakShare);
    }
  });

  it('needs a share of the fastest and, where no instruction set is forced, of the peak', async () => {
    expect(isHealthy({ ofBest: 1, ofPeak: 0.6 }, null)).toBe(true);
    expect(isHealthy({ ofBest: 0.69, ofPeak: 0.6 }, null)).toBe(false);
    expect(isHealthy({ ofBest: 1, ofPeak: 0.39 }, null)).toBe(false);
    expect(isHealthy({ ofBest: 1, ofPeak: 0.39 }, 'avx2')).toBe(true);
    expect(isHealthy({ ofBest: 0.5, ofPeak: 0.39 }, 'avx2')).toBe(false);
    expect(isHealthy({ ofBest: 1, ofPeak: Number.NaN }, null)).toBe(true);
    // A machine a thousand times as fast as what it runs has no healthy baseline, though one is the fastest.
    const high = { threads: 1, l1GBs: 1, l2GBs: 1, l3GBs: 1, dramGBs: 1, gatherGelems: null };
    const health = await measureHealth(workers, null, [{ ...high, fmaGflops: 1e6 }]);
    expect(health.map(({ healthy }) => healthy)).not.toContain(true);
  });

  it('takes the forced instruction set of ours', async () => {
    const health = await measureHealth(workers.slice(0, 1), 'scalar', []);
    expect(health.map(({ isa }) => isa)).toEqual(['scalar']);
    expect(health[0]!.ofPeak).toBeNaN();
  });
});

describe('the addon', () => {
  it('says what it is', () => {
    const { binary, native } = loadNative();
    expect(binary.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(native.describeBuild()).toMatchObject({ type: 'Release', sanitizer: '' });
    expect(native.describeBuild().compiler).toMatch(/GNU|Clang/);
  });
});
