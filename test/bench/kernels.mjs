// Our sparse kernels against the fastest healthy dense kernel of each shape, against the best sparse library, and against
// the roofline. Without arguments all tables, which takes an hour; with names only those, and of these a part:
//   npm run bench:kernels -- uniform crossover
//   npm run bench:kernels -- uniform --shape n32,r50-64 --sparsity 0.5,0.98     names that contain one of these
// goals, over the 22 layer shapes of shapes.mjs, one core with AVX-512; elsewhere the ratios stand beside them unjudged:
//   uniform    spmm, n >= 16, geomean over dense at sparsity 0.5 / 0.7 / 0.8 / 0.9 / 0.95: 1.4 / 2.2 / 3.2 / 5.5 / 9;
//              over the best sparse library: 2.5, no cell below 1; of the roofline: 0.63; memory at 0.9, at least 10,000
//              nonzeros: 6.6 bytes a nonzero; encode and prepare pay within 5 evaluations
//   crossover  beats dense from sparsity 0.45 where n >= 49, 0.5 at n = 32, 0.65 at n = 8
//   blocks     4x4 and 16x1 over dense at 0.5 / 0.9: 1.75 / 8; of the roofline: 0.82
//   nm         2:4 over dense, n >= 64: 1.5
//   spmv       over the best sparse library: 3; of max(stored bytes / bandwidth, 1.125 nnz / 5.8e9 per second): 0.9
//   threads    two over one: 1.9
//   ops        spmm_t and sddmm over dense, and over a library that has them: no goal
// At the end every cell in which the fastest kernel of ours is slower than a library's, or than dense where sparsity is
// beyond the goal's crossover.
import { parseArgs } from 'node:util';
import { describe, geomean, measure, workloadOf } from './cells.mjs';
import { shapes } from './shapes.mjs';

const fail = (message) => {
  console.error(message);
  process.exit(42);
};
function argumentsOf() {
  try {
    return parseArgs({ allowPositionals: true, options: { shape: { type: 'string' }, sparsity: { type: 'string' } } });
  } catch (error) {
    return fail(`Expected names of tables, --shape and --sparsity, received others. ${error.message}`);
  }
}
const { values: options, positionals: asked } = argumentsOf();
const named = options.shape?.split(',');
const chosen = named === undefined ? shapes : shapes.filter(([name]) => named.some((text) => name.includes(text)));
if (chosen.length === 0) {
  fail(`Expected a part of a shape's name for --shape, received "${options.shape}". Names: ${shapes.map(([name]) => name).join(', ')}.`);
}
const wanted = options.sparsity?.split(',').map(Number);
if (wanted?.some((sparsity) => !(sparsity > 0 && sparsity < 1))) {
  fail(`Expected sparsities between 0 and 1 for --sparsity, received "${options.sparsity}".`);
}

const wide = chosen.filter(([, , , n]) => n >= 16);
const uniform = { name: 'uniform', parameters: {}, label: 'uniform' };
const block = (rows, cols) => ({ name: 'block', parameters: { rows, cols }, label: `block-${rows}x${cols}` });
const nm = { name: 'nm', parameters: { n: 2, m: 4 }, label: 'nm-2:4' };
const five = wanted ?? [0.5, 0.7, 0.8, 0.9, 0.95];
const grid = wanted ?? [0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

const workload = ([layer, m, k, n], sparsity, pattern = uniform, op) =>
  workloadOf({ layer, m, k, n, density: Number((1 - sparsity).toFixed(4)), pattern, op });
const fixed = (number, digits = 2) => (Number.isFinite(number) ? number.toFixed(digits) : '-').padStart(7);
const row = (name, values) => console.log(`${name.padEnd(14)} ${values.map((value) => fixed(value)).join(' ')}`);
const best = (cells) => cells.reduce((one, other) => (other.timeNs < one.timeNs ? other : one), { timeNs: Number.POSITIVE_INFINITY });

// Sparsity from which on sparse is to beat dense; null: no goal.
const crossoverGoal = (n) => (n >= 49 ? 0.45 : n >= 16 ? 0.5 : n >= 8 ? 0.65 : null);

let described = false;
let binding = true;
// Lines of cells that are lost, each once: tables may share cells.
const lost = new Map();
async function run(workloads, formats, threads) {
  const { header, cells } = await measure(workloads, formats, { threads });
  if (!described) {
    console.log(describe(header));
    const { isa } = header.machine;
    binding = isa.some((name) => name.startsWith('avx512'));
    if (!binding) console.log(`Goals are those of a core with AVX-512; this one has ${isa.at(-1)}: its ratios are shown beside them, not judged by them.`);
  }
  described = true;
  const unhealthy = new Set(header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
  const { fmaGflops, l2GBs, l3GBs } = header.machine.ceilings.find((one) => one.threads === 1);
  // Seconds of facts: the peak, or what is read and written once at the bandwidth of the level that holds it.
  const roofNs = ({ m, k, n }, { nnz, storedBytes }) => {
    const bytes = storedBytes + 4 * n * (k + m);
    const held = bytes <= header.machine.caches.l2Bytes;
    return Math.max((2 * nnz * n) / fmaGflops, bytes / (held ? l2GBs : l3GBs));
  };
  for (const { id, layer, density, shape } of workloads) {
    const measured = cells.get(id).filter((cell) => cell.threads === 1 && !(cell.dense && unhealthy.has(cell.library)));
    const ours = best(measured.filter((cell) => cell.library === 'native' && !cell.dense));
    const pruned = 1 - density >= (crossoverGoal(shape.n) ?? 0.5) - 1e-9;
    for (const other of [best(measured.filter((cell) => cell.dense && pruned)), best(measured.filter((cell) => cell.library !== 'native' && !cell.dense))]) {
      if (!(other.timeNs < ours.timeNs)) continue;
      const name = `${id.split('-')[0]} ${layer} at ${(1 - density).toFixed(2)}: ${ours.kernel}`;
      lost.set(`${name} at ${(other.timeNs / ours.timeNs).toFixed(2)} of ${other.library}-${other.kernel}`, other.timeNs / ours.timeNs);
    }
  }
  return (work, format) => {
    const measured = cells.get(work.id).filter((cell) => cell.threads === 1);
    const ours = best(measured.filter((cell) => cell.library === 'native' && !cell.dense && cell.format === format));
    const dense = best(measured.filter((cell) => cell.dense && !unhealthy.has(cell.library)));
    const rivals = measured.filter((cell) => cell.library !== 'native' && !cell.dense);
    const twice = cells.get(work.id).find((cell) => cell.threads === 2 && cell.library === 'native' && !cell.dense && cell.format === format);
    return { ours, dense, rival: best(rivals), twice, roofNs: roofNs(work.shape, ours) };
  };
}

// One line a shape and the geomean of each column; figures(cell) of each shape and sparsity.
function table(title, of, sparsities, goals, cell, figure) {
  const values = of.map((shape) => sparsities.map((sparsity) => figure(cell(shape, sparsity))));
  // No shape of that kind was chosen, or no library here has the op.
  if (!values.flat().some(Number.isFinite)) return;
  console.log(`\n${title}`);
  row('sparsity', sparsities);
  for (const [index, [name]] of of.entries()) row(name, values[index]);
  const columns = sparsities.map((_, column) => values.map((line) => line[column]));
  row('geomean', columns.map((column) => geomean(column.filter(Number.isFinite))));
  row('least', columns.map((column) => Math.min(...column)));
  if (goals.length > 0) row(binding ? 'goal' : 'goal, AVX-512', goals);
}
// A goal for each of the sparsities that are shown.
const goalsOf = (known, sparsities = five) => sparsities.map((sparsity) => known[sparsity] ?? Number.NaN);
const always = (value) => five.map(() => value);

const overDense = ({ ours, dense }) => dense.timeNs / ours.timeNs;
const overRival = ({ ours, rival }) => rival.timeNs / ours.timeNs;
const ofRoof = ({ ours, roofNs }) => roofNs / ours.timeNs;

async function uniformTables() {
  const of = await run(wide.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity))), ['packed', 'csr']);
  const cell = (format) => (shape, sparsity) => of(workload(shape, sparsity), format);
  table('packed over the fastest healthy dense kernel', wide, five, goalsOf({ 0.5: 1.4, 0.7: 2.2, 0.8: 3.2, 0.9: 5.5, 0.95: 9 }), cell('packed'), overDense);
  table('packed over the best sparse library', wide, five, always(2.5), cell('packed'), overRival);
  table('packed, fraction of the roofline', wide, five, always(0.63), cell('packed'), ofRoof);
  table('csr over the fastest healthy dense kernel', wide, five, [], cell('csr'), overDense);
  if (!five.includes(0.9)) return;
  const at90 = wide.map((shape) => of(workload(shape, 0.9), 'packed')).filter(({ ours }) => ours.nnz >= 10_000);
  if (at90.length === 0) return;
  const bytes = at90.map(({ ours }) => ours.storedBytes / ours.nnz);
  const pays = at90.map(({ ours, dense }) => (ours.encodeNs + ours.prepareNs) / (dense.timeNs - ours.timeNs));
  console.log(
    `packed at 0.9: at most ${Math.max(...bytes).toFixed(2)} bytes a nonzero (goal 6.6); encode and prepare pay within ${Math.max(...pays).toFixed(1)} evaluations at worst, ${geomean(pays).toFixed(1)} in geomean (goal 5)`,
  );
}

async function crossoverTable() {
  const some = chosen.filter(([, , , n]) => n > 1);
  const of = await run(some.flatMap((shape) => grid.map((sparsity) => workload(shape, sparsity))), ['packed']);
  const cell = (shape, sparsity) => of(workload(shape, sparsity), 'packed');
  table('packed over dense, by sparsity: the crossover', some, grid, [], cell, overDense);
  for (const shape of some) {
    const from = grid.findLastIndex((sparsity) => overDense(cell(shape, sparsity)) < 1) + 1;
    const n = shape[3];
    const goal = binding ? crossoverGoal(n) : null;
    console.log(`${shape[0].padEnd(14)} beats dense from ${grid[from] ?? 'beyond the grid'}${goal === null ? '' : ` (goal ${goal})`}`);
  }
}

async function blockTables() {
  for (const [rows, cols] of [[4, 4], [16, 1]]) {
    const pattern = block(rows, cols);
    const format = `bsr-${rows}x${cols}`;
    const of = await run(wide.flatMap((shape) => [0.5, 0.9].map((sparsity) => workload(shape, sparsity, pattern))), [format]);
    const cell = (shape, sparsity) => of(workload(shape, sparsity, pattern), format);
    table(`${format} over dense, ${pattern.label}`, wide, [0.5, 0.9], [1.75, 8], cell, overDense);
    table(`${format}, fraction of the roofline`, wide, [0.5, 0.9], [0.82, 0.82], cell, ofRoof);
  }
}

async function nmTable() {
  const some = wide.filter(([, , , n]) => n >= 64);
  const of = await run(some.map((shape) => workload(shape, 0.5, nm)), ['nm-2:4']);
  table('nm-2:4 over dense', some, [0.5], [1.5], (shape, sparsity) => of(workload(shape, sparsity, nm), 'nm-2:4'), overDense);
}

async function spmvTables() {
  const some = chosen.filter(([, , , n]) => n === 1);
  const formats = ['csr', 'sell-16-128', 'sell-16-128x64', 'bitmask'];
  const of = await run(some.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity))), formats);
  // The best of our formats, as one who has the choice takes it.
  const cell = (shape, sparsity) =>
    formats
      .map((format) => of(workload(shape, sparsity), format))
      .reduce((one, other) => (other.ours.timeNs < one.ours.timeNs ? other : one));
  table('spmv over dense', some, five, [], cell, overDense);
  table('spmv over the best sparse library', some, five, always(3), cell, overRival);
  table('spmv, fraction of its limit', some, five, always(0.9), cell, ({ ours, roofNs }) =>
    Math.max(roofNs, (1.125 * ours.nnz) / 5.8) / ours.timeNs,
  );
}

// The backward pass's two products, n of at least a batch.
async function opsTables() {
  const some = chosen.filter(([, , , n]) => n >= 32 && n <= 512);
  for (const op of ['spmm_t', 'sddmm']) {
    const formats = op === 'spmm_t' ? ['csr', 'csc'] : ['csr'];
    const of = await run(some.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity, uniform, op))), formats);
    const cell = (shape, sparsity) =>
      formats.map((format) => of(workload(shape, sparsity, uniform, op), format)).reduce((one, other) => (other.ours.timeNs < one.ours.timeNs ? other : one));
    table(`${op} over dense`, some, five, [], cell, overDense);
    table(`${op} over the best sparse library`, some, five, [], cell, overRival);
  }
}

async function threadsTable() {
  const sparsities = wanted ?? [0.5, 0.8, 0.9, 0.95];
  const of = await run(wide.flatMap((shape) => sparsities.map((sparsity) => workload(shape, sparsity))), ['packed'], [1, 2]);
  table('packed, two threads over one', wide, sparsities, sparsities.map(() => 1.9),
    (shape, sparsity) => of(workload(shape, sparsity), 'packed'), ({ ours, twice }) => ours.timeNs / (twice?.timeNs ?? Number.NaN));
}

const tables = { uniform: uniformTables, crossover: crossoverTable, blocks: blockTables, nm: nmTable, spmv: spmvTables, ops: opsTables, threads: threadsTable };
const unknown = asked.filter((name) => !(name in tables));
if (unknown.length > 0) fail(`Expected tables among ${Object.keys(tables).join(', ')}, received ${unknown.join(', ')}.`);
for (const [name, print] of Object.entries(tables)) if (asked.length === 0 || asked.includes(name)) await print();
const worst = [...lost].sort(([, one], [, other]) => one - other);
console.log(`\ncells in which the fastest kernel of ours is not the fastest of all: ${worst.length}`);
for (const [line] of worst) console.log(`  ${line}`);
