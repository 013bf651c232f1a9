/**
 * The process that one kernel library is loaded in. It obeys one request at a time; the parent sees to it that no
 * two workers ever measure at once. A crash here costs one workload.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type JobHandle, type LibraryHandle, loadNative, type MatrixHandle } from '../native.ts';
import { isSteady } from '../statistics.ts';
import type { Conv, Dtype, Library } from '../terms.ts';
import { checkAnswer } from '../workload/ops/index.ts';
import type {
  Answers,
  FinishRequest,
  LoadRequest,
  OpenRequest,
  Reply,
  Request,
  SampleRequest,
  StartRequest,
} from './requests.ts';

/** A case between `start` and `finish`. */
interface StartedCase {
  readonly job: JobHandle;
  readonly copies: number;
  readonly evaluations: number;
  readonly warmups: number;
  /** Of a case with a plan, whose encoding is its own. */
  readonly encoding: string | null;
}

const { native } = loadNative();
let library: LibraryHandle | undefined;
let problem: LoadRequest | undefined;
/** Encoded once per format; the copies beyond the first are there for cold cases. */
let encoded = new Map<string, { copies: MatrixHandle[]; encodeNs: number }>();
let cases = new Map<string, StartedCase>();

const dtypes: ReadonlySet<string> = new Set<Dtype>(['f32', 'bf16', 'f16', 'int8']);

/** Untimed time before each hot sample: brings the operands back and wakes a sleeping core. */
const rewarmNs = 50_000;
/** Encoding is repeated for its fastest time, but not beyond this time. */
const encodeRepeats = 3;
const encodeBudgetNs = 100e6;

function digestOfFiles(...paths: string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest('hex');
}

function open(request: OpenRequest): Answers['open'] {
  const pinned = native.becomeWorker(request.cpus, request.memoryLimitBytes);
  library = native.openLibrary(request.path);
  const { name, version, config, formats, kernels } = native.describeLibrary(library);
  // A backend names the file that it opened at run time; its bytes decide what was measured.
  const opened = /\bfile (\/\S+)/.exec(config)?.[1];
  const sha256 = digestOfFiles(request.path, ...(opened === undefined ? [] : [opened]));
  // Kernels of data types that no suite can ask for are left out; the index keeps each kernel's own place.
  const known = kernels
    .filter((kernel): kernel is typeof kernel & { dtype: Dtype } => dtypes.has(kernel.dtype))
    .map(({ knobs: _, ...kernel }) => kernel);
  const knobs = new Map(
    kernels.filter((kernel) => kernel.knobs !== '').map((kernel) => [kernel.index, kernel.knobs]),
  );
  const described: Library = {
    name: request.name ?? name,
    version,
    config,
    sha256,
    formats,
    kernels: known,
  };
  return { library: described, pinned, knobs };
}

function load(request: LoadRequest): null {
  for (const { job } of cases.values()) native.release(job);
  for (const { copies } of encoded.values()) for (const copy of copies) native.release(copy);
  cases = new Map();
  encoded = new Map();
  problem = request;
  return null;
}

/** In the order of `sparsemark_conv`. */
function geometryOf(conv: Conv): Int32Array {
  const { batch, channels, height, width, kernelHeight, kernelWidth, stride, padding, outHeight, outWidth } =
    conv;
  return Int32Array.of(
    ...[batch, channels, height, width, kernelHeight, kernelWidth, stride, padding, outHeight, outWidth],
  );
}

/** What a case is encoded as: a format, or for a kernel with a plan what the library makes of both. */
type Encoding = Pick<StartRequest, 'format' | 'kernel' | 'plan'>;

function encode({ format, kernel, plan }: Encoding): MatrixHandle {
  const { a, shape, dtype } = problem!;
  if (plan !== undefined) {
    const { rowOffsets, colIndices, values } = a;
    return native.encodePlanned(library!, kernel, plan, shape.m, shape.k, rowOffsets, colIndices, values);
  }
  return native.encode(library!, format, dtype, shape.m, shape.k, a.rowOffsets, a.colIndices, a.values);
}

function encodingName({ format, kernel, plan }: Encoding): string {
  return plan === undefined ? format : `${format} of kernel ${kernel} with ${plan}`;
}

function encodedAs(encoding: Encoding): { copies: MatrixHandle[]; encodeNs: number } {
  let entry = encoded.get(encodingName(encoding));
  if (entry === undefined) {
    const copies = [encode(encoding)];
    let encodeNs = native.describeMatrix(copies[0]!).encodeNs;
    for (let i = 1, spent = encodeNs; i < encodeRepeats && spent + encodeNs < encodeBudgetNs; i += 1) {
      const again = encode(encoding);
      const { encodeNs: ns } = native.describeMatrix(again);
      native.release(again);
      encodeNs = Math.min(encodeNs, ns);
      spent += ns;
    }
    entry = { copies, encodeNs };
    encoded.set(encodingName(encoding), entry);
  }
  return entry;
}

function oneSample(job: JobHandle, warmups: number, evaluations: number): number {
  const sample = new Float64Array(1);
  native.time(job, warmups, evaluations, sample);
  return sample[0]!;
}

/** Evaluations that fill a batch. Believed only once two batches in a row were long enough. */
function calibrate(job: JobHandle, batchTargetNs: number): number {
  let evaluations = 1;
  for (let believed = 0; believed < 2; ) {
    const ns = oneSample(job, 0, evaluations) * evaluations;
    if (ns >= batchTargetNs) {
      believed += 1;
    } else {
      believed = 0;
      const factor = ns <= 0 ? 16 : Math.min(16, (1.1 * batchTargetNs) / ns);
      evaluations = Math.max(evaluations + 1, Math.ceil(evaluations * factor));
    }
  }
  return evaluations;
}

function check(job: JobHandle): ReturnType<typeof checkAnswer> {
  return checkAnswer(problem!.reference, native.answer(job));
}

function wrong(
  found: ReturnType<typeof checkAnswer>,
  when: string,
): Extract<Answers['start'], { status: 'wrong' }> {
  const worst = found.worst ?? { row: 0, col: 0, expected: 0, actual: null, tolerance: 0 };
  const got = worst.actual === null ? 'no finite number' : String(worst.actual);
  const detail = `${when}: expected ${worst.expected} +- ${worst.tolerance} at row ${worst.row}, column ${worst.col}, received ${got}`;
  return { status: 'wrong', worst, detail };
}

function start(request: StartRequest): Answers['start'] {
  const { op, shape, operands } = problem!;
  const { copies, encodeNs } = encodedAs(request);
  const { payloadBytes, metadataBytes, paddingBytes } = native.describeMatrix(copies[0]!);
  if (request.cache === 'cold') {
    const bytes = Math.max(1, payloadBytes + metadataBytes + paddingBytes);
    const wanted = Math.min(4096, Math.max(2, Math.floor(request.coldBytes / bytes) + 1));
    while (copies.length < wanted) copies.push(encode(request));
  }
  const used = request.cache === 'cold' ? copies : copies.slice(0, 1);
  // An op that makes a matrix takes none; what it makes is as large as what encoding made.
  const makes = op === 'encode' || op === 'prune';
  const job = native.prepare(library!, makes ? [] : used, request.kernel, {
    ...operands,
    ...(shape.conv === undefined ? {} : { conv: geometryOf(shape.conv) }),
    n: shape.n,
    threads: request.threads,
    ...(request.plan === undefined ? {} : { plan: request.plan }),
    ...(makes ? { rows: shape.m, cols: shape.k, keep: operands.keep ?? 0 } : {}),
  });
  try {
    const first = check(job);
    if (!first.ok) {
      native.release(job);
      return wrong(first, 'before timing');
    }
    const evaluations = request.evaluations ?? calibrate(job, request.batchTargetNs);
    const batches: number[] = [];
    let settled = false;
    while (!settled && batches.length < request.maxWarmupBatches) {
      batches.push(oneSample(job, 0, evaluations));
      settled = isSteady(batches);
    }
    const evaluationNs = Math.max(1, Math.min(...batches));
    const warmups = request.cache === 'hot' ? Math.max(1, Math.ceil(rewarmNs / evaluationNs)) : 1;
    const encoding = request.plan === undefined ? null : encodingName(request);
    cases.set(request.key, { job, copies: used.length, evaluations, warmups, encoding });
    const { tiling, prepareNs } = native.describeJob(job);
    return {
      status: 'started',
      check: { worstRatio: first.worstRatio, maxAbsError: first.maxAbsError },
      footprint: { payloadBytes, metadataBytes, paddingBytes },
      encodeNs,
      prepareNs,
      evaluationsPerSample: evaluations,
      warmup: { batches: batches.length, settled },
      copies: makes ? 1 : used.length,
      tiling: request.plan === undefined ? tiling : `tuned (${request.plan}): ${tiling}`,
    };
  } catch (error) {
    native.release(job);
    throw error;
  }
}

function sample(request: SampleRequest): number {
  const { job, warmups, evaluations } = cases.get(request.key)!;
  return oneSample(job, warmups, evaluations);
}

/** Frees an encoding that no other case has; a search for a plan makes dozens. */
function forget(encoding: string | null): void {
  if (encoding === null || [...cases.values()].some((other) => other.encoding === encoding)) return;
  for (const copy of encoded.get(encoding)?.copies ?? []) native.release(copy);
  encoded.delete(encoding);
}

/** A kernel that stops computing once the first check has passed is caught here. */
function finish(request: FinishRequest): Answers['finish'] {
  const started = cases.get(request.key);
  if (started === undefined) return null;
  cases.delete(request.key);
  try {
    const again = check(started.job);
    return again.ok ? null : wrong(again, 'after timing');
  } finally {
    native.release(started.job);
    forget(started.encoding);
  }
}

function serve(request: Request): unknown {
  switch (request.kind) {
    case 'open':
      return open(request);
    case 'load':
      return load(request);
    case 'start':
      return start(request);
    case 'sample':
      return sample(request);
    case 'finish':
      return finish(request);
  }
}

process.on('message', ({ id, request }: { id: number; request: Request }) => {
  let reply: Reply;
  try {
    reply = { id, ok: true, value: serve(request) };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    reply = { id, ok: false, code: code ?? 'INTERNAL', message };
  }
  process.send!(reply);
});
// Ctrl-C reaches the whole process group; the parent decides when a worker ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
