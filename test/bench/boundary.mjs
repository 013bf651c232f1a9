// What the boundary costs, and whether the harness reads the same clock as the native loop.
//   goals: evaluate() from JavaScript at most 50 ns; median of a 20 us kernel through the harness within 1 %
import { loadNative } from '../../dist/native.js';
import { sampleInRounds } from '../../dist/measure/timing.js';
import { startWorker } from '../../dist/measure/library-worker.js';
import { bundledLibraries } from '../../dist/measure/libraries.js';
import { measuringCpus } from '../../dist/measure/machine.js';
import { median } from '../../dist/statistics.js';
import { opNamed } from '../../dist/workload/ops/index.js';
import { makeProblem } from '../../dist/workload/problem.js';

const { native } = loadNative();
const path = bundledLibraries()[0];
const library = native.openLibrary(path);
const { kernels } = native.describeLibrary(library);
const widest = (op) => kernels.filter((kernel) => kernel.op === op && kernel.format === 'csr').at(-1);

// 1. An empty product: nearly nothing but the call.
const empty = native.encode(library, 'csr', 'f32', 1, 1, new Int32Array([0, 0]), new Int32Array(0), new Float32Array(0));
const call = native.prepare(library, [empty], widest('spmv').index, { n: 1, threads: 1, b: new Float32Array(1) });
const inside = new Float64Array(21);
native.time(call, 1000, 100_000, inside);
const fromJs = Array.from({ length: 21 }, () => {
  const start = process.hrtime.bigint();
  for (let i = 0; i < 100_000; i += 1) native.evaluate(call);
  return Number(process.hrtime.bigint() - start) / 100_000;
});
const callNs = median(fromJs) - median([...inside]);
console.log(`evaluate() from JavaScript: ${callNs.toFixed(1)} ns above the native loop (goal: at most 50)`);

// 2. A kernel of some 20 us: the harness (a worker, tinybench, one sample a request) against one long native loop in
// the same worker's library, interleaved.
const shape = { m: 256, k: 256, n: 128 };
const workload = {
  id: 'bench', op: 'spmm', dtype: 'f32', shape, cache: 'hot', density: 0.1, seed: 1, layer: 'bench', count: 1,
  pattern: { name: 'uniform', parameters: {}, label: 'uniform' },
};
const problem = makeProblem(workload);
const cpus = measuringCpus(1);
const worker = await startWorker({ kind: 'open', path, cpus, memoryLimitBytes: 2 ** 34 }, 60_000);
const { a, operands } = problem;
await worker.ask({ kind: 'load', op: 'spmm', shape, dtype: 'f32', a, operands, reference: opNamed('spmm').reference(problem) });
native.becomeWorker(cpus, 2 ** 36);
const start = { kind: 'start', kernel: widest('spmm').index, format: 'csr', threads: 1, cache: 'hot', coldBytes: 0, maxWarmupBatches: 64 };
// The same kernel twice: as the harness samples it, and in batches of 20 ms, where nothing of the call is left.
const started = await worker.ask({ ...start, key: 'harness', batchTargetNs: 500_000 });
await worker.ask({ ...start, key: 'loop', batchTargetNs: 20e6 });
const sampler = (key) => ({ id: key, sample: () => worker.ask({ kind: 'sample', key }) });
const rule = { targetHalfWidth: 0, minSamples: 101, maxSamples: 101, samplesPerRound: 1 };
const series = await sampleInRounds([sampler('harness'), sampler('loop')], rule, 1, () => true);
const harness = median(series.get('harness').samplesNs);
const loop = median(series.get('loop').samplesNs);
console.log(
  `spmm_csr ${shape.m}x${shape.k}x${shape.n} at density 0.1: harness ${(harness / 1000).toFixed(2)} us (${started.evaluationsPerSample} evaluations a sample), native loop ${(loop / 1000).toFixed(2)} us, ratio ${(harness / loop).toFixed(4)} (goal: within 1 %)`,
);
worker.end();
