/** A layer as a network has it: C = max(0, A B + bias), one bias a row. */
import { denseOperand, drawFloats } from '../operands.ts';
import { type Op, productShape } from './op.ts';
import { gamma, productReference } from './product.ts';

export const spmmBiasRelu: Op = {
  ...productShape,
  name: 'spmm_bias_relu',
  summary: 'sparse matrix times dense matrix with bias and ReLU, C = max(0, A B + bias)',
  dtypes: ['f32'],
  operands: ({ shape: { m, k, n }, dtype }, _, draw) => ({
    b: denseOperand(dtype, k, n, draw),
    b2: drawFloats(m, draw(`bias/${m}`)),
  }),
  operandBytes: (workload) => productShape.operandBytes(workload) + 4 * workload.shape.m,
  // One rounding more than the product, of the sum with the bias; cutting at 0 brings two numbers no farther apart.
  reference: ({ a, operands, workload: { shape } }) => {
    const { expected, tolerance, columns } = productReference(a, operands.b!, shape);
    const relative = gamma(shape.k + 3) / gamma(shape.k + 2);
    for (let at = 0; at < expected.length; at += 1) {
      const bias = operands.b2![Math.floor(at / columns)]!;
      expected[at] = Math.max(0, expected[at]! + bias);
      tolerance[at] = tolerance[at]! * relative + gamma(shape.k + 3) * Math.abs(bias);
    }
    return { expected, tolerance, columns };
  },
};
