/** The list of ops. A new op is a file beside this one and a line here. */
import { type OpName, type Problem, SparsemarkError, type Work } from '../../terms.ts';
import { nearestName } from '../nearest-name.ts';
import { encode, prune } from './compression.ts';
import { conv2d } from './conv2d.ts';
import { embeddingBag } from './embedding-bag.ts';
import { maskedAttention } from './masked-attention.ts';
import type { Op } from './op.ts';
import { sddmm } from './sddmm.ts';
import { spmspm, spmspv } from './sparse-activations.ts';
import { spmm } from './spmm.ts';
import { spmmBiasRelu } from './spmm-bias-relu.ts';
import { spmmT } from './spmm-t.ts';
import { spmv } from './spmv.ts';

export type { AnswerCheck } from './check.ts';
export { checkAnswer } from './check.ts';
export type { Op } from './op.ts';

/** All ops, by name. */
export const ops: ReadonlyMap<OpName, Op> = new Map(
  [
    spmm,
    spmv,
    spmmT,
    spmmBiasRelu,
    spmspm,
    spmspv,
    embeddingBag,
    conv2d,
    sddmm,
    maskedAttention,
    encode,
    prune,
  ].map((op) => [op.name, op]),
);

/** The op of that name. Throws BAD_SUITE with the nearest name. */
export function opNamed(name: OpName): Op {
  const op = ops.get(name);
  if (op !== undefined) return op;
  const names = [...ops.keys()];
  throw new SparsemarkError(
    'BAD_SUITE',
    `Expected one of ${names.join(', ')} for op, received "${name}". Did you mean "${nearestName(name, names)}"?`,
  );
}

/** What an evaluation of the problem has to do at the least. */
export function workOf({ workload, a }: Problem): Work {
  const op = opNamed(workload.op);
  return {
    usefulFlops: op.usefulFlops(a.values.length, workload),
    denseFlops: op.denseEquivalentFlops(workload.shape),
    operandBytes: op.operandBytes(workload, a.values.length),
  };
}
