/** Where the nonzeros of a layer's operands really lie: of a suite's workloads and of matrix files. */
import type { EstimatedLayer, LayerMasks, MaskStatistics, OperandMask } from '../terms/accelerator.ts';
import { SparsemarkError, type Workload } from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { readMatrix } from '../workload/import/index.ts';
import { opNamed } from '../workload/ops/index.ts';
import { makeMatrix, statisticsOf } from '../workload/problem.ts';
import { randomStream } from '../workload/random.ts';

/** Rows and columns that a layer's masks must have; of a convolution's activations without its padding. */
function sizesOf({ shape: { m, n, k, conv } }: EstimatedLayer): Record<'weights' | 'activations', number[]> {
  const activations = conv === undefined ? [k, n] : [conv.channels, conv.batch * conv.height * conv.width];
  return { weights: [m, k], activations };
}

/** Refuse masks of another shape than the layer's. `file`: where the activations' mask is from. Throws BAD_MATRIX. */
export function checkMasks(layer: EstimatedLayer, masks: LayerMasks, file?: string): void {
  const sizes = sizesOf(layer);
  for (const operand of ['weights', 'activations'] as const) {
    const mask = masks[operand];
    const [rows, cols] = sizes[operand] as [number, number];
    if (mask === null || (mask.rows === rows && mask.cols === cols)) continue;
    throw new SparsemarkError(
      'BAD_MATRIX',
      `Expected ${rows} x ${cols} places for the ${operand} of ${layer.name}, received a mask of ${mask.rows} x ${mask.cols}. Give the mask of this layer.`,
      file === undefined || operand === 'weights' ? undefined : { file },
    );
  }
}

/** The same activations on the padded planes that `native/accelerator/batch.h` has. */
export function paddedActivations(layer: EstimatedLayer, mask: OperandMask): OperandMask {
  const { conv } = layer.shape;
  if (conv === undefined || conv.padding === 0) return mask;
  const { height, width, padding, batch } = conv;
  const [high, wide] = [height + 2 * padding, width + 2 * padding];
  const colIndices = mask.colIndices.map((column) => {
    const image = Math.floor(column / (height * width));
    const y = Math.floor(column / width) % height;
    return (image * high + y + padding) * wide + (column % width) + padding;
  });
  return { rows: mask.rows, cols: batch * high * wide, rowOffsets: mask.rowOffsets, colIndices };
}

/** k x 1 from the 1 x k of a sparse vector. */
function columnOf({ cols, colIndices }: OperandMask): OperandMask {
  const rowOffsets = new Int32Array(cols + 1);
  for (const column of colIndices) rowOffsets[column + 1] = 1;
  for (let row = 0; row < cols; row += 1) rowOffsets[row + 1]! += rowOffsets[row]!;
  return { rows: cols, cols: 1, rowOffsets, colIndices: new Int32Array(colIndices.length) };
}

/**
 * The masks of a suite's workload: its weights from the pattern or the file, its activations where the op has sparse
 * ones, else those given, else none that is zero. Throws what reading a matrix throws.
 */
export function masksOf(
  workload: Workload,
  options: { readonly activations?: OperandMask | null; readonly dataFolder?: string } = {},
): LayerMasks {
  const { a } = makeMatrix(workload, options.dataFolder ?? dataFolderOf());
  if (workload.activationDensity === undefined)
    return { weights: a, activations: options.activations ?? null };
  const { sparseB } = opNamed(workload.op).operands(workload, a, (name) => randomStream(workload.seed, name));
  const isVector = sparseB!.rows === 1 && workload.shape.k !== 1;
  return { weights: a, activations: isVector ? columnOf(sparseB!) : sparseB! };
}

/** A mask out of a matrix file (.mtx, .smtx). Throws as `readMatrix` does. */
export function readMask(path: string): OperandMask {
  const { rows, cols, rowOffsets, colIndices } = readMatrix(path);
  return { rows, cols, rowOffsets, colIndices };
}

/** Share of nonzeros. */
export function densityOf({ rows, cols, colIndices }: OperandMask): number {
  return colIndices.length / (rows * cols);
}

/** Coefficient of variation of the distances between neighbouring nonzeros of a row. */
function gapCvOf({ rows, rowOffsets, colIndices }: OperandMask): number {
  let [count, sum, squares] = [0, 0, 0];
  for (let row = 0; row < rows; row += 1) {
    for (let p = rowOffsets[row]! + 1; p < rowOffsets[row + 1]!; p += 1) {
      const gap = colIndices[p]! - colIndices[p - 1]!;
      count += 1;
      sum += gap;
      squares += gap * gap;
    }
  }
  const mean = sum / count;
  return count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - mean * mean)) / mean;
}

/** Pearson's correlation of nonzeros an input of the sum; 0 where one of them does not vary. */
function correlationOf(weights: readonly number[], activations: readonly number[]): number {
  const mean = (all: readonly number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;
  const [w, a] = [mean(weights), mean(activations)];
  let [both, ofW, ofA] = [0, 0, 0];
  for (const [at, weight] of weights.entries()) {
    both += (weight - w) * (activations[at]! - a);
    ofW += (weight - w) ** 2;
    ofA += (activations[at]! - a) ** 2;
  }
  return ofW * ofA === 0 ? 0 : both / Math.sqrt(ofW * ofA);
}

/** What tells masks from uniformly random ones of their density. */
export function maskStatistics(layer: EstimatedLayer, masks: LayerMasks): MaskStatistics {
  const { weights, activations } = masks;
  const density = densityOf(weights);
  const { rowCv, colCv } = statisticsOf(weights);
  const spread = (points: number): number =>
    density === 0 ? 0 : Math.sqrt((1 - density) / (points * density));
  const ofInput = new Array<number>(layer.shape.k).fill(0);
  for (const column of weights.colIndices) ofInput[column]! += 1;
  const { conv } = layer.shape;
  const points = conv === undefined ? 1 : conv.kernelHeight * conv.kernelWidth;
  const ofActivation = ofInput.map((_, input) => {
    const row = Math.floor(input / points);
    return activations === null ? 0 : activations.rowOffsets[row + 1]! - activations.rowOffsets[row]!;
  });
  return {
    rowCv,
    uniformRowCv: spread(weights.cols),
    colCv,
    uniformColCv: spread(weights.rows),
    gapCv: gapCvOf(weights),
    uniformGapCv: Math.sqrt(1 - density),
    correlation: correlationOf(ofInput, ofActivation),
  };
}
