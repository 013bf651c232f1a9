// Products with a vector, and the two products of the backward pass.
import { chosen, five, workload } from './choice.mjs';
import { geomeanOf, judge, table } from './goals.mjs';
import { fastest, ofVectorLimit, overDense, overRival, run } from './ratios.mjs';

export const vectorFormats = ['csr', 'sell-16-128', 'sell-16-128x64', 'bitmask'];
export const vectorGoals = { rival: 3, limit: 0.9 };
const always = (value) => five.map(() => value);

export async function spmvTables() {
  const some = chosen.filter(([, , , n]) => n === 1);
  const of = await run(some.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity))), vectorFormats);
  const cell = (shape, sparsity) => fastest(of, workload(shape, sparsity), vectorFormats);
  table('spmv over dense', some, five, [], cell, overDense);
  const rival = table('spmv over the best sparse library', some, five, always(vectorGoals.rival), cell, overRival);
  const limit = table('spmv, fraction of its limit', some, five, always(vectorGoals.limit), cell, ofVectorLimit);
  judge('spmv over the best sparse library, geomean', geomeanOf(rival.flat()), vectorGoals.rival);
  judge('spmv of its limit, geomean', geomeanOf(limit.flat()), vectorGoals.limit);
}

// n of at least a batch.
export async function opsTables() {
  const some = chosen.filter(([, , , n]) => n >= 32 && n <= 512);
  for (const op of ['spmm_t', 'sddmm']) {
    const formats = op === 'spmm_t' ? ['csr', 'csc'] : ['csr'];
    const of = await run(some.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity, { op }))), formats);
    const cell = (shape, sparsity) => fastest(of, workload(shape, sparsity, { op }), formats);
    table(`${op} over dense`, some, five, [], cell, overDense);
    table(`${op} over the best sparse library`, some, five, [], cell, overRival);
  }
}
