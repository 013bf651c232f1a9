/** What a worker measures: a provider of kernels behind one interface, whatever it is written in. */
import type { Sampling } from '../../terms/comparison.ts';
import type { Answer, Conv, Csr, Dtype, Footprint, Kernel, Operands, OpName, Shape } from '../../terms.ts';

/** A kernel as its provider lists it; one of a data type that no suite asks for is left out by the worker. */
export type OfferedKernel = Omit<Kernel, 'dtype'> & {
  readonly dtype: string;
  /** What can be chosen of its plan, as in `sparsemark_library.knobs`; absent or empty for nothing. */
  readonly knobs?: string;
};

/** A matrix in one of the backend's formats. */
export interface EncodedMatrix {
  readonly footprint: Footprint;
  /** Nanoseconds of encoding from CSR. */
  readonly encodeNs: number;
  release(): void;
}

/** What a job is bound to beside its matrices. */
export interface JobRequest {
  readonly op: OpName;
  readonly shape: Shape & { readonly conv?: Conv };
  readonly operands: Operands;
  readonly threads: number;
  /** That the matrices were encoded with; absent: the kernel plans by itself. */
  readonly plan?: string;
}

/** How one side takes its turns. */
export interface Turns {
  /** Socket where both sides meet. */
  readonly path: string;
  /** Number of this pair of samples, the same for both sides; a side of an earlier pair is passed over. */
  readonly meeting: number;
  /** Whether this side waits there: it was opened with that path. */
  readonly waits: boolean;
  readonly first: boolean;
  readonly sampling: Sampling;
  /** Share by which each timed evaluation is made longer on purpose. */
  readonly slowdown: number;
}

/** A matrix and all that it is multiplied with. */
export interface LoadedProblem extends Pick<JobRequest, 'shape' | 'operands'> {
  readonly a: Csr;
  /**
   * Path of a shared file, `shared-file.ts`, in which the operands and C lie in every process that is told it. Of the jobs
   * that are prepared with it one is evaluated at a time. Absent: in memory of the process's own.
   */
  readonly operandsAt?: string | undefined;
  /**
   * Path of another shared file, in which the pages lie that A's arrays have in common with those of other processes that
   * are told it. Of them one prepares at a time. Absent: in memory of the process's own.
   */
  readonly weightsAt?: string | undefined;
}

/** A kernel bound to its operands. */
export interface BackendJob {
  readonly tiling: string;
  /** Nanoseconds of binding and planning. */
  readonly prepareNs: number;
  /**
   * Fills C with NaN, evaluates once, and returns C. Throws BAD_LIBRARY where the kernel wrote beside C or into its
   * inputs.
   */
  answer(): Answer | Promise<Answer>;
  /** Nanoseconds an evaluation, over `evaluations` in a row, after `warmups` untimed ones. */
  time(warmups: number, evaluations: number): number | Promise<number>;
  /**
   * One side's part of two samples taken in short turns by two processes; nanoseconds an evaluation of each batch, null
   * where the other side did not come or went away. Only a runner's jobs can.
   */
  takeTurns?(turns: Turns): Promise<number[] | null>;
  release(): void | Promise<void>;
}

/** A provider of kernels, opened. What it throws carries a `code` of `BackendRefusal`, or is its own fault. */
export interface Backend {
  readonly name: string;
  readonly version: string;
  /** Its own words: core type, threading layer, file. */
  readonly config: string;
  /** Paths of the files whose bytes decide what is measured. */
  readonly files: readonly string[];
  readonly formats: readonly string[];
  readonly kernels: readonly OfferedKernel[];
  /**
   * Takes over what is then encoded and multiplied, and forgets all that it made of the problem before. Only a backend in
   * another process needs to be told.
   */
  load?(problem: LoadedProblem): Promise<void>;
  encode(format: string, dtype: Dtype, a: Csr): EncodedMatrix | Promise<EncodedMatrix>;
  /** For one kernel and a plan; there where a kernel has knobs. */
  encodePlanned?(kernelIndex: number, plan: string, a: Csr): EncodedMatrix;
  /** `matrices`: one, several encoded copies to rotate through, or none for an op that makes a matrix. */
  prepare(
    matrices: readonly EncodedMatrix[],
    kernelIndex: number,
    request: JobRequest,
  ): BackendJob | Promise<BackendJob>;
}

/**
 * An error as the addon throws them: `UNSUPPORTED` for what a backend declines, `BAD_LIBRARY` for what it does wrong,
 * `OUT_OF_MEMORY`.
 */
export class BackendRefusal extends Error {
  readonly code: 'UNSUPPORTED' | 'BAD_LIBRARY' | 'OUT_OF_MEMORY';
  constructor(code: BackendRefusal['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackendRefusal';
    this.code = code;
  }
}

/** The process that a backend lives in has ended; `reason` as in `WorkerGone`. */
export class BackendGone extends Error {
  readonly code = 'GONE';
  readonly reason: string;
  constructor(reason: string, detail: string) {
    super(detail);
    this.name = 'BackendGone';
    this.reason = reason;
  }
}
