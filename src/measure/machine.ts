/** What machine this is: everything that decides whether two absolute times may be compared. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, loadavg, type as osType, release, totalmem } from 'node:os';
import { loadNative } from '../native.ts';
import type { Ceilings, Machine } from '../terms.ts';

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** CPUs that this process may run on, in ascending order. */
export function allowedCpus(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readText('/proc/self/status') ?? '')?.[1];
  if (list === undefined) return cpus().map((_, index) => index);
  return list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
  });
}

/** CPUs that workers are pinned to: the last ones, since interrupts prefer the first. Empty where nothing can be pinned. */
export function measuringCpus(threads: number): readonly number[] {
  if (process.platform !== 'linux') return [];
  return allowedCpus().slice(-threads);
}

/**
 * Groups of as many CPUs as a case has threads, at most `most`, for workers that measure at once: no group shares a
 * physical core with another. The first one is `measuringCpus`, the only one where there are no more cores.
 */
export function measuringCrews(threads: number, most: number): readonly (readonly number[])[] {
  const first = measuringCpus(threads);
  const coresOf = (group: readonly number[]): readonly string[] => group.map(coreOf);
  const crews = [first];
  const used = new Set(coresOf(first));
  const free = allowedCpus()
    .filter((cpu) => !used.has(coreOf(cpu)))
    .reverse();
  for (let at = 0; first.length === threads && crews.length < most; at += threads) {
    const group = free.slice(at, at + threads);
    if (group.length < threads || coresOf(group).some((core) => used.has(core))) break;
    for (const core of coresOf(group)) used.add(core);
    crews.push(group);
  }
  return crews;
}

/** A name of the physical core that a CPU is on; its own where the system does not tell. */
function coreOf(cpu: number): string {
  const siblings = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
  return readText(siblings)?.trim() ?? `${cpu}`;
}

/** CPU time of all CPUs together since boot, in ticks of 10 ms. */
export interface CpuTicks {
  /** Time that something ran or, `stolen`, would have run. */
  readonly wanted: number;
  /** Time that the hypervisor kept for others. */
  readonly stolen: number;
  readonly total: number;
}

/** The CPU time so far; null where the system does not show it. */
export function cpuTicks(): CpuTicks | null {
  const fields = /^cpu\s+(.+)$/m
    .exec(readText('/proc/stat') ?? '')?.[1]
    ?.split(/\s+/)
    .map(Number);
  if (fields === undefined || fields.length < 8) return null;
  const total = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  // The fourth and fifth are idle and waiting for input or output.
  return { wanted: total - fields[3]! - fields[4]!, stolen: fields[7]!, total };
}

/** Share of CPU time that the hypervisor kept for others since boot; null where unknown. */
export function stealShare(): number | null {
  const ticks = cpuTicks();
  return ticks === null || ticks.total === 0 ? null : ticks.stolen / ticks.total;
}

/** Ticks of wanted CPU time below which a share of them says nothing. */
const leastTicks = 50;

/**
 * Share of the CPU time wanted between two readings that the hypervisor kept for others: idle CPUs lose none and would
 * hide it. Null where unknown or where too little was wanted, so take the readings around something that computes.
 */
export function stealBetween(before: CpuTicks | null, after: CpuTicks | null): number | null {
  if (before === null || after === null) return null;
  const wanted = after.wanted - before.wanted;
  return wanted < leastTicks ? null : Math.max(0, after.stolen - before.stolen) / wanted;
}

function cgroupCpus(): number | null {
  const [quota, period] = (readText('/sys/fs/cgroup/cpu.max') ?? 'max').split(' ');
  if (quota !== undefined && quota !== 'max' && period !== undefined) return Number(quota) / Number(period);
  const quota1 = Number(readText('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? '-1');
  const period1 = Number(readText('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? '100000');
  return quota1 > 0 ? quota1 / period1 : null;
}

function turbo(): boolean | null {
  const noTurbo = readText('/sys/devices/system/cpu/intel_pstate/no_turbo');
  if (noTurbo !== null) return noTurbo === '0';
  const boost = readText('/sys/devices/system/cpu/cpufreq/boost');
  return boost === null ? null : boost === '1';
}

function smt(): boolean | null {
  const active = readText('/sys/devices/system/cpu/smt/active');
  return active === null ? null : active === '1';
}

/** The scaling governor; where the CPUs differ, all of them. */
function governor(): string | null {
  let folders: string[];
  try {
    folders = readdirSync('/sys/devices/system/cpu').filter((name) => /^cpu\d+$/.test(name));
  } catch {
    return null;
  }
  const found = folders
    .map((name) => readText(`/sys/devices/system/cpu/${name}/cpufreq/scaling_governor`))
    .filter((text) => text !== null);
  return found.length === 0 ? null : [...new Set(found)].join(',');
}

function hypervisor(flags: readonly string[]): string | null {
  const named = readText('/sys/hypervisor/type') ?? readText('/sys/class/dmi/id/sys_vendor');
  if (!flags.includes('hypervisor')) return null;
  return named ?? 'unknown';
}

/** The machine, with the ceilings measured for each number of threads. Takes seconds. */
export function describeMachine(threads: readonly number[]): Machine {
  return { ...describeMachineOnly(), ceilings: threads.map(measureCeilings) };
}

/** The machine without its ceilings; quick. */
export function describeMachineOnly(): Machine {
  const { native } = loadNative();
  const cpu = native.describeCpu();
  const info = readText('/proc/cpuinfo') ?? '';
  const flags = /^(?:flags|Features)\s*:\s*(.+)$/m.exec(info)?.[1]?.split(/\s+/) ?? [];
  const brand = cpu.brand !== '' ? cpu.brand : (cpus()[0]?.model ?? 'unknown CPU');
  const facts = {
    os: osType(),
    arch: arch(),
    cpuBrand: brand,
    cpuModel: cpu.model,
    isa: cpu.isa,
    cores: cpus().length,
    caches: { l1dBytes: cpu.l1dBytes, l2Bytes: cpu.l2Bytes, l3Bytes: cpu.l3Bytes },
    memoryGib: Math.round(totalmem() / 2 ** 30),
  };
  const { memoryGib: _, ...shown } = facts;
  return {
    hostname: hostname(),
    kernelRelease: release(),
    ...shown,
    cpuFlags: flags,
    smt: smt(),
    hypervisor: hypervisor(flags),
    memoryBytes: totalmem(),
    governor: governor(),
    turbo: turbo(),
    load1: loadavg()[0]!,
    stealShare: stealShare(),
    cgroupCpus: cgroupCpus(),
    transparentHugePages:
      /\[(\w+)\]/.exec(readText('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ?? null,
    clockResolutionNs: native.describeBuild().clockResolutionNs,
    node: process.version,
    ceilings: [],
    fingerprint: createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 12),
  };
}

function measureCeilings(threads: number): Ceilings {
  const found = loadNative().native.measureCeilings(threads);
  return { threads, ...found, gatherGelems: found.gatherGelems === 0 ? null : found.gatherGelems };
}
