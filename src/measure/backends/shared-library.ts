/** Kernel libraries behind `native/sparsemark.h`, through the addon. */
import { type LibraryHandle, loadNative, type MatrixHandle } from '../../native.ts';
import type { Conv, Csr, Dtype } from '../../terms.ts';
import type { Backend, BackendJob, EncodedMatrix, JobRequest } from './backend.ts';

/** A kernel library in this process: all that it does is done when it returns. */
export interface SharedLibrary extends Backend {
  encode(format: string, dtype: Dtype, a: Csr): EncodedMatrix;
  prepare(matrices: readonly EncodedMatrix[], kernelIndex: number, request: JobRequest): BackendJob;
}

interface HeldMatrix extends EncodedMatrix {
  readonly handle: MatrixHandle;
}

/** A convolution's fields in the order of `sparsemark_conv`. */
export function geometryOf(conv: Conv): Int32Array {
  const { batch, channels, height, width, kernelHeight, kernelWidth, stride, padding, outHeight, outWidth } =
    conv;
  return Int32Array.of(
    ...[batch, channels, height, width, kernelHeight, kernelWidth, stride, padding, outHeight, outWidth],
  );
}

function held(handle: MatrixHandle): HeldMatrix {
  const { native } = loadNative();
  const { payloadBytes, metadataBytes, paddingBytes, encodeNs } = native.describeMatrix(handle);
  return {
    handle,
    footprint: { payloadBytes, metadataBytes, paddingBytes },
    encodeNs,
    release: () => native.release(handle),
  };
}

function encode(library: LibraryHandle, format: string, dtype: Dtype, a: Csr): HeldMatrix {
  const { rows, cols, rowOffsets, colIndices, values } = a;
  return held(loadNative().native.encode(library, format, dtype, rows, cols, rowOffsets, colIndices, values));
}

function encodePlanned(library: LibraryHandle, kernelIndex: number, plan: string, a: Csr): HeldMatrix {
  const { rows, cols, rowOffsets, colIndices, values } = a;
  return held(
    loadNative().native.encodePlanned(library, kernelIndex, plan, rows, cols, rowOffsets, colIndices, values),
  );
}

function prepare(
  library: LibraryHandle,
  matrices: readonly EncodedMatrix[],
  kernelIndex: number,
  { shape, operands, threads, plan }: JobRequest,
): BackendJob {
  const { native } = loadNative();
  const job = native.prepare(
    library,
    matrices.map((matrix) => (matrix as HeldMatrix).handle),
    kernelIndex,
    {
      ...operands,
      ...(shape.conv === undefined ? {} : { conv: geometryOf(shape.conv) }),
      n: shape.n,
      threads,
      ...(plan === undefined ? {} : { plan }),
      ...(matrices.length === 0 ? { rows: shape.m, cols: shape.k, keep: operands.keep ?? 0 } : {}),
    },
  );
  return {
    ...native.describeJob(job),
    answer: () => native.answer(job),
    time: (warmups, evaluations) => {
      const sample = new Float64Array(1);
      native.time(job, warmups, evaluations, sample);
      return sample[0]!;
    },
    release: () => native.release(job),
  };
}

/** Opens a shared library. Throws BAD_LIBRARY, or UNSUPPORTED with the library's own reason. */
export function openSharedLibrary(path: string): SharedLibrary {
  const { native } = loadNative();
  const library = native.openLibrary(path);
  const described = native.describeLibrary(library);
  // A backend names the file that it opened at run time; its bytes decide what was measured.
  const opened = /\bfile (\/\S+)/.exec(described.config)?.[1];
  return {
    ...described,
    files: [path, ...(opened === undefined ? [] : [opened])],
    // Operations that no suite can ask for are of no kernel that is asked for.
    kernels: described.kernels as Backend['kernels'],
    encode: (format, dtype, a) => encode(library, format, dtype, a),
    encodePlanned: (kernelIndex, plan, a) => encodePlanned(library, kernelIndex, plan, a),
    prepare: (matrices, kernelIndex, request) => prepare(library, matrices, kernelIndex, request),
  };
}
