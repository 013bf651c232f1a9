/** All that the reports show of one Result: derived once, shown many ways. */

import { geometricMean } from '../statistics.ts';
import type { Result } from '../terms.ts';
import { bestOfAll, type Curve, curvesOf, pooledCurvesOf } from './curves.ts';
import {
  type Derived,
  type DeriveOptions,
  derive,
  type Group,
  isHealthy,
  kernelName,
  type Setting,
} from './derive.ts';
import { type Network, networksOf } from './networks.ts';

/** A dense kernel of a run: a candidate for the baseline. */
export interface DenseKernel {
  readonly kernel: string;
  readonly healthy: boolean;
  /** From the run's health gate; null where it does not list the kernel. */
  readonly gateGflops: number | null;
  readonly ofBest: number | null;
  readonly ofPeak: number | null;
  /** Workloads that it was the baseline of, and workloads that it was measured on. */
  readonly chosen: number;
  readonly measured: number;
  /** Geometric mean of its own roofline fractions; null where unknown. */
  readonly strength: number | null;
}

/** One Result with everything derived from it. */
export interface Finding extends Derived {
  /** Name of the machine, distinct among the results of one report. */
  readonly machineName: string;
  readonly curves: readonly Curve[];
  /** Curves over all shapes, where they are many. */
  readonly pooledCurves: readonly Curve[];
  readonly networks: readonly Network[];
  readonly denseKernels: readonly DenseKernel[];
  /** Shortest unambiguous name of each sparse kernel: `csr`, else `native-csr`, else `native-csr-avx512`. */
  readonly kernelLabels: ReadonlyMap<string, string>;
}

/** Derives the findings of several Results; machines of one name are told apart by their run id. */
export function findingsOf(results: readonly Result[], options: DeriveOptions = {}): Finding[] {
  const names = results.map((result) => result.header.machine.cpuBrand || result.header.machine.arch);
  const kernelLabels = labelsOf(results);
  return results.map((result, index) => {
    const name = names[index]!;
    const shared = names.filter((each) => each === name).length > 1;
    const derived = derive(result, options);
    return {
      ...derived,
      machineName: shared ? `${name} (${result.header.runId})` : name,
      curves: curvesOf(derived, options.resamples),
      pooledCurves: pooledCurvesOf(derived, options.resamples),
      networks: networksOf(derived),
      denseKernels: denseKernelsOf(derived),
      kernelLabels,
    };
  });
}

function labelsOf(results: readonly Result[]): Map<string, string> {
  const sparse = results.flatMap((result) => result.measurements).filter((measurement) => !measurement.dense);
  const kernels = [...new Map(sparse.map((measurement) => [kernelName(measurement), measurement])).entries()];
  const shared = new Map<string, number>();
  const count = (name: string) => shared.set(name, (shared.get(name) ?? 0) + 1);
  for (const [, { library, kernel }] of kernels) {
    count(kernel);
    count(`${library}-${kernel}`);
  }
  return new Map(
    kernels.map(([name, { library, kernel }]) => {
      const label = [kernel, `${library}-${kernel}`].find((each) => shared.get(each) === 1) ?? name;
      return [name, label];
    }),
  );
}

function denseKernelsOf({ result, cells }: Derived): DenseKernel[] {
  const dense = cells.filter((cell) => cell.measured.dense);
  const { health } = result.header;
  const names = [...new Set([...health.map(kernelName), ...dense.map((cell) => cell.kernel)])];
  return names.map((kernel) => {
    const gate = health.find((entry) => kernelName(entry) === kernel) ?? null;
    const own = dense.filter((cell) => cell.kernel === kernel);
    const fractions = own.flatMap((cell) => cell.rooflineFraction ?? []);
    return {
      kernel,
      healthy: gate?.healthy ?? own.every((cell) => isHealthy(result, cell.measured)),
      gateGflops: gate?.gflops ?? null,
      ofBest: gate?.ofBest ?? null,
      ofPeak: gate?.ofPeak ?? null,
      chosen: own.filter((cell) => cell.baseline?.cell === cell.measured).length,
      measured: own.length,
      strength: fractions.length === 0 ? null : geometricMean(fractions),
    };
  });
}

/** Mask seeds that a group's interval rests on. */
export function maskSeedsOf(group: Group): number {
  return new Set(group.cells.map((cell) => cell.workload.seed)).size;
}

/** The rows of one setting. */
export interface Section {
  readonly setting: Setting;
  readonly groups: readonly Group[];
  readonly curves: readonly Curve[];
}

/** The settings of a finding in the order of the file, with their sparse groups by density and then by speed. */
export function sectionsOf(finding: Finding, options: { readonly all: boolean }): Section[] {
  const sections = new Map<string, { setting: Setting; groups: Group[] }>();
  for (const group of finding.groups) {
    const section = sections.get(group.setting.id) ?? { setting: group.setting, groups: [] };
    if (!group.dense || options.all) section.groups.push(group);
    sections.set(group.setting.id, section);
  }
  return [...sections.values()].map(({ setting, groups }) => {
    const ordered = [...groups].sort((a, b) => b.density - a.density || a.medianNs - b.medianNs);
    const shown = options.all
      ? ordered
      : ordered.filter((group, index) => index === 0 || ordered[index - 1]!.density !== group.density);
    return {
      setting,
      groups: shown,
      curves: finding.curves.filter((curve) => curve.setting.id === setting.id),
    };
  });
}

/** Whether a cache state is the one to publish for this n: cold up to 32, because weights are then read once. */
export function isHeadline(setting: Pick<Setting, 'n' | 'cache'>): boolean {
  return setting.cache === (setting.n <= 32 ? 'cold' : 'hot');
}

/** The best-of-all curves. */
export function bestCurves(finding: Finding): Curve[] {
  return finding.curves.filter((curve) => curve.kernel === bestOfAll);
}
