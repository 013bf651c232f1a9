// Products of 8 bits with weights in 1 x 4 blocks against the fastest dense kernel of 8 bits, all in turns, in one process.
//   goals, packed-1x4 over oneDNN's dense at sparsity 0.5 / 0.9: 1.45 / 6.2; over the fastest dense, ours too, it is shown
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadNative } from '../../dist/native.js';
import { median } from '../../dist/statistics.js';
import { makeProblem } from '../../dist/workload/problem.js';
import { geomean, layerShapes, workloadOf } from './cells.mjs';

const shapes = [...layerShapes, ['mb1-1024x1024', 1024, 1024, 49]];
const densities = [0.5, 0.3, 0.2, 0.1, 0.05];
const goals = new Map([[0.5, 1.45], [0.1, 6.2]]);
const rounds = 15;
const sampleNs = 2e6;
const pattern = { name: 'block', parameters: { rows: 1, cols: 4 }, label: 'block-1x4' };

const widths = ['scalar', 'neon', 'avx2', 'avx512', 'avx512vnni'];

// The jobs of the widest instruction set.
function jobsOf(native, libraries, a, operands) {
  return libraries.flatMap((library) => {
    const described = native.describeLibrary(library);
    const kernels = described.kernels.filter(({ op, dtype }) => op === 'spmm' && dtype === 'int8');
    const widest = widths.findLast((isa) => kernels.some((kernel) => kernel.isa === isa));
    return kernels
      .filter(({ isa }) => isa === 'auto' || isa === widest)
      .map((kernel) => {
        const matrix = native.encode(library, kernel.format, 'int8', a.rows, a.cols, a.rowOffsets, a.colIndices, a.values);
        const job = native.prepare(library, [matrix], kernel.index, operands);
        const first = new Float64Array(1);
        native.time(job, 1, 1, first);
        const evaluations = Math.max(1, Math.round(sampleNs / first[0]));
        return { name: `${described.name}-${kernel.name}`, dense: kernel.dense, job, evaluations, samples: [] };
      });
  });
}

// Prints the shapes whose name is wanted; returns of each sparsity the geomean over oneDNN's dense, and the goal.
export function int8Table(isWanted) {
  const { native, folder } = loadNative();
  const libraries = ['native', 'onednn']
    .map((name) => join(folder, `libsparsemark-${name}.so`))
    .filter(existsSync)
    .map((path) => native.openLibrary(path));
  const columns = new Map(densities.map((density) => [density, { all: [], onednn: [] }]));
  for (const [layer, m, k, n] of shapes) {
    if (!isWanted(layer)) continue;
    for (const density of densities) {
      const workload = { ...workloadOf({ layer, m, k, n, density, pattern }), dtype: 'int8' };
      const { a, operands } = makeProblem(workload);
      const jobs = jobsOf(native, libraries, a, { n, threads: 1, ...operands });
      const sample = new Float64Array(1);
      for (let round = 0; round < rounds; round += 1) {
        for (const { job, evaluations, samples } of jobs) {
          native.time(job, 1, evaluations, sample);
          samples.push(sample[0]);
        }
      }
      const timed = jobs.map((job) => ({ ...job, timeNs: median(job.samples) }));
      const sparse = timed.find(({ dense }) => !dense);
      const dense = timed.filter((job) => job.dense).sort((one, other) => one.timeNs - other.timeNs);
      const speedup = dense[0].timeNs / sparse.timeNs;
      columns.get(density).all.push(speedup);
      const onednn = dense.find(({ name }) => name.startsWith('onednn'));
      if (onednn !== undefined) columns.get(density).onednn.push(onednn.timeNs / sparse.timeNs);
      const rate = (timeNs, share) => ((2 * m * k * n * share) / timeNs).toFixed(0);
      const rates = dense.map(({ name, timeNs }) => `${name} ${rate(timeNs, 1)}`).join(', ');
      console.log(
        `${layer.padEnd(14)} ${`${m}x${k}x${n}`.padEnd(13)} ${(1 - density).toFixed(2)}  ${speedup.toFixed(2).padStart(6)}x   useful GOP/s: ${rate(sparse.timeNs, density).padStart(5)}; dense: ${rates}`,
      );
    }
  }
  return [...columns].filter(([, { all }]) => all.length > 0).map(([density, { all, onednn }]) => {
    const summary = (ratios) => `geomean ${geomean(ratios).toFixed(2)}, least ${Math.min(...ratios).toFixed(2)}`;
    const goal = goals.get(density) ?? Number.NaN;
    const sparsity = Number((1 - density).toFixed(2));
    const beside = onednn.length > 0 ? `; over oneDNN's ${summary(onednn)}${goal > 0 ? ` (goal ${goal})` : ''}` : '';
    console.log(`sparsity ${sparsity.toFixed(2)}: over the fastest dense ${summary(all)}${beside}`);
    return { sparsity, overOnednn: onednn.length > 0 ? geomean(onednn) : Number.NaN, goal };
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , only] = process.argv;
  int8Table((layer) => only === undefined || layer === only);
}
