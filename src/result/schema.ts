/**
 * The lines of a result file as zod schemas: they are the format, and `results/schema.json` is generated from them.
 * They mirror the nouns of terms.ts (a test compares the types) and bound what an untrusted file may hold.
 */
import { z } from 'zod';
import type { AcceleratorRecord, EstimateRecord } from '../terms/estimates.ts';
import type { Measurement, Result, RunHeader, WorkloadRecord } from '../terms.ts';
import { acceleratorFields, estimateFields } from './estimate-schema.ts';
import {
  amount,
  count,
  hash,
  id,
  key,
  limits,
  list,
  name,
  optionalName,
  positive,
  positiveCount,
  shape,
  share,
  text,
  time,
} from './field.ts';

export { limits } from './field.ts';

/** Version of the result file: 2 may hold estimates. A reader refuses a newer one. */
export const schemaVersion = 2;

const dtype = z.enum(['f32', 'bf16', 'f16', 'int8']);
const work = z.strictObject({ usefulFlops: amount, denseFlops: amount, operandBytes: amount });
const pattern = z.strictObject({
  name,
  parameters: z.record(key, z.union([text, z.number(), z.boolean()])),
  label: name,
});

const kernel = z.strictObject({
  index: count,
  name,
  op: name,
  dtype,
  format: name,
  isa: name,
  maxThreads: count,
  dense: z.boolean(),
});

const library = z.strictObject({
  name,
  version: optionalName,
  config: text,
  sha256: hash,
  formats: list(name),
  kernels: list(kernel),
});

const ceilings = z.strictObject({
  threads: positiveCount,
  fmaGflops: amount,
  l1GBs: amount,
  l2GBs: amount,
  l3GBs: amount,
  dramGBs: amount,
  gatherGelems: amount.nullable(),
});

const machine = z.strictObject({
  hostname: optionalName,
  os: optionalName,
  kernelRelease: optionalName,
  arch: name,
  cpuBrand: optionalName,
  cpuModel: optionalName,
  isa: list(name),
  cpuFlags: list(name),
  cores: positiveCount,
  smt: z.boolean().nullable(),
  hypervisor: optionalName.nullable(),
  memoryBytes: count,
  caches: z.strictObject({ l1dBytes: count, l2Bytes: count, l3Bytes: count }),
  governor: optionalName.nullable(),
  turbo: z.boolean().nullable(),
  load1: amount,
  stealShare: share.nullable(),
  cgroupCpus: amount.nullable(),
  transparentHugePages: optionalName.nullable(),
  clockResolutionNs: amount,
  node: name,
  ceilings: list(ceilings),
  fingerprint: name,
});

const build = z.strictObject({
  origin: name,
  sha256: hash,
  compiler: optionalName,
  flags: text,
  type: optionalName,
  sanitizer: optionalName,
  version: optionalName,
  gitCommit: optionalName.nullable(),
  gitDirty: z.boolean().nullable(),
});

const health = z.strictObject({
  library: name,
  kernel: name,
  isa: name,
  gflops: amount,
  ofBest: amount,
  ofPeak: amount,
  healthy: z.boolean(),
});

const protocol = z.strictObject({
  threads: list(positiveCount),
  pinnedCpus: list(count),
  budgetSeconds: amount,
  targetHalfWidth: amount,
  minSamples: count,
  maxSamples: count,
  batchTargetNs: amount,
  orderSeed: count,
  filter: text.nullable(),
  // Results of before these fields could not say them.
  isa: name.nullable().default(null),
  formats: list(name).nullable().default(null),
  tuned: z.boolean().exactOptional(),
  shard: z.strictObject({ index: positiveCount, count: positiveCount, total: positiveCount }).exactOptional(),
});

const suite = z.strictObject({
  name,
  version: name,
  description: text,
  released: z.boolean(),
  digest: hash,
  formats: z.record(key, list(name)),
  refine: z.boolean(),
  workloadCount: count,
});

/** Fields of the header; the line adds its kind. */
export const runHeaderSchema = z.strictObject({
  schemaVersion: z.int().min(1).max(schemaVersion),
  runId: name,
  startedAt: time,
  command: text,
  suite,
  machine,
  build,
  libraries: list(library),
  health: list(health),
  protocol,
});

/** Fields of a workload's record. */
export const workloadRecordSchema = z.strictObject({
  id,
  op: name,
  dtype,
  shape,
  cache: z.enum(['hot', 'cold']),
  pattern,
  density: share,
  activationDensity: share.exactOptional(),
  seed: count,
  layer: optionalName,
  count: positiveCount,
  place: count.exactOptional(),
  nnz: count,
  work: work.exactOptional(),
  achievedDensity: share,
  statistics: z.strictObject({ rowCv: amount, colCv: amount, maxRowNonzeros: count, emptyRows: count }),
  digest: hash,
  quality: z.strictObject({ model: name, metric: name, value: z.number() }).nullable(),
});

const caseFields = {
  id,
  workload: id,
  library: name,
  kernel: name,
  format: name,
  isa: name,
  threads: positiveCount,
  dense: z.boolean(),
};

const measuredFields = {
  ...caseFields,
  status: z.literal('measured'),
  // The door: no passed check, no time.
  check: z.strictObject({ worstRatio: share, maxAbsError: amount }),
  footprint: z.strictObject({ payloadBytes: count, metadataBytes: count, paddingBytes: count }),
  encodeNs: amount,
  prepareNs: amount,
  evaluationsPerSample: positiveCount,
  samplesNs: z.array(positive).min(1).max(limits.samples),
  rounds: z.array(count).min(1).max(limits.samples),
  warmup: z.strictObject({ batches: count, settled: z.boolean() }),
  copies: positiveCount,
  tiling: text,
};
const wrongFields = {
  ...caseFields,
  status: z.literal('wrong'),
  worst: z.strictObject({
    row: count,
    col: count,
    expected: z.number(),
    actual: z.number().nullable(),
    tolerance: amount,
  }),
  detail: text,
};
const unsupportedFields = { ...caseFields, status: z.literal('unsupported'), reason: text };
const failedFields = { ...caseFields, status: z.literal('failed'), reason: text, detail: text };

/** What became of one case: a union on `status`, so that only a passed check carries times. */
export const measurementSchema = z.discriminatedUnion('status', [
  z.strictObject(measuredFields),
  z.strictObject(wrongFields),
  z.strictObject(unsupportedFields),
  z.strictObject(failedFields),
]);

const kind = <Kind extends string>(value: Kind) => ({ kind: z.literal(value) });
const endFields = { endedAt: time, complete: z.boolean(), stopReason: text, elapsedSeconds: amount };
export const endSchema = z.strictObject(endFields);

/** One line of a result file. */
export const lineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...kind('run'), ...runHeaderSchema.shape }),
  z.strictObject({ ...kind('workload'), ...workloadRecordSchema.shape }),
  z.discriminatedUnion('status', [
    z.strictObject({ ...kind('measurement'), ...measuredFields }),
    z.strictObject({ ...kind('measurement'), ...wrongFields }),
    z.strictObject({ ...kind('measurement'), ...unsupportedFields }),
    z.strictObject({ ...kind('measurement'), ...failedFields }),
  ]),
  z.strictObject({ ...kind('finished'), workload: id, elapsedSeconds: amount }),
  z.strictObject({ ...kind('accelerator'), ...acceleratorFields }),
  z.strictObject({ ...kind('estimate'), ...estimateFields }),
  z.strictObject({ ...kind('end'), ...endFields }),
]);

/** The end of a finished run. */
export type RunEnd = NonNullable<Result['end']>;

/** One line of a result file or of its journal. */
export type ResultLine =
  | ({ readonly kind: 'run' } & RunHeader)
  | ({ readonly kind: 'workload' } & WorkloadRecord)
  | ({ readonly kind: 'measurement' } & Measurement)
  | { readonly kind: 'finished'; readonly workload: string; readonly elapsedSeconds: number }
  | ({ readonly kind: 'accelerator' } & AcceleratorRecord)
  | ({ readonly kind: 'estimate' } & EstimateRecord)
  | ({ readonly kind: 'end' } & RunEnd);

/** The JSON Schema (draft 2020-12) of one line; committed as results/schema.json. */
export function lineJsonSchema(): Record<string, unknown> {
  return {
    title: 'One line of a sparsemark result file (JSON Lines)',
    ...z.toJSONSchema(lineSchema, { io: 'input' }),
  };
}
