// Really pruned networks: every matrix of DLMC's magnitude pruning that is in the data cache, ResNet-50's with the n of
// its layer, the Transformer's at n = 32, 128 and 512.
import { dataFolderOf, listData } from '../../../dist/workload/data.js';
import { dlmcMatrices, dlmcModels } from '../../../dist/workload/dlmc.js';
import { patternSpec } from '../../../dist/workload/patterns/index.js';
import { workloadOf } from '../cells.mjs';
import { cold, every, minutes, wanted } from './choice.mjs';
import { fixed, geomeanOf, judge, leastOf } from './goals.mjs';
import { vectorFormats, vectorGoals } from './ops.mjs';
import { fastest, ofRoof, ofVectorLimit, overDense, overRival, run } from './ratios.mjs';
import { denseGoals, rivalGoal, roofGoal } from './uniform.mjs';

// Goals are those of uniform masks times this.
const share = 0.85;
const textLengths = [32, 128, 512];
const method = 'magnitude';
// Nine samples of each case of a workload take 0.7 s in the mean, 1.1 s with cold weights, of nine libraries on a Zen 5. The
// rest goes into samples of cases that are not known to 2 % by then. All that is hot takes 15 minutes.
const secondsEach = 1.35;
// What --minutes leaves out is spread over the list: it is measured in so many strides.
const strides = 8;

// The products of matrices: model, level, n, and the workload with hot and with cold weights.
function productsOf(matrices) {
  return matrices.flatMap(({ path, model, level, layer, ordinal: seed, rows: m, cols: k, n: own }) => {
    const pattern = patternSpec('file', { path, from: 'data', as: `dlmc-${model}-${method}` });
    const density = Math.round((1 - level) * 10_000) / 10_000;
    return (own === null ? textLengths : [own]).map((n) => {
      const [hot, cold] = ['hot', 'cold'].map((cache) => workloadOf({ layer, m, k, n, density, seed, pattern, cache }));
      return { model, level, n, hot, cold };
    });
  });
}

const inStrides = (all) => Array.from({ length: strides }, (_, first) => all.filter((_, at) => at % strides === first)).flat();

// One line a model and n, a column a level: geomean and least, and those of all. figure(product). Returns the figures by
// level.
function table(title, products, levels, goals, figure, coldFigure) {
  const groups = [...new Map(products.map(({ model, n }) => [`${model} n=${n}`, { model, n }]))];
  groups.sort(([, one], [, other]) => one.model.localeCompare(other.model) || one.n - other.n);
  const columnsOf = (of, among) => levels.map((level) => among.filter((product) => product.level === level).map(of));
  const line = (name, columns) =>
    console.log(`${name.padEnd(18)} ${columns.map((values) => `${fixed(geomeanOf(values))} (${fixed(leastOf(values)).trim()})`.padEnd(15)).join('').trimEnd()}`);
  console.log(`\n${title}: geomean (least)`);
  console.log(`${'sparsity'.padEnd(18)} ${levels.map((level) => fixed(level).padEnd(15)).join('').trimEnd()}`);
  for (const [name, { model, n }] of groups) line(name, columnsOf(figure, products.filter((product) => product.model === model && product.n === n)));
  const all = columnsOf(figure, products);
  line('all', all);
  if (coldFigure !== undefined) line('all, cold', columnsOf(coldFigure, products));
  console.log(`${'goal'.padEnd(18)} ${goals.map((goal) => fixed(goal).padEnd(15)).join('').trimEnd()}`);
  return all;
}

export async function dlmcTables() {
  const folder = dataFolderOf();
  if (listData(folder).length === 0) {
    console.log(`\nDLMC: not in the data cache, ${folder}. Add it: sparsemark data add dlmc <dlmc.tar.gz or folder>; SPARSEMARK_DATA names another cache.`);
    return;
  }
  const known = productsOf(dlmcModels.flatMap((model) => dlmcMatrices(folder, model, [method])));
  const all = known.filter(({ level }) => wanted?.includes(level) ?? true).filter((_, at) => at % every === 0);
  const products = all.filter(({ n }) => n > 1);
  const levels = [...new Set(all.map(({ level }) => level))].sort((one, other) => one - other);
  const caches = cold ? ['hot', 'cold'] : ['hot'];
  const seconds = minutes === null ? secondsEach * caches.length * products.length : 60 * minutes;
  const sample = every === 1 ? '' : `, each ${every}th`;
  console.log(
    `\nDLMC: ${all.length} of ${known.length} products of the matrices at hand${sample}; ${caches.join(' and ')}; some ${(seconds / 60).toFixed(1)} minutes shared out, at least nine samples a case`,
  );
  const measured = inStrides(products).flatMap((product) => caches.map((cache) => product[cache]));
  const of = await run(measured, ['packed', 'csr'], { seconds, mayLeaveOut: minutes !== null });
  const hot = (figure) => (product) => figure(of(product.hot, 'packed'));
  const beside = (figure) => (cold ? (product) => figure(of(product.cold, 'packed')) : undefined);
  // Levels that uniform masks have goals for.
  const judgedAt = (columns) => columns.filter((_, at) => levels[at] in denseGoals).flat();
  const goalsAt = (goal) => levels.map((level) => (level in denseGoals ? share * goal(level) : Number.NaN));

  const goals = goalsAt((level) => denseGoals[level]);
  const dense = table('DLMC, packed over the fastest healthy dense kernel', products, levels, goals, hot(overDense), beside(overDense));
  judge('DLMC over dense', dense.map(geomeanOf), goals, { at: levels });
  const rival = table('DLMC, packed over the best sparse library', products, levels, goalsAt(() => rivalGoal), hot(overRival), beside(overRival));
  judge('DLMC over the best sparse library, geomean', geomeanOf(judgedAt(rival)), share * rivalGoal);
  judge('  its least cell', leastOf(judgedAt(rival)), share);
  const roof = table('DLMC, packed, fraction of the roofline', products, levels, goalsAt(() => roofGoal), hot(ofRoof));
  judge('DLMC of the roofline, geomean', geomeanOf(judgedAt(roof)), share * roofGoal);
  await vectorTables(all.filter(({ n }) => n === 1));
}

// ResNet-50's last layer is a product with a vector.
async function vectorTables(products) {
  if (products.length === 0) return;
  const levels = [...new Set(products.map(({ level }) => level))];
  const of = await run(products.map(({ hot }) => hot), vectorFormats);
  const print = (title, goal, figure) => {
    const goals = levels.map(() => share * goal);
    const columns = table(title, products, levels, goals, ({ hot }) => figure(fastest(of, hot, vectorFormats)));
    return geomeanOf(columns.filter((_, at) => levels[at] in denseGoals).flat());
  };
  const rival = print('DLMC, spmv over the best sparse library', vectorGoals.rival, overRival);
  const limit = print('DLMC, spmv, fraction of its limit', vectorGoals.limit, ofVectorLimit);
  judge('DLMC, spmv over the best sparse library / of its limit', [rival, limit], [share * vectorGoals.rival, share * vectorGoals.limit]);
}
