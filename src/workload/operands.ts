/** Values of matrices and operands, drawn from named streams: the same bits on every platform, in every type. */
import { type Csr, type Dtype, type OperandArray, SparsemarkError } from '../terms.ts';
import { float16ToNumber, numberToFloat16, roundToBfloat16 } from './float16.ts';
import type { Random } from './random.ts';

/** The random stream of that name, of the workload's seed. */
export type Draw = (name: string) => Random;

/** Values of +-[0.5, 1), exactly representable: none is zero, none cancels to nothing. */
export function drawValues(count: number, random: Random): Float32Array {
  const values = new Float32Array(count);
  for (let p = 0; p < count; p += 1) {
    const bits = random.uint32();
    const magnitude = 0.5 + (bits >>> 9) / 16777216;
    values[p] = (bits & 1) === 0 ? magnitude : -magnitude;
  }
  return values;
}

/** [-1, 1) in steps of 2^-23, exactly representable. */
export function drawFloats(count: number, random: Random): Float32Array {
  const b = new Float32Array(count);
  for (let at = 0; at < count; at += 1) b[at] = (random.uint32() >>> 8) / 8388608 - 1;
  return b;
}

/**
 * Values that the type represents: rounded to it, or for int8 scaled so that the largest is 127 and none becomes 0.
 * Throws BAD_MATRIX for a number that would become infinity in f16.
 */
export function valuesOfDtype(values: Float32Array, dtype: Dtype): Float32Array {
  switch (dtype) {
    case 'f32':
      return values;
    case 'bf16':
      return values.map(roundToBfloat16);
    case 'f16':
      return values.map((value) => {
        const rounded = roundToFloat16(value);
        if (Number.isFinite(value) && !Number.isFinite(rounded)) {
          throw new SparsemarkError(
            'BAD_MATRIX',
            `Expected values up to 65504 for a matrix of f16, received ${value}. Scale the matrix, or measure it in f32 or bf16.`,
          );
        }
        return rounded;
      });
    case 'int8': {
      let largest = 0;
      for (const value of values) largest = Math.max(largest, Math.abs(value));
      return values.map((value) => {
        const magnitude = Math.max(1, Math.round((127 * Math.abs(value)) / (largest === 0 ? 1 : largest)));
        return value < 0 ? -magnitude : magnitude;
      });
    }
  }
}

/** A dense operand of the type: float32 for f32 and bf16, float16 bits, or uint8. Streams are named by its shape. */
export function denseOperand(
  dtype: Dtype,
  rows: number,
  cols: number,
  draw: Draw,
  name = 'operand',
): OperandArray {
  const random = draw(`${name}/${rows}x${cols}`);
  const count = rows * cols;
  if (dtype === 'int8') return Uint8Array.from({ length: count }, () => random.uint32() >>> 24);
  const floats = drawFloats(count, random);
  return dtype === 'f16' ? Uint16Array.from(floats, numberToFloat16) : floats;
}

/** A sparse operand: each element is a nonzero with the probability `density`. */
export function sparseOperand(rows: number, cols: number, density: number, draw: Draw): Csr {
  const random = draw(`sparse-operand/${rows}x${cols}/${density}`);
  const rowOffsets = new Int32Array(rows + 1);
  const columns: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let col = 0; col < cols; col += 1) if (random.uint32() < density * 2 ** 32) columns.push(col);
    rowOffsets[row + 1] = columns.length;
  }
  const values = drawValues(columns.length, draw(`sparse-values/${rows}x${cols}/${density}`));
  return { rows, cols, rowOffsets, colIndices: Int32Array.from(columns), values };
}

function roundToFloat16(value: number): number {
  return float16ToNumber(numberToFloat16(value));
}
