/** SCNN's conflicts of accumulator banks, counted once more in plain words. */
import { expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count } from '../src/accelerator/count.ts';
import type { Accelerator, EstimatedLayer, OperandMask } from '../src/terms/accelerator.ts';
import { randomStream } from '../src/workload/random.ts';

/** Every place is a nonzero with that probability. */
function uniform(rows: number, cols: number, density: number, seed: number): OperandMask {
  const random = randomStream(seed, `mask/${rows}x${cols}`);
  const rowOffsets = [0];
  const colIndices: number[] = [];
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < cols; j += 1) if (random.uniform() < density) colIndices.push(j);
    rowOffsets.push(colIndices.length);
  }
  return { rows, cols, rowOffsets: Int32Array.from(rowOffsets), colIndices: Int32Array.from(colIndices) };
}

// 20 filters of 3 x 3 on 3 channels of 9 x 9, padded by 1.
const conv = {
  ...{ batch: 1, channels: 3, height: 9, width: 9, kernelHeight: 3, kernelWidth: 3, stride: 1, padding: 1 },
  ...{ outHeight: 9, outWidth: 9 },
};
const layer: EstimatedLayer = {
  ...{ name: 'layer', shape: { m: 20, n: 81, k: 27, conv }, groups: 1 },
  ...{ weightDensity: 1, activationDensity: 1, weightCorrelation: 0 },
};

it("SCNN's banks: a step takes as long as its fullest bank, counted one by one as well", () => {
  const scnn = loadAccelerator('scnn');
  const banks = loadAccelerator('scnn-banks');
  const dense = uniform(20, 27, 0.6, 5);
  const activations = uniform(3, 81, 0.5, 6);
  const of = (accelerator: Accelerator) =>
    count({ ...accelerator, parameters: [2, 4, 1024, ...accelerator.parameters.slice(3)] }, layer, {
      ...{ weights: dense, activations },
    });
  const counted = of(banks);
  const plain = of(scnn);
  expect(counted.cycles - plain.cycles).toBe(counted.terms.conflictCycles);
  expect(counted.terms.conflictCycles).toBeGreaterThan(0);
  expect(counted.effectualMacs).toBe(plain.effectualMacs);

  // Once more in plain words: lists of points, steps of 4 x 4, the fullest of 32 banks.
  const per = Math.min(20, Math.floor(1024 / (7 * 7)));
  let cycles = 0;
  for (let first = 0; first < 20; first += per) {
    const loads = [0, 0, 0, 0];
    for (let channel = 0; channel < 3; channel += 1) {
      const weights = Array.from({ length: per }, (_, i) => first + i).flatMap((k) =>
        [...dense.colIndices.subarray(dense.rowOffsets[k], dense.rowOffsets[k + 1])]
          .filter((column) => Math.floor(column / 9) === channel)
          .map((column) => ({ k, y: Math.floor((column % 9) / 3), x: column % 3 })),
      );
      const points = [
        ...activations.colIndices.subarray(
          activations.rowOffsets[channel],
          activations.rowOffsets[channel + 1],
        ),
      ].map((point) => ({ y: Math.floor(point / 9) + 1, x: (point % 9) + 1 }));
      for (let pe = 0; pe < 4; pe += 1) {
        const own = points.filter(({ x, y }) => 2 * Math.floor(y / 6) + Math.floor(x / 6) === pe);
        for (let a = 0; a < own.length; a += 4) {
          for (let w = 0; w < weights.length; w += 4) {
            const load = new Array<number>(32).fill(0);
            for (const input of own.slice(a, a + 4)) {
              for (const { k, x, y } of weights.slice(w, w + 4)) {
                const [column, row] = [input.x - x, input.y - y];
                if (column < 0 || row < 0 || column > 8 || row > 8) continue;
                const high = ((k & 4) << 2) ^ ((column & 2) << 3) ^ ((row & 2) << 3);
                load[high + ((column & 1) << 3) + ((row & 1) << 2) + (k & 3)]! += 1;
              }
            }
            loads[pe]! += Math.max(1, ...load);
          }
        }
      }
    }
    cycles += Math.max(...loads);
  }
  expect(counted.cycles).toBe(cycles);
});
