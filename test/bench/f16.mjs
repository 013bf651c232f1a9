// Products of f16: sparse over our own dense kernel of f16, and dense f16 over dense f32, all in turns, in one process.
// On a CPU without arithmetic of 16 bits it says so and measures nothing: what imitates it says nothing of speed.
//   expected on AVX512-FP16 (no figure of it is measured yet): dense f16 twice the rate of dense f32
import { join } from 'node:path';
import { loadNative } from '../../dist/native.js';
import { median } from '../../dist/statistics.js';
import { checkAnswer, opNamed } from '../../dist/workload/ops/index.js';
import { makeProblem } from '../../dist/workload/problem.js';
import { geomean, layerShapes, workloadOf } from './cells.mjs';

const densities = [0.5, 0.3, 0.2, 0.1, 0.05];
const rounds = 15;
const sampleNs = 2e6;
const widths = ['neon', 'neonfp16', 'avx2', 'avx512', 'avx512fp16'];

const { native, folder } = loadNative();
const library = native.openLibrary(join(folder, 'libsparsemark-native.so'));
const { kernels } = native.describeLibrary(library);
// The widest instruction set of a type, the imitation not among them.
const isaOf = (wanted) => widths.findLast((isa) => kernels.some(({ dtype, isa: own }) => dtype === wanted && own === isa));
if (isaOf('f16') === undefined) {
  const { brand, isa } = native.describeCpu();
  console.log(
    `${brand} has no arithmetic of 16 bits (AVX512-FP16, or FEAT_FP16 of Arm); its instruction sets: ${isa.join(', ')}. Nothing is measured.`,
  );
  process.exit(0);
}

function jobOf(problem, dtype, format) {
  const { a, operands, workload } = problem;
  const isa = isaOf(dtype);
  const kernel = kernels.find(
    (each) => each.op === 'spmm' && each.dtype === dtype && each.format === format && each.isa === isa,
  );
  const matrix = native.encode(library, format, dtype, a.rows, a.cols, a.rowOffsets, a.colIndices, a.values);
  const job = native.prepare(library, [matrix], kernel.index, { n: workload.shape.n, threads: 1, ...operands });
  const first = new Float64Array(1);
  native.time(job, 1, 1, first);
  return { job, evaluations: Math.max(1, Math.round(sampleNs / first[0])), samples: [] };
}

const only = process.argv[2];
const columns = new Map(densities.map((density) => [density, { csr: [], packed: [] }]));
const dense = [];
for (const [layer, m, k, n] of layerShapes) {
  if (only !== undefined && layer !== only) continue;
  for (const density of densities) {
    const shape = workloadOf({ layer, m, k, n, density });
    const problem = makeProblem({ ...shape, dtype: 'f16' });
    const jobs = [
      jobOf(problem, 'f16', 'csr'),
      jobOf(problem, 'f16', 'packed'),
      jobOf(problem, 'f16', 'dense'),
      jobOf(makeProblem({ ...shape, dtype: 'f32' }), 'f32', 'dense'),
    ];
    const reference = opNamed('spmm').reference(problem);
    const checks = jobs.slice(0, 3).map(({ job }) => checkAnswer(reference, native.answer(job)));
    if (checks.some(({ ok }) => !ok)) throw new Error(`${layer} at density ${density}: wrong answer`);
    const sample = new Float64Array(1);
    for (let round = 0; round < rounds; round += 1) {
      for (const { job, evaluations, samples } of jobs) {
        native.time(job, 1, evaluations, sample);
        samples.push(sample[0]);
      }
    }
    const [csr, packed, half, single] = jobs.map(({ samples }) => median(samples));
    columns.get(density).csr.push(half / csr);
    columns.get(density).packed.push(half / packed);
    dense.push(single / half);
    const rate = (timeNs, share) => ((2 * m * k * n * share) / timeNs).toFixed(0);
    const [ofCsr, ofPacked, ofDense] = checks.map(({ maxAbsError }) => maxAbsError.toPrecision(2));
    console.log(
      `${layer.padEnd(14)} ${`${m}x${k}x${n}`.padEnd(13)} ${(1 - density).toFixed(2)}  csr ${(half / csr).toFixed(2).padStart(6)}x  packed ${(half / packed).toFixed(2).padStart(6)}x   useful GFLOP/s: ${rate(csr, density).padStart(5)}, ${rate(packed, density).padStart(5)}; dense: f16 ${rate(half, 1)}, f32 ${rate(single, 1)}; largest error ${ofCsr}, ${ofPacked}, dense ${ofDense}`,
    );
  }
}
const summary = (ratios) => `geomean ${geomean(ratios).toFixed(2)}, least ${Math.min(...ratios).toFixed(2)}`;
for (const [density, ratios] of columns) {
  for (const format of ['csr', 'packed']) {
    console.log(`sparsity ${(1 - density).toFixed(2)}: ${format} over dense, both f16: ${summary(ratios[format])}`);
  }
}
console.log(`dense f16 over dense f32: ${summary(dense)}`);
