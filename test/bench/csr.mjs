// CSR at 90 % sparsity against the fastest dense kernel on every layer shape.
//   goal: faster on the ResNet-50 3x3 shapes (64x576, 128x1152, 256x2304, 512x4608)
import { describe, measure, workloadOf } from './cells.mjs';
import { shapes } from './shapes.mjs';

const all = [...shapes, ['r50-512x4608', 512, 4608, 49]];
const make = ([layer, m, k, n]) => workloadOf({ layer, m, k, n, density: 0.1 });
const { header, cells } = await measure(all.map(make), ['csr']);
console.log(describe(header));
const unhealthy = new Set(header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
for (const shape of all) {
  const [layer, m, k, n] = shape;
  const measured = cells.get(make(shape).id);
  const csr = measured.find(({ library, format }) => library === 'native' && format === 'csr').timeNs;
  const [best] = measured
    .filter(({ dense, library }) => dense && !unhealthy.has(library))
    .sort((one, other) => one.timeNs - other.timeNs);
  const goal = /r50-(64x576|128x1152|256x2304|512x4608)/.test(layer) ? '  <- goal: above 1' : '';
  console.log(
    `${layer.padEnd(14)} ${`${m}x${k}x${n}`.padEnd(14)} ${((0.2 * m * k * n) / csr).toFixed(1).padStart(6)} useful GFLOP/s, ${(best.timeNs / csr).toFixed(2).padStart(6)}x ${best.library}-${best.kernel}${goal}`,
  );
}
