// Layer estimates a second on one core and on two, for each accelerator that comes along, through the batch call.
//   goal: closed forms at least 1 million a second on one core, linear over threads; the answers of the queues of
//   EIE and ESE are drawn and run through them, which is no closed form
// Names of accelerators as arguments: those alone.
import { acceleratorNames, loadAccelerator } from '../../dist/accelerator/accelerator.js';
import { count } from '../../dist/accelerator/count.js';
import { estimateFields, layerFields, sweep, writeLayer } from '../../dist/accelerator/estimate.js';
import { genericFields, sweepGeneric } from '../../dist/accelerator/generic.js';
import { mappingFields } from '../../dist/accelerator/mapping.js';
import { median } from '../../dist/statistics.js';

// Layers of ResNet-50's kind, densities from 0.05 to 1.
const sizes = [64, 128, 256, 512, 1024, 2048];
const layerAt = (i) => {
  const [m, k] = [sizes[i % 6], sizes[Math.floor(i / 6) % 6]];
  const out = [7, 14, 28, 56][Math.floor(i / 36) % 4];
  const kernel = i % 2 === 0 ? 1 : 3;
  const conv = {
    ...{ batch: 1, channels: k, height: out, width: out, kernelHeight: kernel, kernelWidth: kernel, stride: 1 },
    ...{ padding: 0, outHeight: out, outWidth: out },
  };
  return {
    ...{ name: '', groups: 1, shape: { m, n: out * out, k: k * kernel * kernel, conv } },
    ...{ weightDensity: 0.05 + (0.95 * (i % 97)) / 96, activationDensity: 0.05 + (0.95 * (i % 89)) / 88, weightCorrelation: 0 },
  };
};

console.log('accelerator                       1 core, M/s   2 cores   ratio');
const wanted = process.argv.slice(2);
const names = acceleratorNames().filter((name) => wanted.length === 0 || wanted.includes(name));
for (const name of names) {
  const accelerator = loadAccelerator(name);
  if (accelerator.design !== null) continue;
  const count = accelerator.engine.endsWith('-fifo') ? 1024 : 65_536;
  const rows = new Float64Array(count * layerFields);
  const into = new Float64Array(count * estimateFields);
  for (let i = 0; i < count; i += 1) writeLayer(layerAt(i), rows, i);
  const rate = (threads) => {
    const times = [];
    for (let round = 0; round < 6; round += 1) {
      const start = performance.now();
      sweep(accelerator, rows, { threads, into });
      if (performance.now() - start > 2000) round = 6;
      times.push(performance.now() - start);
    }
    return count / median(times) / 1000;
  };
  const [one, two] = [rate(1), rate(2)];
  console.log(`${name.padEnd(34)} ${one.toFixed(3).padStart(10)} ${two.toFixed(3).padStart(9)} ${(two / one).toFixed(2).padStart(7)}`);
}

// Generic designs, one core: with the mappings that a search found, goal well under 10 us; and the search.
console.log('\ngeneric design             us with a mapping   us a mapping searched');
for (const name of names) {
  const accelerator = loadAccelerator(name);
  if (accelerator.design === null) continue;
  const rows = new Float64Array(20 * layerFields);
  for (let i = 0; i < 20; i += 1) writeLayer(layerAt(i), rows, i);
  const free = { ...accelerator, design: { ...accelerator.design, mapping: null } };
  const mappings = new Float64Array(20 * mappingFields);
  const start = performance.now();
  const found = sweepGeneric(free, rows, mappings);
  const searched = performance.now() - start;
  let evaluations = 0;
  for (let i = 0; i < 20; i += 1) evaluations += found[i * genericFields + 10];
  const times = [];
  for (let round = 0; round < 500; round += 1) {
    const begin = performance.now();
    sweepGeneric(accelerator, rows, mappings);
    times.push(performance.now() - begin);
  }
  const us = (1000 * median(times)) / 20;
  console.log(`${name.padEnd(26)} ${us.toFixed(2).padStart(17)} ${((1000 * searched) / evaluations).toFixed(2).padStart(23)}`);
}

// Counting on masks: goals 1 ns for 64 pairs of a weight and an activation, and the queues of EIE's 64 elements in at
// most 100 us for 1000 x 4096 at densities 0.25 and 0.375, its entries an element counted before.
const places = (rows, cols, density) => {
  const rowOffsets = new Int32Array(rows + 1);
  const columns = [];
  let state = 1;
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < cols; j += 1) {
      // xorshift32.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      if ((state >>> 0) / 2 ** 32 < density) columns.push(j);
    }
    rowOffsets[i + 1] = columns.length;
  }
  return { rows, cols, rowOffsets, colIndices: Int32Array.from(columns) };
};
const timeOf = (name, { m, n, k }, masks) => {
  const accelerator = loadAccelerator(name);
  const layer = { ...{ name, groups: 1, shape: { m, n, k } }, weightDensity: 1, activationDensity: 1, weightCorrelation: 0 };
  const times = [];
  for (let round = 0; round < 7; round += 1) {
    const start = performance.now();
    count(accelerator, layer, masks);
    times.push(performance.now() - start);
  }
  return median(times);
};
console.log('\ncounting on masks                    ms   ns for 64 pairs');
for (const name of ['sparten', 'cambricon-s', 'scnn', 'dual-side-tensor-core', 'eyeriss-v2-pe', 'sigma']) {
  const shape = { m: 1024, n: 512, k: 1024 };
  const masks = { weights: places(1024, 1024, 0.2), activations: places(1024, 512, 0.4) };
  const ms = timeOf(name, shape, masks);
  const pairs = (shape.m * shape.n * shape.k) / 64;
  console.log(`${name.padEnd(30)} ${ms.toFixed(2).padStart(8)} ${((1e6 * ms) / pairs).toFixed(3).padStart(17)}`);
}
// One input beside many tells the queues from the counting before them.
const weights = places(1000, 4096, 0.25);
const eie = (n) => timeOf('eie', { m: 1000, n, k: 4096 }, { weights, activations: places(4096, n, 0.375) });
console.log(`eie, 1000 x 4096: ${((1000 * (eie(65) - eie(1))) / 64).toFixed(1)} us an input of density 0.375`);
