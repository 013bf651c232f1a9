// Measures given workloads through the product's own harness and returns the median time of each case.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSuite } from '../../dist/measure/run.js';
import { median } from '../../dist/statistics.js';
import { suiteDigest } from '../../dist/workload/suite.js';
import { workloadId } from '../../dist/workload/problem.js';

// Layers of a Transformer and of ResNet-50 on which types of few bits are held against each other: name, m, k, n.
export const layerShapes = [
  ['proj', 512, 512, 256],
  ['ffn1', 3072, 768, 128],
  ['ffn2', 768, 3072, 128],
  ['r50-128x1152', 128, 1152, 784],
  ['r50-256x2304', 256, 2304, 196],
  ['r50-512x128', 512, 128, 784],
];

export function workloadOf({ layer, m, k, n, density, seed = 1, cache = 'hot', label = 'uniform', pattern, op = n === 1 ? 'spmv' : 'spmm' }) {
  const shape = { m, k, n };
  const spec = pattern ?? { name: 'uniform', parameters: {}, label };
  const facts = { op, dtype: 'f32', shape, cache, label: spec.label, density, seed };
  return { id: workloadId(facts), op, dtype: 'f32', shape, cache, pattern: spec, density, seed, layer, count: 1 };
}

// formats: beside dense. Returns the header, the median times by workload and case name, and the cells by workload. What a
// library declines is left out; a wrong answer or a crash throws. seconds: shared out among the workloads, each of which
// has at least nine samples a case. Those for which none are left are measured after that, in as long each; where
// mayLeaveOut is set they are counted in `left`.
export async function measure(workloads, formats, { threads = [1], seconds = 3600, mayLeaveOut = false, limits } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-bench-'));
  const byLabel = { '*': formats };
  const suite = {
    name: 'bench', version: '0', description: '', released: false, digest: suiteDigest(workloads, byLabel), workloads,
    formats: byLabel, refine: false,
  };
  try {
    const { result } = await runSuite({
      suite, workloads, selection: { isa: null, formats: null, threads }, cpus: null, budgetSeconds: seconds, filter: null,
      kernels: [], libraries: null, timeoutSeconds: 120, out: join(folder, 'bench.jsonl'), resume: false, command: 'bench',
      signal: new AbortController().signal,
      ...(limits === undefined ? {} : { limits }),
      onEvent: (event) => {
        if (event.kind === 'workload') process.stderr.write(`\r\u001b[2K${event.index + 1}/${event.total} ${event.workload}`);
      },
    });
    process.stderr.write('\r\u001b[2K');
    const times = new Map();
    const cells = new Map();
    const nnzOf = new Map(result.workloads.map(({ id, nnz }) => [id, nnz]));
    for (const measurement of result.measurements) {
      if (measurement.status === 'unsupported') continue;
      if (measurement.status !== 'measured') throw new Error(`${measurement.id}: ${measurement.status}`);
      const { workload, library, kernel, format, dense, footprint, encodeNs, prepareNs } = measurement;
      const timeNs = median([...measurement.samplesNs]);
      if (!times.has(workload)) times.set(workload, new Map());
      times.get(workload).set(`${library}-${kernel}`, timeNs);
      if (!cells.has(workload)) cells.set(workload, []);
      const storedBytes = footprint.payloadBytes + footprint.metadataBytes + footprint.paddingBytes;
      cells.get(workload).push({ library, kernel, format, dense, threads: measurement.threads, timeNs, encodeNs, prepareNs, storedBytes, nnz: nnzOf.get(workload) });
    }
    const { header } = result;
    const rest = workloads.filter(({ id }) => !nnzOf.has(id));
    if (rest.length === 0 || mayLeaveOut) return { header, times, cells, left: rest.length };
    const known = { health: header.health, ceilings: header.machine.ceilings };
    const more = await measure(rest, formats, { threads, seconds: (seconds * rest.length) / workloads.length, limits: known });
    return { header, times: new Map([...times, ...more.times]), cells: new Map([...cells, ...more.cells]), left: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const geomean = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

export function describe({ machine, libraries, build }) {
  const one = machine.ceilings.find(({ threads }) => threads === 1);
  return [
    `${machine.cpuBrand} (${machine.cpuModel}), ${build.compiler}, ${new Date().toISOString().slice(0, 10)}`,
    `libraries: ${libraries.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
    `ceilings, 1 thread: ${one.fmaGflops.toFixed(0)} GFLOP/s FMA, L2 ${one.l2GBs.toFixed(0)}, L3 ${one.l3GBs.toFixed(0)}, memory ${one.dramGBs.toFixed(0)} GB/s`,
  ].join('\n');
}
