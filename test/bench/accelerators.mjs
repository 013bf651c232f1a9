// Layer estimates a second on one core and on two, for each accelerator that comes along, through the batch call.
//   goal: closed forms at least 1 million a second on one core, linear over threads; EIE's answer is drawn and run
//   through its queues, at most 100 us each
import { acceleratorNames, loadAccelerator } from '../../dist/accelerator/accelerator.js';
import { layerFields, sweep, writeLayer } from '../../dist/accelerator/estimate.js';
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
for (const name of acceleratorNames()) {
  const accelerator = loadAccelerator(name);
  const count = accelerator.engine === 'broadcast-fifo' ? 2000 : 100_000;
  const rows = new Float64Array(count * layerFields);
  for (let i = 0; i < count; i += 1) writeLayer(layerAt(i), rows, i);
  const rate = (threads) => {
    const times = [];
    for (let round = 0; round < 5; round += 1) {
      const start = performance.now();
      sweep(accelerator, rows, { threads });
      times.push(performance.now() - start);
    }
    return count / median(times) / 1000;
  };
  const [one, two] = [rate(1), rate(2)];
  console.log(`${name.padEnd(34)} ${one.toFixed(3).padStart(10)} ${two.toFixed(3).padStart(9)} ${(two / one).toFixed(2).padStart(7)}`);
}
