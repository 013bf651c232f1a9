// What compressing the weights anew costs in evaluations: encode (dense f32 matrix to packed, one thread) and prune
// (the largest tenth of the weights, then encode), each divided by what one evaluation saves against the fastest healthy
// dense kernel; planning is in the sparse kernel's prepare and counted.
//   goals at sparsity 0.9, on every layer of ResNet-50: encode within 5 evaluations, prune and encode within 10
import { pathToFileURL } from 'node:url';
import { readShapes } from '../../dist/workload/shapes.js';
import { workloadId } from '../../dist/workload/problem.js';
import { describe, geomean, measure, workloadOf } from './cells.mjs';

const density = 0.1;
const pattern = { name: 'uniform', parameters: {}, label: 'uniform' };
const layers = readShapes('suites/shapes/resnet50.csv', 'resnet50.csv').filter(({ shape }) => shape.n > 1);
const makerOf = (op, { name, shape: { m, k } }) => {
  const facts = { op, dtype: 'f32', shape: { m, k, n: 1 }, cache: 'hot', density, seed: 1 };
  return { ...facts, id: workloadId({ ...facts, label: pattern.label }), pattern, layer: name, count: 1 };
};
const productOf = ({ name, shape }) => workloadOf({ layer: name, ...shape, density, pattern });

// Returns the evaluations until it pays at the worst layer.
export async function compressionTable({ withMachine = false } = {}) {
  const workloads = layers.flatMap((layer) => [productOf(layer), makerOf('encode', layer), makerOf('prune', layer)]);
  const unique = [...new Map(workloads.map((workload) => [workload.id, workload])).values()];
  const { header, cells } = await measure(unique, ['packed']);
  if (withMachine) console.log(`${describe(header)}\n`);
  const unhealthy = new Set(header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
  const ours = (id) => cells.get(id).find(({ library, format }) => library === 'native' && format === 'packed');
  console.log('evaluations until packed pays, sparsity 0.9       speed-up  encode   prune');
  const rows = layers.map((layer) => {
    const product = cells.get(productOf(layer).id);
    const sparse = ours(productOf(layer).id);
    const dense = Math.min(
      ...product.filter((cell) => cell.dense && !unhealthy.has(cell.library)).map(({ timeNs }) => timeNs),
    );
    const calls = (op) => (ours(makerOf(op, layer).id).timeNs + sparse.prepareNs) / (dense - sparse.timeNs);
    const row = { speedup: dense / sparse.timeNs, encode: calls('encode'), prune: calls('prune') };
    const { m, k, n } = layer.shape;
    console.log(
      `${`${layer.name} ${m}x${k}x${n}`.padEnd(50)} ${row.speedup.toFixed(2).padStart(6)} ${row.encode.toFixed(1).padStart(7)} ${row.prune.toFixed(1).padStart(7)}`,
    );
    return row;
  });
  const summary = (name, of) =>
    `${name.padEnd(50)} ${of(rows.map(({ speedup }) => speedup), true).toFixed(2).padStart(6)} ${of(rows.map(({ encode }) => encode)).toFixed(1).padStart(7)} ${of(rows.map(({ prune }) => prune)).toFixed(1).padStart(7)}`;
  console.log(summary('geomean', geomean));
  console.log(summary('worst', (values, best) => (best ? Math.min(...values) : Math.max(...values))));
  console.log(`${'goal'.padEnd(50)}            5.0    10.0`);
  return { encode: Math.max(...rows.map(({ encode }) => encode)), prune: Math.max(...rows.map(({ prune }) => prune)) };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await compressionTable({ withMachine: true });
