/**
 * A two-dimensional convolution with sparse filters: out[b, i] = sum over channels c and the kernel's ky, kx of
 * A[i, (c, ky, kx)] in[b, c, y * stride + ky - padding, x * stride + kx - padding]; what is outside of the image is 0.
 * Input and output are NCHW.
 */
import type { Conv, Csr, OperandArray, Reference, Shape } from '../../terms.ts';
import { denseOperand } from '../operands.ts';
import { type Op, operandElementBytes, outputElementBytes } from './op.ts';
import { productTolerance } from './product.ts';

/** Outputs along one side: positions of the kernel inside of the padded input, a stride apart. */
function outputs(size: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1;
}

function shapeOf(sizes: readonly number[]): Shape {
  const [m, channels, height, width, kernel, stride, padding] = sizes as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const conv: Conv = {
    batch: 1,
    channels,
    height,
    width,
    kernelHeight: kernel,
    kernelWidth: kernel,
    stride,
    padding,
    outHeight: outputs(height, kernel, stride, padding),
    outWidth: outputs(width, kernel, stride, padding),
  };
  return { m, k: channels * kernel * kernel, n: conv.outHeight * conv.outWidth, conv };
}

function validateShape({ conv }: Shape): string | null {
  const { height, width, kernelHeight, kernelWidth, padding } = conv!;
  const received = `kernel ${kernelHeight} x ${kernelWidth}, padding ${padding}, input ${height} x ${width}`;
  if (padding >= Math.min(kernelHeight, kernelWidth))
    return `a padding below the kernel's size, received ${received}`;
  if (kernelHeight > height + 2 * padding || kernelWidth > width + 2 * padding)
    return `a kernel inside of the padded input, received ${received}`;
  const largest = Math.max(conv!.channels, height, width, kernelHeight, conv!.stride);
  return largest <= 65536 ? null : `sizes up to 65536 for a convolution, received ${largest}`;
}

/** First and last + 1 output whose input at kernel position `at` is inside of the image. */
function insideOf(
  at: number,
  size: number,
  stride: number,
  padding: number,
  count: number,
): [number, number] {
  const first = Math.max(0, Math.ceil((padding - at) / stride));
  const last = Math.min(count - 1, Math.floor((size - 1 + padding - at) / stride));
  return [first, last + 1];
}

/** Each nonzero times the part of its channel that it meets, in double precision. */
function reference(a: Csr, input: OperandArray, { m, k, n, conv }: Shape): Reference {
  const { batch, channels, height, width, kernelHeight, kernelWidth, stride, padding } = conv!;
  const { outHeight, outWidth } = conv!;
  const area = outHeight * outWidth;
  const expected = new Float64Array(m * n);
  const magnitude = new Float64Array(m * n);
  for (let i = 0; i < m; i += 1) {
    for (let p = a.rowOffsets[i]!; p < a.rowOffsets[i + 1]!; p += 1) {
      const value = a.values[p]!;
      const column = a.colIndices[p]!;
      const kx = column % kernelWidth;
      const ky = Math.floor(column / kernelWidth) % kernelHeight;
      const channel = Math.floor(column / (kernelWidth * kernelHeight));
      const [firstX, endX] = insideOf(kx, width, stride, padding, outWidth);
      const [firstY, endY] = insideOf(ky, height, stride, padding, outHeight);
      for (let image = 0; image < batch; image += 1) {
        const from = (image * channels + channel) * height * width;
        const to = (image * m + i) * area;
        for (let y = firstY; y < endY; y += 1) {
          const row = from + (y * stride + ky - padding) * width + kx - padding;
          for (let x = firstX; x < endX; x += 1) {
            const term = value * input[row + x * stride]!;
            expected[to + y * outWidth + x]! += term;
            magnitude[to + y * outWidth + x]! += Math.abs(term);
          }
        }
      }
    }
  }
  return { expected, tolerance: productTolerance(magnitude, k), columns: area };
}

export const conv2d: Op = {
  name: 'conv2d',
  summary: 'convolution with sparse filters, batch 1, square kernels, NCHW',
  dtypes: ['f32'],
  sizes: ['filters', 'channels', 'height', 'width', 'kernel', 'stride', 'padding'],
  shapeOf,
  shapeText: ({ m, conv }) => {
    const { channels, height, width, kernelHeight, stride, padding } = conv!;
    return `${m}x${channels}x${height}x${width}-k${kernelHeight}s${stride}p${padding}`;
  },
  sparseActivations: false,
  validateShape,
  usefulFlops: (nnz, { shape }) => 2 * nnz * shape.n,
  denseEquivalentFlops: ({ m, k, n }) => 2 * m * k * n,
  operands: ({ shape, dtype }, _, draw) => {
    const { batch, channels, height, width } = shape.conv!;
    return { b: denseOperand(dtype, batch * channels, height * width, draw) };
  },
  operandBytes: ({ shape: { m, n, conv }, dtype }) =>
    conv!.batch * conv!.channels * conv!.height * conv!.width * operandElementBytes(dtype) +
    m * n * outputElementBytes(dtype),
  reference: ({ a, operands, workload }) => reference(a, operands.b!, workload.shape),
};
