// Uniform masks on the layer shapes: speed, memory and break-even of the packed format, and where it overtakes dense.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadNative } from '../../../dist/native.js';
import { geomean } from '../cells.mjs';
import { allocationOf } from './allocation.mjs';
import { chosen, cold, crossoverGoal, five, wanted, wide, workload } from './choice.mjs';
import { geomeanOf, judge, leastOf, mostOf, table } from './goals.mjs';
import { isBinding, ofRoof, overDense, overRival, run } from './ratios.mjs';

export const denseGoals = { 0.5: 1.4, 0.7: 2.2, 0.8: 3.2, 0.9: 5.5, 0.95: 9 };
export const rivalGoal = 2.5;
export const roofGoal = 0.63;
// oneDNN multiplies compressed sparse rows from version 3 on; with it among the libraries the goal is by sparsity.
const rivalGoalsWithOnednn3 = { 0.5: 2.2, 0.8: 2.3, 0.9: 2.2, 0.95: 1.8, 0.99: 1.3 };

function hasOnednn3() {
  const { native, folder } = loadNative();
  const path = join(folder, 'libsparsemark-onednn.so');
  if (!existsSync(path)) return false;
  try {
    return Number.parseInt(native.describeLibrary(native.openLibrary(path)).version, 10) >= 3;
  } catch {
    // Not installed.
    return false;
  }
}

const goalsOf = (known, sparsities) => sparsities.map((sparsity) => known[sparsity] ?? Number.NaN);
const withinFive = (sparsity) => sparsity >= 0.5 && sparsity <= 0.95;

export async function uniformTables() {
  const onednn3 = hasOnednn3();
  const sparsities = wanted ?? [...five, ...(onednn3 ? [0.99] : [])];
  const works = (cache) => wide.flatMap((shape) => sparsities.map((sparsity) => workload(shape, sparsity, { cache })));
  const caches = cold ? ['hot', 'cold'] : ['hot'];
  const of = await run(caches.flatMap(works), ['packed', 'csr']);
  const cell = (format, cache) => (shape, sparsity) => of(workload(shape, sparsity, { cache }), format);
  const beside = cold ? cell('packed', 'cold') : undefined;
  // Figures of the sparsities that a goal over all of them speaks of.
  const within = (columns) => columns.filter((_, at) => withinFive(sparsities[at])).flat();

  const goals = goalsOf(denseGoals, sparsities);
  const dense = table('packed over the fastest healthy dense kernel', wide, sparsities, goals, cell('packed'), overDense, beside);
  judge('unstructured over dense', dense.map(geomeanOf), goals, { at: sparsities });

  const rivalGoals = onednn3 ? goalsOf(rivalGoalsWithOnednn3, sparsities) : sparsities.map(() => rivalGoal);
  const against = onednn3 ? ', oneDNN 3 among them' : '';
  const rival = table(`packed over the best sparse library${against}`, wide, sparsities, rivalGoals, cell('packed'), overRival, beside);
  if (onednn3) judge('unstructured over the best sparse library', rival.map(geomeanOf), rivalGoals, { at: sparsities });
  else judge('unstructured over the best sparse library, geomean', geomeanOf(within(rival)), rivalGoal);
  judge('  its least cell', leastOf(rival.flat()), 1);

  const roof = table('packed, fraction of the roofline', wide, sparsities, sparsities.map(() => roofGoal), cell('packed'), ofRoof);
  judge('unstructured of the roofline, geomean', geomeanOf(within(roof)), roofGoal);
  table('csr over the fastest healthy dense kernel', wide, sparsities, [], cell('csr'), overDense);
  memory(wide.map((shape) => [shape, cell('packed')(shape, 0.9)]));
  await allocation(sparsities);
}

// Bytes a nonzero at sparsity 0.9, and how soon encoding from compressed sparse rows pays.
function memory(cells) {
  const at90 = cells.map(([, cell]) => cell).filter(({ ours }) => ours.nnz >= 10_000);
  if (at90.length === 0) return;
  const bytes = mostOf(at90.map(({ ours }) => ours.storedBytes / ours.nnz));
  const pays = at90.map(({ ours, dense }) => (ours.encodeNs + ours.prepareNs) / (dense.timeNs - ours.timeNs));
  console.log(
    `packed at 0.9: at most ${bytes.toFixed(2)} bytes a nonzero (goal 6.6); encode from CSR and prepare pay within ${Math.max(...pays).toFixed(1)} evaluations at worst, ${geomean(pays).toFixed(1)} in geomean`,
  );
  judge('packed at 0.9, bytes a nonzero', bytes, 6.6, { atMost: true });
}

async function allocation(sparsities) {
  let most = { ratio: Number.NEGATIVE_INFINITY, where: '' };
  for (const shape of wide) {
    for (const sparsity of sparsities) {
      const ratio = await allocationOf(workload(shape, sparsity));
      if (ratio === null) return console.log('packed: what the native side allocates is read from /proc, which is not here');
      if (ratio > most.ratio) most = { ratio, where: `${shape[0]} at ${sparsity}` };
    }
  }
  if (most.where === '') return;
  console.log(`packed: the native side allocates at most ${most.ratio.toFixed(2)} times the dense A + B + C (goal 3), of ${most.where}`);
  judge('native allocation of a workload over dense A + B + C', most.ratio, 3, { atMost: true });
}

const grid = wanted ?? [0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

export async function crossoverTable() {
  const some = chosen.filter(([, , , n]) => n > 1);
  const of = await run(some.flatMap((shape) => grid.map((sparsity) => workload(shape, sparsity))), ['packed']);
  const cell = (shape, sparsity) => of(workload(shape, sparsity), 'packed');
  table('packed over dense, by sparsity: the crossover', some, grid, [], cell, overDense);
  const froms = some.map((shape) => {
    const from = grid.findLastIndex((sparsity) => overDense(cell(shape, sparsity)) < 1) + 1;
    const goal = isBinding() ? crossoverGoal(shape[3]) : null;
    console.log(`${shape[0].padEnd(14)} beats dense from ${grid[from] ?? 'beyond the grid'}${goal === null ? '' : ` (goal ${goal})`}`);
    return [shape[3], grid[from] ?? Number.POSITIVE_INFINITY];
  });
  for (const [what, is] of [['n >= 49', (n) => n >= 49], ['n = 32', (n) => n === 32], ['n = 8', (n) => n === 8]]) {
    const of = froms.filter(([n]) => is(n));
    if (of.length > 0) judge(`crossover, the last shape of ${what}`, mostOf(of.map(([, from]) => from)), crossoverGoal(of[0][0]), { atMost: true });
  }
}

export async function threadsTable() {
  const sparsities = wanted ?? [0.5, 0.8, 0.9, 0.95];
  const of = await run(wide.flatMap((shape) => sparsities.map((sparsity) => workload(shape, sparsity))), ['packed'], { threads: [1, 2] });
  const columns = table('packed, two threads over one', wide, sparsities, sparsities.map(() => 1.9),
    (shape, sparsity) => of(workload(shape, sparsity), 'packed'), ({ ours, twice }) => ours.timeNs / twice.timeNs);
  judge('two threads over one, geomean', geomeanOf(columns.flat()), 1.9);
}
