/**
 * The least time that a product can take on a machine by its own measured ceilings: arithmetic, bytes to move,
 * and for matrix-vector products the gather of the vector's elements.
 */
import type { Ceilings, Machine, Measured, WorkloadRecord } from '../terms.ts';

/** What the least time comes from. */
export interface Roofline {
  readonly floorNs: number;
  readonly bound: 'compute' | 'memory' | 'gather';
  /** Where the operands lie between two evaluations. */
  readonly level: 'L2' | 'L3' | 'DRAM';
  /** Bytes to move at the least: stored matrix once, B once, C once. */
  readonly bytes: number;
  /** Useful FLOPs over bytes. */
  readonly intensity: number;
}

/** Bytes that a format stores for the whole matrix. */
export function storedBytes(measured: Measured): number {
  const { payloadBytes, metadataBytes, paddingBytes } = measured.footprint;
  return payloadBytes + metadataBytes + paddingBytes;
}

/** FLOPs that a case has to do: 2 nnz n, or 2 m k n for one that computes with every element. */
export function neededFlops(workload: WorkloadRecord, dense: boolean): number {
  const { m, k, n } = workload.shape;
  return 2 * n * (dense ? m * k : workload.nnz);
}

/** The machine's ceilings for a number of threads; null where they were not measured for it. */
export function ceilingsFor(machine: Machine, threads: number): Ceilings | null {
  return machine.ceilings.find((ceilings) => ceilings.threads === threads) ?? null;
}

/**
 * Roofline of a measured case, or null where the machine's ceilings are unknown:
 * max(needed FLOPs / FMA peak, bytes / bandwidth), for n = 1 also gathers / gather rate.
 *
 * - bytes = stored matrix + 4 k n + 4 m n (f32). The bandwidth is that of the smallest level that holds them: L2 of
 *   each core (its share of A and C, all of B), L3, else DRAM.
 * - cold: the matrix comes from the level that holds all its copies, and the whole passes through L2 besides; the
 *   slower of both is the floor.
 * - gathers: one a nonzero, but no more than the metadata can index (2 bytes an index at the least), because blocks
 *   and masks load whole vectors instead. Dense gathers nothing.
 *
 * Columns of B that no nonzero uses are counted, so at very low density a fraction above 1 is possible.
 */
export function rooflineOf(workload: WorkloadRecord, measured: Measured, machine: Machine): Roofline | null {
  const ceilings = ceilingsFor(machine, measured.threads);
  if (ceilings === null || ceilings.fmaGflops <= 0) return null;
  const { m, k, n } = workload.shape;
  const stored = storedBytes(measured);
  const activations = 4 * k * n + 4 * m * n;
  const bytes = stored + activations;
  const flops = neededFlops(workload, measured.dense);

  const perCore = (stored + 4 * m * n) / measured.threads + 4 * k * n;
  const hotLevel = perCore <= machine.caches.l2Bytes ? 'L2' : bytes <= machine.caches.l3Bytes ? 'L3' : 'DRAM';
  const workingSet = stored * measured.copies + activations;
  const coldLevel = workingSet <= machine.caches.l3Bytes ? 'L3' : 'DRAM';
  const level = workload.cache === 'cold' ? coldLevel : hotLevel;
  const rate = { L2: ceilings.l2GBs, L3: ceilings.l3GBs, DRAM: ceilings.dramGBs };
  if (rate[level] <= 0 || rate[hotLevel] <= 0) return null;

  const computeNs = flops / ceilings.fmaGflops;
  const hotNs = bytes / rate[hotLevel];
  const memoryNs = workload.cache === 'cold' ? Math.max(stored / rate[coldLevel], hotNs) : hotNs;
  const gathers = measured.dense ? 0 : Math.min(workload.nnz, measured.footprint.metadataBytes / 2);
  const gatherRate = ceilings.gatherGelems ?? 0;
  const gatherNs = n === 1 && gatherRate > 0 ? gathers / gatherRate : 0;

  const floorNs = Math.max(computeNs, memoryNs, gatherNs);
  const bound = floorNs === computeNs ? 'compute' : floorNs === memoryNs ? 'memory' : 'gather';
  return { floorNs, bound, level, bytes, intensity: bytes === 0 ? 0 : flops / bytes };
}
