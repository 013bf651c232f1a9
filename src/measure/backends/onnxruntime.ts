/**
 * ONNX Runtime (onnxruntime.ai) by its Node package `onnxruntime-node`, which a user may have: dense products of
 * float32. Used as its documentation advises: one session a matrix with the weights as a constant of the model, which
 * it packs beforehand, all graph optimisations, and outputs that are allocated once.
 *
 * What is timed is `session.run` as a program calls it: checks of its arguments, a turn of Node's event loop and the
 * way through the binding included: 27 to 78 us a call for a product of 2 x 3 x 4 on a Zen 3. That is what a user pays.
 */
import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadNative } from '../../native.ts';
import type { Csr } from '../../terms.ts';
import {
  type Backend,
  type BackendJob,
  BackendRefusal,
  type EncodedMatrix,
  type JobRequest,
  type OfferedKernel,
} from './backend.ts';
import { type OnnxNode, onnxModel } from './onnx-model.ts';

/** What is used of the package; its own types are not there where it is not. */
interface OnnxRuntime {
  readonly env?: { readonly versions?: { readonly node?: string } };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<Session>;
  };
}
interface Session {
  run(feeds: Record<string, object>, fetches: Record<string, object>): Promise<unknown>;
  release(): Promise<void>;
}

/** Protobuf holds no message of 2 GiB. */
const mostModelBytes = 2 ** 31 - 2 ** 16;
/** Idle threads of a session spin as long as those of our own team, or they would slow what is measured next. */
const spinMicroseconds = '20';
/** Floats before and after C that nobody may write: 64 bytes each. */
const guardFloats = 16;
const guardValue = 1.5e38;

/** How C = A B is put to it: as nodes from the input X to the output C, with the shapes that the two have there. */
interface Form {
  readonly name: string;
  nodes(columns: number): readonly OnnxNode[];
  /** Whether X and C of one column are a row, which are the same bytes. */
  readonly rows: boolean;
}

const forms: readonly Form[] = [
  // The product as it stands. Only a constant on the right is packed beforehand, and this one is on the left.
  { name: 'dense-matmul', nodes: () => [{ op: 'MatMul', inputs: ['A', 'X'], output: 'C' }], rows: false },
  // C^T = X^T A^T with A^T packed beforehand. X is read as it lies; C^T is transposed, inside the clock. The two
  // were within 5 % of each other on eight of nine shapes (Zen 3, one thread; 512 x 512 x 256: 9 %), this one ahead at
  // n = 8. With X transposed by a node of its own it took 1.05 to 1.33 times as long on seven of them, 0.92 on the best.
  {
    name: 'dense-packed',
    nodes: (columns) =>
      columns === 1
        ? [{ op: 'Gemm', inputs: ['X', 'A'], output: 'C', attributes: { transB: 1 } }]
        : [
            { op: 'Gemm', inputs: ['X', 'A'], output: 'turned', attributes: { transA: 1, transB: 1 } },
            { op: 'Transpose', inputs: ['turned'], output: 'C', attributes: { perm: [1, 0] } },
          ],
    rows: true,
  },
];

const kernels = (['spmm', 'spmv'] as const)
  .flatMap((op) => forms.map(({ name }) => ({ op, name })))
  .map(
    ({ op, name }, index): OfferedKernel => ({
      index,
      name,
      op,
      dtype: 'f32',
      format: 'dense',
      isa: 'auto',
      maxThreads: 0,
      dense: true,
    }),
  );

interface DenseMatrix extends EncodedMatrix {
  /** Row-major rows x cols. */
  readonly values: Float32Array;
}

const now = (): number => Number(process.hrtime.bigint());

/** Calls, and says in the backend's own words what was thrown. */
async function guarded<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { message } = error as Error;
    const memory = /bad_alloc|allocate|out of memory/i.test(message);
    throw new BackendRefusal(
      memory ? 'OUT_OF_MEMORY' : 'BAD_LIBRARY',
      `ONNX Runtime cannot ${what}: ${message}`,
      {
        cause: error,
      },
    );
  }
}

function encode(a: Csr): DenseMatrix {
  const begin = now();
  const values = loadNative().native.alignedFloats(a.rows * a.cols);
  for (let i = 0; i < a.rows; i += 1) {
    for (let p = a.rowOffsets[i]!; p < a.rowOffsets[i + 1]!; p += 1) {
      values[i * a.cols + a.colIndices[p]!] = a.values[p]!;
    }
  }
  const payloadBytes = 4 * a.values.length;
  return {
    values,
    footprint: { payloadBytes, metadataBytes: 0, paddingBytes: 4 * values.length - payloadBytes },
    encodeNs: now() - begin,
    release: () => {},
  };
}

/** B and C where the job reads and writes them, with what is needed to see that it does nothing else. */
function bindOperands(given: Float32Array, outputs: number) {
  const { native } = loadNative();
  const b = native.alignedFloats(given.length);
  b.set(given);
  const guarded = native.alignedFloats(outputs + 2 * guardFloats);
  const c = guarded.subarray(guardFloats, guardFloats + outputs);
  const isGuard = (value: number): boolean => value === Math.fround(guardValue);
  return {
    b,
    c,
    spoil: () => {
      guarded.fill(guardValue);
      c.fill(Number.NaN);
    },
    check: (kernel: string) => {
      const whole = guarded.subarray(0, guardFloats).every(isGuard);
      if (!whole || !guarded.subarray(guardFloats + outputs).every(isGuard)) {
        throw new BackendRefusal(
          'BAD_LIBRARY',
          `Expected writes inside of C for kernel ${kernel} of onnxruntime, received others. Report it to its makers.`,
        );
      }
      if (Buffer.compare(bytesOf(b), bytesOf(given)) !== 0) {
        throw new BackendRefusal(
          'BAD_LIBRARY',
          `Expected an untouched B for kernel ${kernel} of onnxruntime, received a changed one. Report it to its makers.`,
        );
      }
    },
  };
}

const bytesOf = (floats: Float32Array): Uint8Array =>
  new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);

async function prepare(
  runtime: OnnxRuntime,
  matrices: readonly DenseMatrix[],
  kernelIndex: number,
  { shape, operands, threads }: JobRequest,
): Promise<BackendJob> {
  const { m, k, n } = shape;
  const kernel = kernels[kernelIndex]!;
  const form = forms.find(({ name }) => name === kernel.name)!;
  if (4 * m * k > mostModelBytes) {
    throw new BackendRefusal('UNSUPPORTED', 'a model holds at most 2 GiB of weights');
  }
  const { b, c, spoil, check } = bindOperands(operands.b as Float32Array, m * n);
  const turned = form.rows && n === 1;
  const input = { name: 'X', dims: turned ? [n, k] : [k, n] };
  const output = { name: 'C', dims: turned ? [n, m] : [m, n] };
  const feeds = { X: new runtime.Tensor('float32', b, input.dims) };
  const fetches = { C: new runtime.Tensor('float32', c, output.dims) };
  const options = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { spin_duration_us: spinMicroseconds } } },
  };
  const sessions: Session[] = [];
  const release = async (): Promise<void> => {
    for (const session of sessions) await session.release();
  };
  let prepareNs = 0;
  // A product without terms or elements is none to it.
  const empty = m * n === 0 || k === 0;
  try {
    for (const { values } of empty ? [] : matrices) {
      const begin = now();
      const model = onnxModel(form.nodes(n), input, output, { name: 'A', dims: [m, k], values });
      sessions.push(await guarded('hold this matrix', () => runtime.InferenceSession.create(model, options)));
      prepareNs = sessions.length === 1 ? now() - begin : prepareNs;
    }
  } catch (error) {
    await release();
    throw error;
  }
  let next = 0;
  const evaluate = async (): Promise<void> => {
    if (empty) c.fill(0);
    else await sessions[next]!.run(feeds, fetches);
    next = next + 1 < sessions.length ? next + 1 : 0;
  };
  return {
    tiling: '',
    prepareNs,
    answer: async () => {
      spoil();
      await guarded('compute this product', evaluate);
      check(kernel.name);
      return c.slice();
    },
    time: (warmups, evaluations) =>
      guarded('compute this product', async () => {
        for (let i = 0; i < warmups; i += 1) await evaluate();
        const begin = now();
        for (let i = 0; i < evaluations; i += 1) await evaluate();
        return (now() - begin) / evaluations;
      }),
    release,
  };
}

/** The package's binaries for this machine; none where it keeps them elsewhere. */
function binariesBeside(entry: string): string[] {
  const folder = join(dirname(dirname(entry)), 'bin');
  const here = join(process.platform, process.arch);
  try {
    return (readdirSync(folder, { recursive: true }) as string[])
      .filter((name) => dirname(name).endsWith(here) && /onnxruntime/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Opens the package by the path of its main file. Throws BAD_LIBRARY. */
export async function openOnnxRuntime(path: string): Promise<Backend> {
  let runtime: OnnxRuntime;
  try {
    runtime = ((await import(pathToFileURL(path).href)) as { default: OnnxRuntime }).default;
  } catch (error) {
    throw new BackendRefusal(
      'BAD_LIBRARY',
      `Expected the package onnxruntime-node for onnxruntime, received one that cannot be loaded: ${(error as Error).message}. Install it again: npm install onnxruntime-node.`,
      { cause: error },
    );
  }
  if (typeof runtime.InferenceSession?.create !== 'function' || typeof runtime.Tensor !== 'function') {
    throw new BackendRefusal(
      'BAD_LIBRARY',
      `Expected InferenceSession and Tensor in ${path} for onnxruntime, received a module without them. Install it again: npm install onnxruntime-node.`,
    );
  }
  const binaries = binariesBeside(path);
  return {
    name: 'onnxruntime',
    version: runtime.env?.versions?.node ?? 'unknown',
    config: `core its own choice; threads own; called from JavaScript; file ${binaries[0] ?? resolve(path)}`,
    files: [path, ...binaries],
    formats: ['dense'],
    kernels,
    encode: (_, __, a) => encode(a),
    prepare: (matrices, kernelIndex, request) =>
      prepare(runtime, matrices as readonly DenseMatrix[], kernelIndex, request),
  };
}
