// Our sparse kernels against the fastest healthy dense kernel of each shape, and the packed format against csr.
//   goals, unstructured spmm, n >= 16, geomean over dense at sparsity 0.5 / 0.7 / 0.8 / 0.9 / 0.95:
//   1.4 / 2.2 / 3.2 / 5.5 / 9; 4x4 and 16x1 blocks at 0.5 / 0.9: 1.75 / 8; 2:4 at n >= 64: 1.5
//   memory of packed at 0.9, at least 10,000 nonzeros: 6.6 bytes a nonzero; its encode pays within 5 evaluations
import { describe, geomean, measure, workloadOf } from './cells.mjs';
import { shapes } from './shapes.mjs';

const wide = shapes.filter(([, , , n]) => n >= 16);
const block = (rows, cols) => ({ name: 'block', parameters: { rows, cols }, label: `block-${rows}x${cols}` });
const uniform = { name: 'uniform', parameters: {}, label: 'uniform' };
const tables = [
  { pattern: uniform, formats: ['packed', 'csr'], sparsities: [0.5, 0.7, 0.8, 0.9, 0.95], goals: [1.4, 2.2, 3.2, 5.5, 9], of: wide },
  { pattern: block(4, 4), formats: ['bsr-4x4'], sparsities: [0.5, 0.9], goals: [1.75, 8], of: wide },
  { pattern: block(16, 1), formats: ['bsr-16x1'], sparsities: [0.5, 0.9], goals: [1.75, 8], of: wide },
  {
    pattern: { name: 'nm', parameters: { n: 2, m: 4 }, label: 'nm-2:4' },
    formats: ['nm-2:4'],
    sparsities: [0.5],
    goals: [1.5],
    of: wide.filter(([, , , n]) => n >= 64),
  },
];

let described = false;
for (const { pattern, formats, sparsities, goals, of } of tables) {
  const make = ([layer, m, k, n], sparsity) =>
    workloadOf({ layer, m, k, n, density: Number((1 - sparsity).toFixed(4)), pattern });
  const { header, cells } = await measure(
    of.flatMap((shape) => sparsities.map((sparsity) => make(shape, sparsity))),
    formats,
  );
  if (!described) console.log(describe(header));
  described = true;
  const unhealthy = new Set(header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
  for (const format of formats) {
    console.log(`\n${pattern.label}, ${format} over the fastest healthy dense kernel`);
    const columns = sparsities.map(() => []);
    for (const shape of of) {
      const row = sparsities.map((sparsity, column) => {
        const measured = cells.get(make(shape, sparsity).id);
        const dense = Math.min(
          ...measured.filter((cell) => cell.dense && !unhealthy.has(cell.library)).map(({ timeNs }) => timeNs),
        );
        const sparse = measured.find((cell) => cell.library === 'native' && cell.format === format);
        columns[column].push({ speedup: dense / sparse.timeNs, sparse, dense });
        return (dense / sparse.timeNs).toFixed(2).padStart(7);
      });
      console.log(`${shape[0].padEnd(14)} ${row.join(' ')}`);
    }
    const means = columns.map((column) => geomean(column.map(({ speedup }) => speedup)));
    console.log(`${'geomean'.padEnd(14)} ${means.map((mean) => mean.toFixed(2).padStart(7)).join(' ')}`);
    console.log(`${'goal'.padEnd(14)} ${goals.map((goal) => goal.toFixed(2).padStart(7)).join(' ')}`);
    const at90 = sparsities.indexOf(0.9);
    if (format !== 'packed') continue;
    const large = columns[at90].filter(({ sparse }) => sparse.nnz >= 10_000);
    const bytes = large.map(({ sparse }) => sparse.storedBytes / sparse.nnz);
    const calls = large.map(({ sparse, dense }) => (sparse.encodeNs + sparse.prepareNs) / (dense - sparse.timeNs));
    console.log(
      `packed at 0.9: at most ${Math.max(...bytes).toFixed(2)} bytes a nonzero (goal 6.6); encode and prepare pay within ${Math.max(...calls).toFixed(1)} evaluations at worst, ${geomean(calls).toFixed(1)} in geomean (goal 5)`,
    );
  }
}
