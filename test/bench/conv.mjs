// Sparse convolution without im2col on ResNet-50's 3 x 3 layers: against the best of our products on the matrix that
// im2col would make (its making not counted), and against the fastest dense convolution. All in turns, in one process.
//   goal: the direct convolution takes no longer than the product, at sparsity 0.8, 0.9 and 0.95
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadNative } from '../../dist/native.js';
import { median } from '../../dist/statistics.js';
import { opNamed } from '../../dist/workload/ops/index.js';
import { makeProblem } from '../../dist/workload/problem.js';
import { geomean, workloadOf } from './cells.mjs';

// Filters, channels, height, width, kernel, stride, padding.
const layers = [
  [64, 64, 56, 56, 3, 1, 1],
  [128, 128, 28, 28, 3, 1, 1],
  [256, 256, 14, 14, 3, 1, 1],
  [512, 512, 7, 7, 3, 1, 1],
  [128, 128, 56, 56, 3, 2, 1],
];
const densities = [0.2, 0.1, 0.05];
const rounds = 15;
const sampleNs = 3e6;

const op = opNamed('conv2d');

// The jobs of one op in the widest instruction set.
function jobsOf({ native, libraries, isa }, name, formats, a, operands) {
  return libraries.flatMap((library) => {
    const described = native.describeLibrary(library);
    return described.kernels
      .filter((kernel) => kernel.op === name && kernel.dtype === 'f32' && formats.includes(kernel.format))
      .filter((kernel) => kernel.isa === isa || kernel.isa === 'auto')
      .map((kernel) => {
        const matrix = native.encode(library, kernel.format, 'f32', a.rows, a.cols, a.rowOffsets, a.colIndices, a.values);
        const job = native.prepare(library, [matrix], kernel.index, operands);
        const first = new Float64Array(1);
        native.time(job, 1, 1, first);
        const evaluations = Math.max(1, Math.round(sampleNs / first[0]));
        return { name: `${described.name}-${kernel.name}`, op: name, dense: kernel.dense, job, evaluations, samples: [] };
      });
  });
}

// Returns the product's time over the direct convolution's: geomean and least of all layers and sparsities.
export function convTable() {
  const { native, folder } = loadNative();
  const libraries = ['native', 'onednn']
    .map((name) => join(folder, `libsparsemark-${name}.so`))
    .filter(existsSync)
    .map((path) => native.openLibrary(path));
  const [isa] = ['avx512', 'neon', 'avx2', 'scalar'].filter((name) =>
    native.describeLibrary(libraries[0]).kernels.some((kernel) => kernel.isa === name),
  );
  const opened = { native, libraries, isa };

  const ratios = [];
  for (const sizes of layers) {
    for (const density of densities) {
      const shape = op.shapeOf(sizes);
      const { m, k, n } = shape;
      const product = workloadOf({ layer: op.shapeText(shape), m, k, n, density });
      const { a, operands } = makeProblem({ ...product, op: op.name, shape });
      const conv = Int32Array.from(Object.values(shape.conv));
      const jobs = [
        ...jobsOf(opened, 'spmm', ['csr', 'packed'], a, { n, threads: 1, b: makeProblem(product).operands.b }),
        ...jobsOf(opened, 'conv2d', ['csr', 'packed', 'dense'], a, { n, threads: 1, b: operands.b, conv }),
      ];
      const sample = new Float64Array(1);
      for (let round = 0; round < rounds; round += 1) {
        for (const { job, evaluations, samples } of jobs) {
          native.time(job, 1, evaluations, sample);
          samples.push(sample[0]);
        }
      }
      const timed = jobs.map((job) => ({ ...job, timeNs: median(job.samples) }));
      const fastest = (wanted) => timed.filter(wanted).sort((one, other) => one.timeNs - other.timeNs)[0];
      const lowered = fastest((job) => job.op === 'spmm');
      const direct = fastest((job) => job.op === 'conv2d' && !job.dense);
      const dense = fastest((job) => job.dense);
      ratios.push(lowered.timeNs / direct.timeNs);
      console.log(
        `${op.shapeText(shape).padEnd(22)} ${(1 - density).toFixed(2)}  ${lowered.name} product / ${direct.name} direct ${(lowered.timeNs / direct.timeNs).toFixed(2)}; over ${dense.name} ${(dense.timeNs / direct.timeNs).toFixed(2)}`,
      );
    }
  }
  const [overProduct, least] = [geomean(ratios), Math.min(...ratios)];
  console.log(`product / direct: geomean ${overProduct.toFixed(2)}, least ${least.toFixed(2)} (goal 1)`);
  return { overProduct, least };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) convTable();
