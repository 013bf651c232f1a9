/**
 * The process that one kernel library or JavaScript engine is loaded in. It obeys one request at a time; the parent sees to it that no
 * two workers ever measure at once. A crash here costs one workload.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadNative } from '../native.ts';
import { isSteady, quantile } from '../statistics.ts';
import type { Sampling } from '../terms/comparison.ts';
import type { Dtype, Library } from '../terms.ts';
import { checkAnswer } from '../workload/ops/index.ts';
import {
  type Backend,
  BackendGone,
  type BackendJob,
  type EncodedMatrix,
  type OfferedKernel,
} from './backends/backend.ts';
import { openBackend } from './backends/index.ts';
import { openRunner, type Runner } from './backends/runner.ts';
import type {
  Answers,
  FinishRequest,
  LoadRequest,
  OpenRequest,
  Reply,
  Request,
  SampleRequest,
  SamplingTargets,
  StartRequest,
  TurnsRequest,
} from './requests.ts';

/** A case between `start` and `finish`. */
interface StartedCase {
  readonly job: BackendJob;
  readonly copies: number;
  readonly evaluations: number;
  readonly warmups: number;
  readonly sampling: Sampling | null;
  /** Of a case with a plan, whose encoding is its own. */
  readonly encoding: string | null;
  /** Share by which an evaluation is made longer on purpose. */
  readonly slowdown: number;
}

let backend: Backend | undefined;
/** The backend once more, where it is one. */
let runner: Runner | undefined;
let problem: LoadRequest | undefined;
/** Encoded once per format; the copies beyond the first are there for cold cases. */
let encoded = new Map<string, { copies: EncodedMatrix[]; encodeNs: number }>();
let cases = new Map<string, StartedCase>();

const dtypes: ReadonlySet<string> = new Set<Dtype>(['f32', 'bf16', 'f16', 'int8']);

/** Untimed time before each hot sample of one batch: brings the operands back and wakes a sleeping core. */
const rewarmNs = 50_000;
/** Up to this long, an evaluation is made once untimed before the batches of a turn: the other side had the caches. */
const longestRewarmedNs = 200_000;
/** Encoding is repeated for its fastest time, but not beyond this time. */
const encodeRepeats = 3;
const encodeBudgetNs = 100e6;

function digestOfFiles(...paths: string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest('hex');
}

async function open(request: OpenRequest): Promise<Answers['open']> {
  const { path, engine, memoryLimitBytes, apart } = request;
  const pinned = loadNative().native.becomeWorker(request.cpus, memoryLimitBytes);
  if (apart === undefined) backend = await openBackend(path, engine ?? null);
  else backend = runner = await openRunner({ path, memoryLimitBytes, ...apart });
  const { name, version, config, files, formats, kernels } = backend;
  const sha256 = digestOfFiles(...files);
  // Kernels of data types that no suite can ask for are left out; the index keeps each kernel's own place.
  const known = kernels
    .filter((kernel): kernel is OfferedKernel & { dtype: Dtype } => dtypes.has(kernel.dtype))
    .map(({ knobs: _, ...kernel }) => kernel);
  const knobs = new Map(
    kernels.flatMap(({ index, knobs: text = '' }) => (text === '' ? [] : [[index, text] as const])),
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

async function load(request: LoadRequest): Promise<null> {
  for (const { job } of cases.values()) await job.release();
  for (const { copies } of encoded.values()) for (const copy of copies) copy.release();
  cases = new Map();
  encoded = new Map();
  problem = request;
  await backend!.load?.(request);
  return null;
}

/** What the process had is gone with it. */
async function restart(): Promise<null> {
  cases = new Map();
  encoded = new Map();
  problem = undefined;
  await runner!.restart();
  return null;
}

/** What a case is encoded as: a format, or for a kernel with a plan what the library makes of both. */
type Encoding = Pick<StartRequest, 'format' | 'kernel' | 'plan'>;

async function encode({ format, kernel, plan }: Encoding): Promise<EncodedMatrix> {
  const { a, dtype } = problem!;
  if (plan === undefined) return backend!.encode(format, dtype, a);
  return backend!.encodePlanned!(kernel, plan, a);
}

function encodingName({ format, kernel, plan }: Encoding): string {
  return plan === undefined ? format : `${format} of kernel ${kernel} with ${plan}`;
}

async function encodedAs(
  encoding: Encoding,
  repeats: number,
): Promise<{ copies: EncodedMatrix[]; encodeNs: number }> {
  let entry = encoded.get(encodingName(encoding));
  if (entry === undefined) {
    const copies = [await encode(encoding)];
    let { encodeNs } = copies[0]!;
    for (let i = 1, spent = encodeNs; i < repeats && spent + encodeNs < encodeBudgetNs; i += 1) {
      const again = await encode(encoding);
      again.release();
      spent += again.encodeNs;
      encodeNs = Math.min(encodeNs, again.encodeNs);
    }
    entry = { copies, encodeNs };
    encoded.set(encodingName(encoding), entry);
  }
  return entry;
}

/** Batches of a sample at the least: of fewer, a lower quartile is the fastest one. */
const leastBatches = 4;

/** A sample whose batches last `batchNs` each. */
function samplingOf(
  { sampleTargetNs, turnTargetNs }: SamplingTargets,
  evaluationsPerBatch: number,
  batchNs: number,
): Sampling {
  const batchesPerTurn = Math.max(1, Math.round(turnTargetNs / batchNs));
  const turns = Math.round(sampleTargetNs / (batchNs * batchesPerTurn));
  return {
    evaluationsPerBatch,
    batchesPerTurn,
    turnsPerSample: Math.max(Math.ceil(leastBatches / batchesPerTurn), turns),
    warmupsPerTurn: batchNs < longestRewarmedNs ? evaluationsPerBatch : 0,
  };
}

/** Evaluations that fill a batch. Believed only once two batches in a row were long enough. */
async function calibrate(job: BackendJob, batchTargetNs: number): Promise<number> {
  let evaluations = 1;
  for (let believed = 0; believed < 2; ) {
    const ns = (await job.time(0, evaluations)) * evaluations;
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

async function check(job: BackendJob): Promise<ReturnType<typeof checkAnswer>> {
  return checkAnswer(problem!.reference, await job.answer());
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

async function start(request: StartRequest): Promise<Answers['start']> {
  const { op, shape, operands } = problem!;
  const { copies, encodeNs } = await encodedAs(request, request.encodeRepeats ?? encodeRepeats);
  const { footprint } = copies[0]!;
  if (request.cache === 'cold') {
    const bytes = Math.max(1, footprint.payloadBytes + footprint.metadataBytes + footprint.paddingBytes);
    const wanted = Math.min(4096, Math.max(2, Math.floor(request.coldBytes / bytes) + 1));
    const more = Array.from({ length: Math.max(0, wanted - copies.length) }, () => encode(request));
    copies.push(...(await Promise.all(more)));
  }
  const used = request.cache === 'cold' ? copies : copies.slice(0, 1);
  // An op that makes a matrix takes none; what it makes is as large as what encoding made.
  const makes = op === 'encode' || op === 'prune';
  const { threads, plan } = request;
  const job = await backend!.prepare(makes ? [] : used, request.kernel, {
    ...{ op, shape, operands, threads },
    ...(plan === undefined ? {} : { plan }),
  });
  try {
    const first = await check(job);
    if (!first.ok) {
      await job.release();
      return wrong(first, 'before timing');
    }
    const wanted = request.sampling;
    const given = wanted !== undefined && 'turnsPerSample' in wanted ? wanted : null;
    const evaluations = given?.evaluationsPerBatch ?? (await calibrate(job, request.batchTargetNs));
    const batches: number[] = [];
    let settled = false;
    while (!settled && batches.length < request.maxWarmupBatches) {
      batches.push(await job.time(0, evaluations));
      settled = isSteady(batches);
    }
    const evaluationNs = Math.max(1, Math.min(...batches));
    const warmups = request.cache === 'hot' ? Math.max(1, Math.ceil(rewarmNs / evaluationNs)) : 1;
    const sampling =
      wanted === undefined || 'turnsPerSample' in wanted
        ? given
        : samplingOf(wanted, evaluations, evaluationNs * evaluations);
    const encoding = plan === undefined ? null : encodingName(request);
    cases.set(request.key, {
      job,
      copies: used.length,
      evaluations,
      warmups,
      sampling,
      encoding,
      slowdown: request.injectedSlowdown ?? 0,
    });
    const { tiling, prepareNs } = job;
    return {
      status: 'started',
      check: { worstRatio: first.worstRatio, maxAbsError: first.maxAbsError },
      footprint,
      encodeNs,
      prepareNs,
      evaluationsPerSample: evaluations,
      sampling,
      warmup: { batches: batches.length, settled },
      copies: makes ? 1 : used.length,
      tiling: plan === undefined ? tiling : `tuned (${plan}): ${tiling}`,
    };
  } catch (error) {
    await job.release();
    throw error;
  }
}

async function sample({ key }: SampleRequest): Promise<number> {
  const { job, warmups, evaluations } = cases.get(key)!;
  return job.time(warmups, evaluations);
}

async function turns({ key, ...pair }: TurnsRequest): Promise<number | null> {
  const { job, sampling, slowdown } = cases.get(key)!;
  const batchesNs = await job.takeTurns!({ ...pair, sampling: sampling!, slowdown });
  return batchesNs === null ? null : quantile(batchesNs, 0.25);
}

/** Frees an encoding that no other case has; a search for a plan makes dozens. */
function forget(encoding: string | null): void {
  if (encoding === null || [...cases.values()].some((other) => other.encoding === encoding)) return;
  for (const copy of encoded.get(encoding)?.copies ?? []) copy.release();
  encoded.delete(encoding);
}

/** A kernel that stops computing once the first check has passed is caught here. */
async function finish(request: FinishRequest): Promise<Answers['finish']> {
  const started = cases.get(request.key);
  if (started === undefined) return null;
  cases.delete(request.key);
  try {
    const again = await check(started.job);
    return again.ok ? null : wrong(again, 'after timing');
  } finally {
    await started.job.release();
    forget(started.encoding);
  }
}

function serve(request: Request): unknown {
  switch (request.kind) {
    case 'open':
      return open(request);
    case 'load':
      return load(request);
    case 'restart':
      return restart();
    case 'start':
      return start(request);
    case 'sample':
      return sample(request);
    case 'turns':
      return turns(request);
    case 'finish':
      return finish(request);
  }
}

process.on('message', async ({ id, request }: { id: number; request: Request }) => {
  let reply: Reply;
  try {
    reply = { id, ok: true, value: await serve(request) };
  } catch (error) {
    const { code = 'INTERNAL', message } = error as Error & { code?: string };
    reply =
      error instanceof BackendGone
        ? { id, ok: false, code, message, reason: error.reason }
        : { id, ok: false, code, message };
  }
  process.send!(reply);
});
// Ctrl-C reaches the whole process group; the parent decides when a worker ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
