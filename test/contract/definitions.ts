/** Each op by its definition, over dense matrices and without a thought of speed: what its reference is held against. */

import type { Csr, Problem } from '../../src/terms.ts';
import { float16ToNumber } from '../../src/workload/float16.ts';

/** Row-major rows x cols. */
export function denseOf({ rows, cols, rowOffsets, colIndices, values }: Csr): Float64Array {
  const dense = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1)
      dense[i * cols + colIndices[p]!] = values[p]!;
  }
  return dense;
}

function product({ a, operands, workload }: Problem): Float64Array {
  const { m, k, n } = workload.shape;
  const dense = denseOf(a);
  const own = operands.sparseB === undefined ? operands.b! : denseOf(operands.sparseB);
  const b = own instanceof Uint16Array ? Float64Array.from(own, float16ToNumber) : own;
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      for (let l = 0; l < k; l += 1) c[i * n + j]! += dense[i * k + l]! * b[l * n + j]!;
    }
  }
  return c;
}

function transposedProduct({ a, operands, workload }: Problem): Float64Array {
  const { m, k, n } = workload.shape;
  const dense = denseOf(a);
  const c = new Float64Array(k * n);
  for (let l = 0; l < k; l += 1) {
    for (let j = 0; j < n; j += 1) {
      for (let i = 0; i < m; i += 1) c[l * n + j]! += dense[i * k + l]! * operands.b![i * n + j]!;
    }
  }
  return c;
}

/** Which elements of A are stored, zeros among them. */
function stored({ rows, cols, rowOffsets, colIndices }: Csr): boolean[] {
  const mask = Array.from({ length: rows * cols }, () => false);
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1) mask[i * cols + colIndices[p]!] = true;
  }
  return mask;
}

/** X Y^T, all of it; X is b, Y is b2. */
function products({ operands, workload }: Problem): number[] {
  const { m, k, n } = workload.shape;
  return Array.from({ length: m * k }, (_, at) => {
    let sum = 0;
    for (let l = 0; l < n; l += 1)
      sum += operands.b![Math.floor(at / k) * n + l]! * operands.b2![(at % k) * n + l]!;
    return sum;
  });
}

function sampled(problem: Problem): Float64Array {
  const mask = stored(problem.a);
  return Float64Array.from(products(problem).filter((_, at) => mask[at]));
}

/** Without subtracting the largest score: those of small problems do not overflow. */
function attention(problem: Problem): Float64Array {
  const { m, k, n } = problem.workload.shape;
  const mask = stored(problem.a);
  const weights = products(problem).map((sum, at) => (mask[at] ? Math.exp(sum / Math.sqrt(n)) : 0));
  return Float64Array.from({ length: m * n }, (_, at) => {
    const row = weights.slice(Math.floor(at / n) * k, Math.floor(at / n) * k + k);
    const total = row.reduce((sum, weight) => sum + weight, 0);
    const mean = row.reduce((sum, weight, j) => sum + weight * problem.operands.b3![j * n + (at % n)]!, 0);
    return total === 0 ? 0 : mean / total;
  });
}

/** One output after the other, pixel by pixel. */
function convolution({ a, operands, workload }: Problem): Float64Array {
  const { m, k, conv } = workload.shape;
  const { channels, height, width, kernelHeight, kernelWidth, stride, padding, outHeight, outWidth } = conv!;
  const filters = denseOf(a);
  const out: number[] = [];
  for (let i = 0; i < m; i += 1) {
    for (let at = 0; at < outHeight * outWidth; at += 1) {
      let sum = 0;
      for (let c = 0; c < channels; c += 1) {
        for (let ky = 0; ky < kernelHeight; ky += 1) {
          for (let kx = 0; kx < kernelWidth; kx += 1) {
            const y = Math.floor(at / outWidth) * stride + ky - padding;
            const x = (at % outWidth) * stride + kx - padding;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            const weight = filters[i * k + (c * kernelHeight + ky) * kernelWidth + kx]!;
            sum += weight * operands.b![(c * height + y) * width + x]!;
          }
        }
      }
      out.push(sum);
    }
  }
  return Float64Array.from(out);
}

/** What remains when all but the `keep` largest magnitudes are struck out, one after another. */
function pruned({ operands }: Problem): Float64Array {
  const dense = Float64Array.from(operands.b!);
  const order = [...dense.keys()].sort((x, y) => Math.abs(dense[y]!) - Math.abs(dense[x]!) || x - y);
  for (const at of order.slice(operands.keep!)) dense[at] = 0;
  return dense;
}

export const definitions: Readonly<Record<string, (problem: Problem) => Float64Array>> = {
  spmm: product,
  spmv: product,
  spmm_t: transposedProduct,
  spmm_bias_relu: (problem) =>
    product(problem).map((value, at) =>
      Math.max(0, value + problem.operands.b2![Math.floor(at / problem.workload.shape.n)]!),
    ),
  spmspm: product,
  spmspv: product,
  embedding_bag: product,
  sddmm: sampled,
  masked_attention: attention,
  encode: ({ a }) => denseOf(a),
  prune: pruned,
  conv2d: convolution,
};
