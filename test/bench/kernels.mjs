// Our sparse kernels against the fastest healthy dense kernel of each shape, against the best sparse library, and against
// the roofline. Without arguments all tables, which takes an hour; with names only those:
//   npm run bench:kernels -- uniform crossover
// goals, over the 22 layer shapes of shapes.mjs:
//   uniform    spmm, n >= 16, geomean over dense at sparsity 0.5 / 0.7 / 0.8 / 0.9 / 0.95: 1.4 / 2.2 / 3.2 / 5.5 / 9;
//              over the best sparse library: 2.5, no cell below 1; of the roofline: 0.63; memory at 0.9, at least 10,000
//              nonzeros: 6.6 bytes a nonzero; encode and prepare pay within 5 evaluations
//   crossover  beats dense from sparsity 0.45 where n >= 49, 0.5 at n = 32, 0.65 at n = 8
//   blocks     4x4 and 16x1 over dense at 0.5 / 0.9: 1.75 / 8; of the roofline: 0.82
//   nm         2:4 over dense, n >= 64: 1.5
//   spmv       over the best sparse library: 3; of max(stored bytes / bandwidth, 1.125 nnz / 5.8e9 per second): 0.9
//   threads    two over one: 1.9
import { describe, geomean, measure, workloadOf } from './cells.mjs';
import { shapes } from './shapes.mjs';

const wide = shapes.filter(([, , , n]) => n >= 16);
const uniform = { name: 'uniform', parameters: {}, label: 'uniform' };
const block = (rows, cols) => ({ name: 'block', parameters: { rows, cols }, label: `block-${rows}x${cols}` });
const nm = { name: 'nm', parameters: { n: 2, m: 4 }, label: 'nm-2:4' };
const five = [0.5, 0.7, 0.8, 0.9, 0.95];
const grid = [0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

const workload = ([layer, m, k, n], sparsity, pattern = uniform) =>
  workloadOf({ layer, m, k, n, density: Number((1 - sparsity).toFixed(4)), pattern });
const fixed = (number, digits = 2) => (Number.isFinite(number) ? number.toFixed(digits) : '-').padStart(7);
const row = (name, values) => console.log(`${name.padEnd(14)} ${values.map((value) => fixed(value)).join(' ')}`);
const best = (cells) => cells.reduce((one, other) => (other.timeNs < one.timeNs ? other : one), { timeNs: Number.POSITIVE_INFINITY });

let described = false;
async function run(workloads, formats, threads) {
  const { header, cells } = await measure(workloads, formats, { threads });
  if (!described) console.log(describe(header));
  described = true;
  const unhealthy = new Set(header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
  const { fmaGflops, l2GBs, l3GBs } = header.machine.ceilings.find((one) => one.threads === 1);
  // Seconds of facts: the peak, or what is read and written once at the bandwidth of the level that holds it.
  const roofNs = ({ m, k, n }, { nnz, storedBytes }) => {
    const bytes = storedBytes + 4 * n * (k + m);
    const held = bytes <= header.machine.caches.l2Bytes;
    return Math.max((2 * nnz * n) / fmaGflops, bytes / (held ? l2GBs : l3GBs));
  };
  return (work, format) => {
    const measured = cells.get(work.id).filter((cell) => cell.threads === 1);
    const ours = best(measured.filter((cell) => cell.library === 'native' && cell.format === format));
    const dense = best(measured.filter((cell) => cell.dense && !unhealthy.has(cell.library)));
    const rivals = measured.filter((cell) => cell.library !== 'native' && !cell.dense);
    const twice = cells.get(work.id).find((cell) => cell.threads === 2 && cell.library === 'native' && cell.format === format);
    return { ours, dense, rival: best(rivals), twice, roofNs: roofNs(work.shape, ours) };
  };
}

// One line a shape and the geomean of each column; figures(cell) of each shape and sparsity.
function table(title, of, sparsities, goals, cell, figure) {
  console.log(`\n${title}`);
  row('sparsity', sparsities);
  const columns = sparsities.map(() => []);
  for (const shape of of) {
    row(shape[0], sparsities.map((sparsity, column) => {
      const value = figure(cell(shape, sparsity));
      columns[column].push(value);
      return value;
    }));
  }
  row('geomean', columns.map((column) => geomean(column.filter(Number.isFinite))));
  row('least', columns.map((column) => Math.min(...column)));
  if (goals.length > 0) row('goal', goals);
}

const overDense = ({ ours, dense }) => dense.timeNs / ours.timeNs;
const overRival = ({ ours, rival }) => rival.timeNs / ours.timeNs;
const ofRoof = ({ ours, roofNs }) => roofNs / ours.timeNs;

async function uniformTables() {
  const of = await run(wide.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity))), ['packed', 'csr']);
  const cell = (format) => (shape, sparsity) => of(workload(shape, sparsity), format);
  table('packed over the fastest healthy dense kernel', wide, five, [1.4, 2.2, 3.2, 5.5, 9], cell('packed'), overDense);
  table('packed over the best sparse library', wide, five, [2.5, 2.5, 2.5, 2.5, 2.5], cell('packed'), overRival);
  table('packed, fraction of the roofline', wide, five, [0.63, 0.63, 0.63, 0.63, 0.63], cell('packed'), ofRoof);
  table('csr over the fastest healthy dense kernel', wide, five, [], cell('csr'), overDense);
  const at90 = wide.map((shape) => of(workload(shape, 0.9), 'packed')).filter(({ ours }) => ours.nnz >= 10_000);
  const bytes = at90.map(({ ours }) => ours.storedBytes / ours.nnz);
  const pays = at90.map(({ ours, dense }) => (ours.encodeNs + ours.prepareNs) / (dense.timeNs - ours.timeNs));
  console.log(
    `packed at 0.9: at most ${Math.max(...bytes).toFixed(2)} bytes a nonzero (goal 6.6); encode and prepare pay within ${Math.max(...pays).toFixed(1)} evaluations at worst, ${geomean(pays).toFixed(1)} in geomean (goal 5)`,
  );
}

async function crossoverTable() {
  const some = shapes.filter(([, , , n]) => n > 1);
  const of = await run(some.flatMap((shape) => grid.map((sparsity) => workload(shape, sparsity))), ['packed']);
  const cell = (shape, sparsity) => of(workload(shape, sparsity), 'packed');
  table('packed over dense, by sparsity: the crossover', some, grid, [], cell, overDense);
  for (const shape of some) {
    const from = grid.findLastIndex((sparsity) => overDense(cell(shape, sparsity)) < 1) + 1;
    const n = shape[3];
    const goal = n >= 49 ? 0.45 : n === 32 ? 0.5 : n === 8 ? 0.65 : null;
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
  const some = shapes.filter(([, , , n]) => n === 1);
  const formats = ['csr', 'sell-16-128', 'bitmask'];
  const of = await run(some.flatMap((shape) => five.map((sparsity) => workload(shape, sparsity))), formats);
  // The best of our formats, as one who has the choice takes it.
  const cell = (shape, sparsity) =>
    formats
      .map((format) => of(workload(shape, sparsity), format))
      .reduce((one, other) => (other.ours.timeNs < one.ours.timeNs ? other : one));
  const goal = (value) => five.map(() => value);
  table('spmv over dense', some, five, [], cell, overDense);
  table('spmv over the best sparse library', some, five, goal(3), cell, overRival);
  table('spmv, fraction of its limit', some, five, goal(0.9), cell, ({ ours, roofNs }) =>
    Math.max(roofNs, (1.125 * ours.nnz) / 5.8) / ours.timeNs,
  );
}

async function threadsTable() {
  const sparsities = [0.5, 0.8, 0.9, 0.95];
  const of = await run(wide.flatMap((shape) => sparsities.map((sparsity) => workload(shape, sparsity))), ['packed'], [1, 2]);
  table('packed, two threads over one', wide, sparsities, sparsities.map(() => 1.9),
    (shape, sparsity) => of(workload(shape, sparsity), 'packed'), ({ ours, twice }) => ours.timeNs / (twice?.timeNs ?? Number.NaN));
}

const tables = { uniform: uniformTables, crossover: crossoverTable, blocks: blockTables, nm: nmTable, spmv: spmvTables, threads: threadsTable };
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in tables));
if (unknown.length > 0) {
  console.error(`Expected tables among ${Object.keys(tables).join(', ')}, received ${unknown.join(', ')}.`);
  process.exit(42);
}
for (const [name, print] of Object.entries(tables)) if (asked.length === 0 || asked.includes(name)) await print();
