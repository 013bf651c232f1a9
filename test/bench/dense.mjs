// Our dense baseline against the fastest of the dense libraries, in one run, interleaved.
//   goals: geomean over the 17 shapes with n >= 16 at least 0.85, none below 0.75; n = 1: bandwidth
import { describe, geomean, measure, workloadOf } from './cells.mjs';
import { shapes } from './shapes.mjs';

const { header, times } = await measure(
  shapes.map(([layer, m, k, n]) => workloadOf({ layer, m, k, n, density: 1 })),
  [],
);
console.log(describe(header));
const [ceilings] = header.machine.ceilings;
const ratios = [];
for (const [layer, m, k, n] of shapes) {
  const { id } = workloadOf({ layer, m, k, n, density: 1 });
  const cells = times.get(id);
  const own = cells.get('native-dense');
  const rivals = [...cells].filter(([name]) => !name.startsWith('native-'));
  const [rival, best] = rivals.sort(([, a], [, b]) => a - b)[0] ?? ['none', Number.NaN];
  const ratio = best / own;
  if (n >= 16) ratios.push(ratio);
  const gflops = ((2 * m * k * n) / own).toFixed(0);
  const bandwidth = ((4 * m * k) / own).toFixed(1);
  console.log(
    `${layer.padEnd(14)} ${`${m}x${k}x${n}`.padEnd(14)} ours ${gflops.padStart(4)} GFLOP/s, reads A at ${bandwidth.padStart(5)} GB/s; ${rival} / ours = ${ratio.toFixed(2)}`,
  );
}
console.log(
  `n >= 16: geomean ${geomean(ratios).toFixed(3)} (goal 0.85), least ${Math.min(...ratios).toFixed(3)} (goal 0.75); L3 ${ceilings.l3GBs.toFixed(1)} GB/s`,
);
