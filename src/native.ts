/**
 * The boundary: the only file that loads the addon. Above each function stands the C++ function that it calls
 * (`native/addon.cc`); `test/native/boundary.test.ts` compares both lists.
 *
 * Handles are opaque and tagged: a wrong one is a TypeError. An error of a library carries `code`
 * `BAD_LIBRARY`, `UNSUPPORTED` or `OUT_OF_MEMORY`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FormulaLine } from './terms/accelerator.ts';
import { type Answer, type Dtype, type Operands, SparsemarkError } from './terms.ts';

declare const tag: unique symbol;
/** A loaded kernel library. */
export type LibraryHandle = { readonly [tag]: 'library' };
/** An encoded matrix. */
export type MatrixHandle = { readonly [tag]: 'matrix' };
/** A kernel bound to its operands, its answer guarded by canaries. */
export type JobHandle = { readonly [tag]: 'job' };

/** What a job is bound to; `native/sparsemark.h` says which operands an op reads and how long they are. */
export interface JobOperands extends Operands {
  readonly n: number;
  readonly threads: number;
  /** The fields of `Conv` in their order; of conv2d alone. */
  readonly conv?: Int32Array;
  /** m and k, for an op that makes a matrix. */
  readonly rows?: number;
  readonly cols?: number;
  /** That the matrices were encoded with; absent: the library plans by itself. */
  readonly plan?: string;
}

/** A kind of accelerator that the cost model knows, as C++ describes it. */
export interface EngineClass {
  readonly name: string;
  /** What it skips. */
  readonly summary: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly unit: string;
    readonly meaning: string;
    readonly least: number;
    readonly most: number;
    readonly whole: boolean;
  }[];
  readonly terms: readonly string[];
  readonly actions: readonly string[];
  readonly formula: readonly FormulaLine[];
}

/** The engine of designs wholly from a file; its formula's levelCycles stands for the cycles of every level. */
export type GenericEngine = Pick<EngineClass, 'summary' | 'formula'>;

/** The addon's functions, one to one. */
export interface Native {
  // Napi::Value describe_build(const Napi::CallbackInfo& info)
  describeBuild(): {
    version: string;
    compiler: string;
    flags: string;
    type: string;
    sanitizer: string;
    clockResolutionNs: number;
  };
  // Napi::Value describe_cpu(const Napi::CallbackInfo& info)
  describeCpu(): {
    brand: string;
    model: string;
    isa: string[];
    l1dBytes: number;
    l2Bytes: number;
    l3Bytes: number;
  };
  /** Takes about two seconds. */
  // Napi::Value measure_ceilings(const Napi::CallbackInfo& info)
  measureCeilings(threads: number): {
    fmaGflops: number;
    l1GBs: number;
    l2GBs: number;
    l3GBs: number;
    dramGBs: number;
    gatherGelems: number;
  };
  /** Pins this thread and those started later, ends with the parent, bounds memory. Whether it is pinned. */
  // Napi::Value become_worker(const Napi::CallbackInfo& info)
  becomeWorker(cpus: readonly number[], memoryLimitBytes: number): boolean;
  // Napi::Value open_library(const Napi::CallbackInfo& info)
  openLibrary(path: string): LibraryHandle;
  // Napi::Value describe_library(const Napi::CallbackInfo& info)
  describeLibrary(library: LibraryHandle): {
    name: string;
    version: string;
    config: string;
    formats: string[];
    kernels: {
      index: number;
      name: string;
      op: string;
      dtype: string;
      format: string;
      isa: string;
      maxThreads: number;
      dense: boolean;
      /** What can be chosen of its plan, as in `sparsemark_library.knobs`; empty for nothing. */
      knobs: string;
    }[];
  };
  // Napi::Value encode(const Napi::CallbackInfo& info)
  encode(
    library: LibraryHandle,
    format: string,
    dtype: Dtype,
    rows: number,
    cols: number,
    rowOffsets: Int32Array,
    colIndices: Int32Array,
    values: Float32Array,
  ): MatrixHandle;
  /** For one kernel with knobs; `prepare` wants the same plan. */
  // Napi::Value encode_planned(const Napi::CallbackInfo& info)
  encodePlanned(
    library: LibraryHandle,
    kernelIndex: number,
    plan: string,
    rows: number,
    cols: number,
    rowOffsets: Int32Array,
    colIndices: Int32Array,
    values: Float32Array,
  ): MatrixHandle;
  // Napi::Value describe_matrix(const Napi::CallbackInfo& info)
  describeMatrix(matrix: MatrixHandle): {
    rows: number;
    cols: number;
    nnz: number;
    payloadBytes: number;
    metadataBytes: number;
    paddingBytes: number;
    encodeNs: number;
  };
  /** Row-major rows x cols. */
  // Napi::Value decode(const Napi::CallbackInfo& info)
  decode(matrix: MatrixHandle): Float32Array;
  /** `matrices`: one, several encoded copies to rotate through, or none for an op that makes a matrix. */
  // Napi::Value prepare(const Napi::CallbackInfo& info)
  prepare(
    library: LibraryHandle,
    matrices: readonly MatrixHandle[],
    kernelIndex: number,
    operands: JobOperands,
  ): JobHandle;
  // Napi::Value describe_job(const Napi::CallbackInfo& info)
  describeJob(job: JobHandle): { tiling: string; prepareNs: number; copies: number };
  /** Fills C with NaN, evaluates once, checks the canaries and inputs, returns C, or a made matrix as a dense one. */
  // Napi::Value answer(const Napi::CallbackInfo& info)
  answer(job: JobHandle): Answer;
  // Napi::Value evaluate(const Napi::CallbackInfo& info)
  evaluate(job: JobHandle): void;
  /** Fills `samplesNs`, each slot after `warmups` untimed evaluations, with nanoseconds an evaluation. */
  // Napi::Value time_job(const Napi::CallbackInfo& info)
  time(job: JobHandle, warmups: number, evaluations: number, samplesNs: Float64Array): void;
  // Napi::Value release(const Napi::CallbackInfo& info)
  release(handle: MatrixHandle | JobHandle): void;
  /** Zeros that begin on a 64-byte boundary, for engines that take typed arrays. */
  // Napi::Value aligned_floats(const Napi::CallbackInfo& info)
  alignedFloats(length: number): Float32Array;
  // Napi::Value describe_engines(const Napi::CallbackInfo& info)
  describeEngines(): EngineClass[];
  // Napi::Value describe_generic(const Napi::CallbackInfo& info)
  describeGeneric(): GenericEngine;
  /**
   * Rows of `native/accelerator/batch.h`: a layer has 17 numbers, an estimate 30. `parameters` are those of the engine
   * class for all layers, or a row for each. The first reason of a row that was declined, or an empty text.
   */
  // Napi::Value estimate_layers(const Napi::CallbackInfo& info)
  estimateLayers(
    engine: number,
    parameters: Float64Array,
    layers: Float64Array,
    estimates: Float64Array,
    threads: number,
  ): string;
  /**
   * Layers on one design of `native/accelerator/generic.h`. `mappings`: a row each, of zeros where one is to be searched
   * among `most`, and then written. `baseline`: whether dense cycles are searched too. The first reason of a row that was
   * declined, or an empty text.
   */
  // Napi::Value estimate_generic(const Napi::CallbackInfo& info)
  estimateGeneric(
    design: Float64Array,
    layers: Float64Array,
    mappings: Float64Array,
    estimates: Float64Array,
    most: number,
    baseline: boolean,
  ): string;
  /**
   * One layer counted on the places of its nonzeros. `masks`: rowOffsets and colIndices of the weights (m x k), and
   * unless none is zero of the activations (channels x batch * height * width; of a product k x n). The reason where
   * the layer was declined, what its formula takes for granted and the masks lack, or an empty text.
   */
  // Napi::Value count_layer(const Napi::CallbackInfo& info)
  countLayer(
    engine: number,
    parameters: Float64Array,
    layer: Float64Array,
    masks: readonly Int32Array[],
    estimate: Float64Array,
  ): string;
}

/** Where the loaded binary came from. */
export interface Binary {
  readonly path: string;
  readonly origin: 'environment' | 'checkout' | 'prebuild';
  readonly sha256: string;
}

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** `linux-x64`, `darwin-arm64`, ...; musl is its own platform, since a glibc binary does not load there. */
function platformName(): string {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const musl = process.platform === 'linux' && report?.header?.glibcVersionRuntime === undefined;
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
}

/** Folder of the addon and the kernel libraries. */
function binaryFolder(): { folder: string; origin: Binary['origin'] } {
  const named = process.env.SPARSEMARK_BINARIES;
  if (named !== undefined && named !== '') {
    if (!existsSync(join(named, 'sparsemark.node'))) {
      throw new SparsemarkError(
        'MISSING_ADDON',
        `Expected a folder with sparsemark.node for SPARSEMARK_BINARIES, received ${named}. Name the folder of a build, or unset the variable.`,
      );
    }
    return { folder: named, origin: 'environment' };
  }
  const built = join(packageRoot, 'build', 'Release');
  if (existsSync(join(built, 'sparsemark.node'))) return { folder: built, origin: 'checkout' };
  const prebuilt = join(packageRoot, 'prebuilds', platformName());
  if (existsSync(join(prebuilt, 'sparsemark.node'))) return { folder: prebuilt, origin: 'prebuild' };
  if (process.platform === 'win32') {
    throw new SparsemarkError(
      'UNSUPPORTED_PLATFORM',
      'Expected Linux or macOS, received Windows, on which sparsemark has not been tried. Run it under WSL.',
    );
  }
  throw new SparsemarkError(
    'MISSING_ADDON',
    `Expected the native addon for ${platformName()}, received none in build/Release or prebuilds. Build it: npm run build in a checkout, npx sparsemark build in an installed package.`,
  );
}

let loaded: { native: Native; binary: Binary; folder: string } | undefined;

/** Loads the addon once. Throws MISSING_ADDON. */
export function loadNative(): { native: Native; binary: Binary; folder: string } {
  if (loaded === undefined) {
    const { folder, origin } = binaryFolder();
    const path = join(folder, 'sparsemark.node');
    const native = createRequire(import.meta.url)(path) as Native;
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    loaded = { native, binary: { path, origin, sha256 }, folder };
  }
  return loaded;
}
