// Records how a history's points scatter when nothing changes: short runs of our library against a copy of itself, each
// in fresh processes. A point is the log ratio of both medians in one run, as `track add` takes it.
//   node test/bench/record-noise.mjs <seconds>     appends to test/golden/history/noise.json; 1.5 s a run, five workloads, csr and dense
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledLibraries } from '../../dist/measure/libraries.js';
import { runDefaults, runSuite } from '../../dist/index.js';
import { median } from '../../dist/statistics.js';
import { loadSuite } from '../../dist/workload/suite.js';

const target = new URL('../golden/history/noise.json', import.meta.url);
const seconds = Number(process.argv[2] ?? 170);
const suite = loadSuite('quick');
const wanted = [
  /^spmm.*-hot\/dlmc-like.*-d0\.30-s1$/,
  /^spmm.*-cold\/dlmc-like.*-d0\.10-s1$/,
  /^spmm.*-hot\/block-4x4-d0\.20-s1$/,
  /^spmv.*-hot\/dlmc-like.*-d0\.10-s1$/,
  /^spmv.*-cold\/dlmc-like.*-d0\.10-s1$/,
];
const workloads = suite.workloads.filter(({ id }) => wanted.some((pattern) => pattern.test(id)));
const series = new Map(existsSync(target) ? Object.entries(JSON.parse(readFileSync(target, 'utf8')).logRatios) : []);
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-'));
const copy = join(folder, 'anchor.so');
copyFileSync(bundledLibraries()[0], copy);
let limits;
let machine = '';
const end = Date.now() + seconds * 1000;
for (let run = 0; Date.now() < end; run += 1) {
  const { result } = await runSuite({
    ...runDefaults,
    suite: { ...suite, refine: false },
    workloads,
    selection: { isa: null, formats: ['csr'], threads: [1] },
    libraries: [],
    kernels: [`anchor=${copy}`],
    budgetSeconds: 1.5,
    out: join(folder, `${run}.jsonl`),
    ...(limits === undefined ? {} : { limits }),
  });
  limits = { ceilings: result.header.machine.ceilings, health: result.header.health };
  machine = `${result.header.machine.cpuBrand}, ${result.header.machine.cores} cores, ${result.header.machine.hypervisor === null ? 'bare' : 'virtual, shared'}`;
  const times = new Map(
    result.measurements.map((entry) => [entry.id, entry.status === 'measured' ? median([...entry.samplesNs]) : NaN]),
  );
  for (const [id, timeNs] of times) {
    if (!id.includes('/native-')) continue;
    const anchorNs = times.get(id.replace('/native-', '/anchor-'));
    const points = series.get(id) ?? [];
    points.push(Number(Math.log(timeNs / anchorNs).toFixed(5)));
    series.set(id, points);
  }
}
rmSync(folder, { recursive: true });
const lines = [...series].map(([id, points]) => `${JSON.stringify(id)}: ${JSON.stringify(points)}`);
writeFileSync(target, `{\n"machine": ${JSON.stringify(machine)},\n"logRatios": {\n${lines.join(',\n')}\n}\n}\n`);
for (const [id, points] of series) {
  const centre = median(points);
  const spread = 1.4826 * median(points.map((point) => Math.abs(point - centre)));
  console.log(`${id}: ${points.length} points, median ${centre.toFixed(4)}, robust sd ${spread.toFixed(4)}, max |.| ${Math.max(...points.map(Math.abs)).toFixed(3)}`);
}
