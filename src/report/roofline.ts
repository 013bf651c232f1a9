/**
 * The least time that a product can take on a machine by its own measured ceilings: arithmetic, bytes to move,
 * and for matrix-vector products the gather of the vector's elements.
 */
import type { Ceilings, Machine, Measured, Work, WorkloadRecord } from '../terms.ts';

/** What the least time comes from. */
export interface Roofline {
  readonly floorNs: number;
  readonly bound: 'compute' | 'memory' | 'gather';
  /** The farthest level that some of the operands come from. */
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

/** What a workload has to do. A file without it holds products in f32 alone. */
export function workOf(workload: WorkloadRecord): Work {
  if (workload.work !== undefined) return workload.work;
  const { m, k, n } = workload.shape;
  return { usefulFlops: 2 * workload.nnz * n, denseFlops: 2 * m * k * n, operandBytes: 4 * n * (k + m) };
}

/** FLOPs that a case has to do: 2 nnz n for a product, or 2 m k n for one that computes with every element. */
export function neededFlops(workload: WorkloadRecord, dense: boolean): number {
  const { usefulFlops, denseFlops } = workOf(workload);
  return dense ? denseFlops : usefulFlops;
}

/** The machine's ceilings for a number of threads; null where they were not measured for it. */
export function ceilingsFor(machine: Machine, threads: number): Ceilings | null {
  return machine.ceilings.find((ceilings) => ceilings.threads === threads) ?? null;
}

/**
 * Roofline of a measured case, or null where the machine's ceilings are unknown, as those of 8 and of 16 bits are:
 * max(needed FLOPs / FMA peak, bytes / bandwidth), for n = 1 also gathers / gather rate.
 *
 * - bytes = stored matrix + the other operands and the output, for a product in f32 4 k n + 4 m n. What fits into the L2 of all cores comes from there at the least, what
 *   fits into L3 besides from L3, the rest from DRAM. A step from one level to the next would ask a product that hardly
 *   exceeds L2 to be no faster than L3, which it is.
 * - cold: of the matrix, as much comes from L3 as L3 holds of all its copies, the rest from DRAM; the whole passes
 *   through the caches as when hot besides. The slower of both is the floor.
 * - gathers: one a nonzero, but no more than the metadata can index (2 bytes an index at the least), because blocks
 *   and masks load whole vectors instead. Dense gathers nothing.
 *
 * A fraction well above 1 means that a ceiling was measured too low, or at very low density that rows
 * of B which no nonzero uses were never read: the floor counts them.
 */
export function rooflineOf(workload: WorkloadRecord, measured: Measured, machine: Machine): Roofline | null {
  const ceilings = ceilingsFor(machine, measured.threads);
  // Several products of bytes, or of 16 bits, take the time of one FMA; how many, no ceiling says.
  const ofFloats = workload.dtype === 'f32' || workload.dtype === 'bf16';
  if (ceilings === null || ceilings.fmaGflops <= 0 || !ofFloats) return null;
  const { n } = workload.shape;
  // A sparse vector asks for so many columns of A and no others.
  const asked = n === 1 ? (workload.activationDensity ?? 1) : 1;
  const stored = storedBytes(measured) * asked;
  const activations = workOf(workload).operandBytes;
  const bytes = stored + activations;
  const flops = neededFlops(workload, measured.dense);

  const rates = [ceilings.l2GBs, ceilings.l3GBs, ceilings.dramGBs] as const;
  const fromL2 = Math.min(bytes, machine.caches.l2Bytes * measured.threads);
  const fromL3 = Math.min(bytes - fromL2, machine.caches.l3Bytes);
  const hot = { L2: fromL2, L3: fromL3, DRAM: bytes - fromL2 - fromL3 };
  const workingSet = stored * measured.copies + activations;
  const kept = workingSet === 0 ? 0 : stored * Math.min(1, machine.caches.l3Bytes / workingSet);
  const cold = { L2: 0, L3: kept, DRAM: stored - kept };
  const hotNs = transferNs(hot, rates);
  const coldNs = workload.cache === 'cold' ? transferNs(cold, rates) : 0;
  if (hotNs === null || coldNs === null) return null;

  const computeNs = flops / ceilings.fmaGflops;
  const memoryNs = Math.max(hotNs, coldNs);
  const from = workload.cache === 'cold' ? cold : hot;
  const level = from.DRAM > 0 ? 'DRAM' : from.L3 > 0 ? 'L3' : 'L2';
  const gathers = measured.dense ? 0 : Math.min(workload.nnz, measured.footprint.metadataBytes / 2);
  const gatherRate = ceilings.gatherGelems ?? 0;
  const gatherNs = n === 1 && gatherRate > 0 ? gathers / gatherRate : 0;

  const floorNs = Math.max(computeNs, memoryNs, gatherNs);
  const bound = floorNs === computeNs ? 'compute' : floorNs === memoryNs ? 'memory' : 'gather';
  return { floorNs, bound, level, bytes, intensity: bytes === 0 ? 0 : flops / bytes };
}

/** Time to move these bytes at the rates of L2, L3 and DRAM; null where a rate that it takes is unknown. */
function transferNs(
  bytes: Readonly<Record<Roofline['level'], number>>,
  [l2GBs, l3GBs, dramGBs]: readonly [number, number, number],
): number | null {
  let sumNs = 0;
  for (const [size, rate] of [
    [bytes.L2, l2GBs],
    [bytes.L3, l3GBs],
    [bytes.DRAM, dramGBs],
  ] as const) {
    if (size === 0) continue;
    if (rate <= 0) return null;
    sumNs += size / rate;
  }
  return sumNs;
}
