/** What the parent asks of a worker and what it answers. Both sides import these types; nothing else. */
import type {
  CacheState,
  Check,
  Csr,
  Dtype,
  Footprint,
  Library,
  Operands,
  OpName,
  Reference,
  Shape,
  Wrong,
} from '../terms.ts';

/** Opens a kernel library: the first request of a worker. */
export interface OpenRequest {
  readonly kind: 'open';
  /** Path of the shared library, or of an engine's main file. */
  readonly path: string;
  /** The JavaScript engine of `backends/index.ts` that is found there; absent: a shared library. */
  readonly engine?: string;
  /** What to call it in case ids instead of its own name; null: its own. */
  readonly name: string | null;
  /** CPUs to pin to; empty for none. */
  readonly cpus: readonly number[];
  readonly memoryLimitBytes: number;
}

/** Hands over a problem; the one before it is forgotten. */
export interface LoadRequest {
  readonly kind: 'load';
  readonly shape: Shape;
  readonly op: OpName;
  readonly dtype: Dtype;
  readonly a: Csr;
  readonly operands: Operands;
  readonly reference: Reference;
}

/** Encodes, prepares, checks the answer, finds the batch size and warms up. */
export interface StartRequest {
  readonly kind: 'start';
  readonly key: string;
  readonly kernel: number;
  readonly format: string;
  readonly threads: number;
  readonly cache: CacheState;
  /** Bytes that the rotating copies must exceed together when cold. */
  readonly coldBytes: number;
  readonly batchTargetNs: number;
  /** Evaluations of a batch; absent: as many as fill one. */
  readonly evaluations?: number;
  /**
   * Nanoseconds of a sample that has several batches and is their lower quartile; absent: a sample is one batch.
   * Where it is there and `batches` too, that many are taken.
   */
  readonly sampleTargetNs?: number;
  readonly batches?: number;
  /** How often encoding is repeated for its fastest time; absent: as the worker does. */
  readonly encodeRepeats?: number;
  /** Makes every timed evaluation longer by this share, 0.05 for 5 %: only how the gate of `compare` tests itself. */
  readonly injectedSlowdown?: number;
  readonly maxWarmupBatches: number;
  /** A plan for a kernel with knobs; absent: the library's own. */
  readonly plan?: string;
}

/** Takes one sample of a started case. */
export interface SampleRequest {
  readonly kind: 'sample';
  readonly key: string;
}

/** Checks the answer and the guards once more, after timing; frees the case. */
export interface FinishRequest {
  readonly kind: 'finish';
  readonly key: string;
}

export type Request = OpenRequest | LoadRequest | StartRequest | SampleRequest | FinishRequest;

/** A case that is ready to be timed. */
export interface Started {
  readonly status: 'started';
  readonly check: Check;
  readonly footprint: Footprint;
  readonly encodeNs: number;
  readonly prepareNs: number;
  readonly evaluationsPerSample: number;
  /** Batches of `evaluationsPerSample` evaluations whose lower quartile a sample is; 1: it is a batch. */
  readonly batchesPerSample: number;
  readonly warmup: { readonly batches: number; readonly settled: boolean };
  readonly copies: number;
  readonly tiling: string;
}

/** A case that ends before it has a time. */
export type Refused =
  | { readonly status: 'wrong'; readonly worst: Wrong['worst']; readonly detail: string }
  | { readonly status: 'unsupported'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string; readonly detail: string };

/** What each request is answered with. */
export interface Answers {
  /** `knobs`: what can be chosen of a kernel's plan, by its index; kernels that plan by themselves alone are missing. */
  readonly open: {
    readonly library: Library;
    readonly pinned: boolean;
    readonly knobs: ReadonlyMap<number, string>;
  };
  readonly load: null;
  readonly start: Started | Refused;
  readonly sample: number;
  /** null: still right. */
  readonly finish: Refused | null;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };
