/** Estimates of systolic arrays as rows of SCALE-Sim's reports, for the scripts that read those. */
import type { Accelerator, Estimate, EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { parametersOf } from './record.ts';

const computeHeader =
  'LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, Mapping Efficiency %, Compute Util %,';
const sparseHeader =
  'LayerID, Sparsity Representation, Original Filter Storage, New Storage (Filter+Metadata), Filter Metadata Storage, Avg FILTER Metadata SRAM BW, ';

/** A layer with its estimate. */
export interface EstimatedRow {
  readonly layer: EstimatedLayer;
  readonly estimate: Estimate;
}

const divideUp = (of: number, by: number): number => Math.ceil(of / by);

function requireSystolic(accelerator: Accelerator): void {
  if (accelerator.engine === 'systolic') return;
  throw new SparsemarkError(
    'USAGE',
    `Expected a systolic array for SCALE-Sim's report, received ${accelerator.name} of the class ${accelerator.engine}. Name one with --accelerator: tpu-128, or SCALE-Sim's .cfg.`,
  );
}

/** Each row of a report: SCALE-Sim has one a channel of a depthwise layer, all of them equal. */
function rowsOf(
  rows: readonly EstimatedRow[],
  cellsOf: (row: EstimatedRow, cycles: number) => readonly (string | number)[],
): string[] {
  return rows
    .flatMap((row) => {
      const { groups } = row.layer;
      // The last cycle of the last fold is not counted: of each group here, of all groups together there.
      const cells = cellsOf(row, (row.estimate.cycles + 1) / groups - 1);
      return Array.from({ length: groups }, () => cells);
    })
    .map((cells, id) => `${[id, ...cells].join(', ')},`);
}

/**
 * COMPUTE_REPORT.csv. Cycles before the first input has come from DRAM are not modelled: their column is empty, and
 * stalls are 0. Throws USAGE for an accelerator that is no systolic array.
 */
export function computeReport(accelerator: Accelerator, rows: readonly EstimatedRow[]): string {
  requireSystolic(accelerator);
  const { rows: height, cols: width, dataflow } = parametersOf(accelerator) as Record<string, number>;
  const elements = height! * width!;
  const lines = rowsOf(rows, ({ layer, estimate }, cycles) => {
    // Down the array, across it, and in time; of a sum, what is stored.
    const { m: filters, n: pixels } = layer.shape;
    const k = estimate.terms.storedK!;
    const [down, across, steps] = (
      dataflow === 0 ? [pixels, filters, k] : dataflow === 1 ? [k, filters, pixels] : [k, pixels, filters]
    ) as [number, number, number];
    const folds = divideUp(down, height!) * divideUp(across, width!);
    const mapped = (down * across) / (folds * elements);
    // SCALE-Sim's own count of a fold here: filling from two sides is counted twice where an operand stays.
    const cyclesOfFold = steps + (dataflow === 0 ? height! + width! - 2 : 2 * (height! + width!) - 3);
    const macs = pixels * filters * layer.shape.k;
    return [
      '',
      cycles,
      0,
      (100 * macs) / (cycles * elements),
      100 * mapped,
      (100 * mapped * steps) / cyclesOfFold,
    ];
  });
  return [computeHeader, ...lines, ''].join('\n');
}

/** Words that N:M weights take, metadata apart: values of a word each, and what says where they belong. */
function storageOf(
  layer: EstimatedLayer,
  storedK: number,
  representation: string,
): { values: number; metadata: number } {
  const { m: filters, k } = layer.shape;
  const values = storedK * filters;
  if (representation === 'csr') return { values, metadata: values + k + 1 };
  if (representation === 'csc') return { values, metadata: values + filters + 1 };
  // Bits by the block of the topology's column, whatever BlockSize the configuration has; words of 32.
  return { values, metadata: (values * Math.ceil(Math.log2(layer.weightBlock?.size ?? 1))) / 32 };
}

/** SPARSE_REPORT.csv of a configuration with SparsitySupport; null of others. Throws as computeReport does. */
export function sparseReport(accelerator: Accelerator, rows: readonly EstimatedRow[]): string | null {
  requireSystolic(accelerator);
  const representation = accelerator.weightBlocks;
  if (representation == null) return null;
  const lines = rowsOf(rows, ({ layer, estimate }, cycles) => {
    const { values, metadata } = storageOf(layer, estimate.terms.storedK!, representation);
    return [representation, layer.shape.m * layer.shape.k, values + metadata, metadata, metadata / cycles];
  });
  return [sparseHeader, ...lines, ''].join('\n');
}
