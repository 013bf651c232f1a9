// Our sparse kernels against the fastest healthy dense kernel of each shape, against the best sparse library, and against
// the roofline, and at the end a line for every goal. Without names all tables, with cold weights beside hot ones; with
// names only those, and of these a part:
//   npm run bench:kernels -- uniform crossover
//   npm run bench:kernels -- uniform --shape n32,r50-64 --sparsity 0.5,0.98     names that contain one of these
//   npm run bench:kernels -- uniform dlmc --cold     the geomeans with cold weights beside those with hot ones
//   npm run bench:kernels -- dlmc --every 8          each eighth product of DLMC
//   npm run bench:kernels -- dlmc --minutes 5        so long and no longer; what is left out is spread over the list
// goals, over the 22 layer shapes of shapes.mjs, one core with AVX-512; elsewhere the ratios stand beside them unjudged:
//   uniform      spmm, n >= 16, geomean over dense at sparsity 0.5 / 0.7 / 0.8 / 0.9 / 0.95: 1.4 / 2.2 / 3.2 / 5.5 / 9;
//                over the best sparse library: 2.5, no cell below 1 (with oneDNN 3 at 0.5 / 0.8 / 0.9 / 0.95 / 0.99: 2.2 /
//                2.3 / 2.2 / 1.8 / 1.3); of the roofline: 0.63; memory at 0.9, at least 10,000 nonzeros: 6.6 bytes a
//                nonzero; native allocation of a workload: three times the dense A + B + C
//   dlmc         0.85 of those of uniform and of spmv, on really pruned matrices, which the data cache must have
//   crossover    beats dense from sparsity 0.45 where n >= 49, 0.5 at n = 32, 0.65 at n = 8
//   blocks       4x4 and 16x1 over dense at 0.5 / 0.9: 1.75 / 8; of the roofline: 0.82
//   nm           2:4 over dense, n >= 64: 1.5
//   spmv         over the best sparse library: 3; of max(stored bytes / bandwidth, 1.125 nnz / 5.8e9 per second): 0.9
//   int8         see int8.mjs
//   threads      two over one: 1.9
//   conv         see conv.mjs
//   compression  see compression.mjs
//   ops          spmm_t and sddmm over dense, and over a library that has them: no goal
// Before the goals stands every cell in which the fastest kernel of ours is slower than a library's, or than dense where
// sparsity is beyond the goal's crossover.
import { compressionTable } from './compression.mjs';
import { convTable } from './conv.mjs';
import { int8Table } from './int8.mjs';
import { asked, chosen, fail, isNamed, isPart, named } from './kernel-tables/choice.mjs';
import { dlmcTables } from './kernel-tables/dlmc.mjs';
import { judge, printGoals } from './kernel-tables/goals.mjs';
import { opsTables, spmvTables } from './kernel-tables/ops.mjs';
import { blockTables, nmTable } from './kernel-tables/patterns.mjs';
import { isBinding, printLost } from './kernel-tables/ratios.mjs';
import { crossoverTable, threadsTable, uniformTables } from './kernel-tables/uniform.mjs';
import { shapes } from './shapes.mjs';

if (chosen.length === 0) {
  fail(`Expected a part of a shape's name for --shape, received "${named.join(',')}". Names: ${shapes.map(([name]) => name).join(', ')}.`);
}

function int8Goals() {
  console.log('\nint8, packed-1x4 over dense');
  const reached = int8Table(isNamed);
  const at = reached.map(({ sparsity }) => sparsity);
  judge("int8 in 1x4 blocks over oneDNN's dense", reached.map(({ overOnednn }) => overOnednn), reached.map(({ goal }) => goal), { at });
}

function convGoals() {
  console.log('\nconv2d without im2col over the product with it');
  const { overProduct, least } = convTable();
  judge(`conv2d over im2col and spmm, geomean (least ${least.toFixed(2)})`, overProduct, 1);
}

async function compressionGoals() {
  console.log('');
  const { encode, prune } = await compressionTable();
  judge('encode pays within, evaluations at 0.9, worst layer', encode, 5, { atMost: true });
  judge('prune and encode pay within, evaluations, worst layer', prune, 10, { atMost: true });
}

const tables = {
  uniform: uniformTables,
  dlmc: dlmcTables,
  crossover: crossoverTable,
  blocks: blockTables,
  nm: nmTable,
  spmv: spmvTables,
  int8: int8Goals,
  threads: threadsTable,
  conv: convGoals,
  compression: compressionGoals,
  ops: opsTables,
};
const unknown = asked.filter((name) => !(name in tables));
if (unknown.length > 0) fail(`Expected tables among ${Object.keys(tables).join(', ')}, received ${unknown.join(', ')}.`);
for (const [name, print] of Object.entries(tables)) if (asked.length === 0 || asked.includes(name)) await print();
printLost();
printGoals(isBinding(), isPart);
