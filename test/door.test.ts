/** The kernel door: what it refuses, what it notices, and that the competitors behind it answer rightly. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JobHandle, type LibraryHandle, loadNative, type MatrixHandle } from '../src/native.ts';
import type { Csr } from '../src/terms.ts';
import { buildLibraries } from './libraries.ts';
import { missing } from './needs.ts';

const { native, folder: binaries } = loadNative();

/** Refused on opening: what the message must say. */
const refusedOnOpening: Readonly<Record<string, RegExp>> = {
  'no-symbol': /Expected an exported function sparsemark_describe .*received none/,
  'other-abi': /Expected kernel ABI version 2 .*received version 3/,
  'no-name': /the library's name, received none/,
  'capital-name': /the library's name, received "Mine\/\.\.\/x"/,
  'null-kernel-name': /the name of kernel 1 of library null_kernel_name, received none/,
  'unknown-format': /the format of kernel 1 of library unknown_format, received "ellpack"/,
  'twin-kernels': /Expected a unique name, op, dtype and isa for kernel 1/,
  'lacks-run': /Expected encode, .* for library lacks_run, received a table that lacks one/,
};

/** Refused on encoding. */
const refusedOnEncoding: Readonly<Record<string, RegExp>> = {
  'lies-about-sizes': /Expected a matrix of 3 x 4 with 4 nonzeros .*received 4 x 4/,
  'negative-footprint': /Expected bytes of at least 0 .*received -1/,
  'writes-its-input': /Expected an untouched input .*received a changed one/,
  'fails-to-encode': /received status 3, "the moon is in the wrong quarter"/,
};

/** Refused on answering. */
const refusedOnAnswering: Readonly<Record<string, RegExp>> = {
  'writes-after-c': /Expected writes inside of C for kernel csr of library writes_after_c/,
  'writes-before-c': /Expected writes inside of C/,
  'writes-b': /Expected an untouched B/,
};

const others = [
  'example',
  'drops-last-column',
  'stops-computing',
  'keeps-its-input',
  'declines',
  'returns-no-job',
];

let folder = '';
beforeAll(() => {
  folder = buildLibraries([
    ...Object.keys({ ...refusedOnOpening, ...refusedOnEncoding, ...refusedOnAnswering }),
    ...others,
  ]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 3 x 4 with 4 nonzeros, its second row empty. */
const small: Csr = {
  rows: 3,
  cols: 4,
  rowOffsets: Int32Array.of(0, 2, 2, 4),
  colIndices: Int32Array.of(0, 3, 1, 2),
  values: Float32Array.of(1, 2, 3, 4),
};
const smallB = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8); // 4 x 2
const smallC = [15, 18, 0, 0, 29, 36];

const open = (name: string): LibraryHandle => native.openLibrary(join(folder, `${name}.so`));
const encode = (library: LibraryHandle, a: Csr, format = 'csr'): MatrixHandle =>
  native.encode(library, format, 'f32', a.rows, a.cols, a.rowOffsets, a.colIndices, a.values);
const operands = { n: 2, threads: 1, b: smallB };
const bind = (name: string): JobHandle => {
  const library = open(name);
  return native.prepare(library, [encode(library, small)], 0, operands);
};

/** Calls, and gives back the error's code and message. */
function refusal(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    return { code: (error as { code: string }).code, message: (error as Error).message };
  }
  return { code: 'none', message: 'nothing was thrown' };
}

describe('a well-behaved library', () => {
  it('describes itself and answers, again and again', () => {
    const library = open('example');
    expect(native.describeLibrary(library)).toMatchObject({
      name: 'example',
      version: '1.0',
      formats: ['csr'],
      kernels: [
        { index: 0, name: 'csr', op: 'spmm', format: 'csr', maxThreads: 1, dense: false },
        { index: 1, op: 'spmv' },
      ],
    });
    const matrix = encode(library, small);
    expect(native.describeMatrix(matrix)).toMatchObject({
      rows: 3,
      cols: 4,
      nnz: 4,
      payloadBytes: 16,
      metadataBytes: 32,
    });
    const job = native.prepare(library, [matrix], 0, operands);
    for (let i = 0; i < 5; ++i) expect([...native.answer(job)]).toEqual(smallC);
  });

  it('is asked for no more than it offers', () => {
    const library = open('example');
    const matrix = encode(library, small);
    expect(refusal(() => native.prepare(library, [matrix], 0, { ...operands, threads: 2 }))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/Expected at most 1 threads for kernel csr of library example/),
    });
    expect(refusal(() => native.decode(matrix)).code).toBe('UNSUPPORTED');
  });

  it('is not asked to multiply a format that the kernel does not read', () => {
    const library = native.openLibrary(join(binaries, 'libsparsemark-native.so'));
    const dense = encode(library, small, 'dense');
    const kernel = native.describeLibrary(library).kernels.find((k) => k.format === 'csr' && k.op === 'spmm');
    expect(refusal(() => native.prepare(library, [dense], kernel?.index ?? 0, operands))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/Expected format csr .*received dense/),
    });
  });
});

describe('a misbehaving library', () => {
  it('that does not exist is refused with its path', () => {
    const { code, message } = refusal(() => open('nowhere'));
    expect(code).toBe('BAD_LIBRARY');
    expect(message).toMatch(/Expected a shared library that can be opened for .*nowhere\.so/);
  });

  it.each(Object.entries(refusedOnOpening))('%s is refused on opening', (name, words) => {
    const { code, message } = refusal(() => open(name));
    expect({ code, message }).toEqual({ code: 'BAD_LIBRARY', message: expect.stringMatching(words) });
  });

  it('declines with its own words', () => {
    expect(refusal(() => open('declines'))).toEqual({
      code: 'UNSUPPORTED',
      message: 'needs a library that is not installed',
    });
  });

  it.each(Object.entries(refusedOnEncoding))('%s is refused on encoding', (name, words) => {
    const library = open(name);
    const { code, message } = refusal(() => encode(library, small));
    expect({ code, message }).toEqual({ code: 'BAD_LIBRARY', message: expect.stringMatching(words) });
    expect([...small.values]).toEqual([1, 2, 3, 4]);
  });

  it('returns-no-job is refused on preparing', () => {
    expect(refusal(() => bind('returns-no-job'))).toMatchObject({ code: 'BAD_LIBRARY' });
  });

  it.each(Object.entries(refusedOnAnswering))('%s is noticed on answering', (name, words) => {
    const job = bind(name);
    const { code, message } = refusal(() => native.answer(job));
    expect({ code, message }).toEqual({ code: 'BAD_LIBRARY', message: expect.stringMatching(words) });
    expect([...smallB]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('drops-last-column gives a wrong answer', () => {
    expect([...native.answer(bind('drops-last-column'))]).not.toEqual(smallC);
  });

  it('keeps-its-input gives a wrong answer, not a right one by luck', () => {
    expect([...native.answer(bind('keeps-its-input'))]).not.toEqual(smallC);
  });

  it('stops-computing is found out by an answer after timing', () => {
    const job = bind('stops-computing');
    expect([...native.answer(job)]).toEqual(smallC);
    native.time(job, 2, 10, new Float64Array(3));
    expect(native.answer(job).every(Number.isNaN)).toBe(true);
  });
});

/** Sizes of a product, thread count and a seed for its numbers. */
const products = fc.record({
  m: fc.integer({ min: 0, max: 70 }),
  k: fc.integer({ min: 0, max: 70 }),
  n: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 70 })),
  threads: fc.constantFrom(1, 2),
  density: fc.constantFrom(0, 0.2, 1),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
});

/** Numbers of [-1, 1) by the minimal standard generator (Park and Miller, CACM 31(10), 1988). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
}

function randomCsr(rows: number, cols: number, density: number, next: () => number): Csr {
  const rowOffsets = new Int32Array(rows + 1);
  const colIndices: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < rows; ++i) {
    for (let j = 0; j < cols; ++j) {
      if ((next() + 1) / 2 < density) {
        colIndices.push(j);
        values.push(next());
      }
    }
    rowOffsets[i + 1] = values.length;
  }
  return {
    rows,
    cols,
    rowOffsets,
    colIndices: Int32Array.from(colIndices),
    values: Float32Array.from(values),
  };
}

/** Largest |error| over the sum of |a * b|, over all elements of C; NaN and infinity count as infinite. */
function worstError(a: Csr, b: Float32Array, n: number, actual: Float32Array): number {
  let worst = actual.length === a.rows * n ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.rows; ++i) {
    for (let j = 0; j < n; ++j) {
      let sum = 0;
      let magnitude = 0;
      for (let p = a.rowOffsets[i] as number; p < (a.rowOffsets[i + 1] as number); ++p) {
        const term = (a.values[p] as number) * (b[(a.colIndices[p] as number) * n + j] as number);
        sum += term;
        magnitude += Math.abs(term);
      }
      const error = Math.abs((actual[i * n + j] as number) - sum);
      if (!(error <= worst * magnitude)) worst = magnitude > 0 && error < 1e30 ? error / magnitude : Infinity;
    }
  }
  return worst;
}

const competitors = [
  'openblas',
  'blis',
  'onednn',
  'mkl',
  'accelerate',
  // Sparse ones.
  'eigen',
  'librsb',
  'graphblas',
  'xnnpack',
  'libxsmm',
];

describe.each(competitors)('competitor %s', (name) => {
  const file = join(binaries, `libsparsemark-${name}.so`);
  let library: LibraryHandle | null = null;
  let reason = '';
  try {
    library = native.openLibrary(existsSync(file) ? file : file.replace(/so$/, 'dylib'));
  } catch (error) {
    reason = (error as Error).message;
  }

  it('is there, or says what to install', () => {
    if (library === null) expect(reason).toMatch(/^Expected .+ for .+, received .+\. .+/);
    else
      expect(native.describeLibrary(library).config).toMatch(
        /^core .+; threads .+; (?:file \/.+|compiled in)$/,
      );
  });

  it.skipIf(library === null)('gives back the matrices that it encoded', () => {
    if (library === null) return;
    const a = randomCsr(23, 41, 0.2, numbers(5));
    const dense = new Float32Array(23 * 41);
    for (let i = 0; i < a.rows; ++i) {
      for (let p = a.rowOffsets[i] as number; p < (a.rowOffsets[i + 1] as number); ++p) {
        dense[i * a.cols + (a.colIndices[p] as number)] = a.values[p] as number;
      }
    }
    const { formats } = native.describeLibrary(library);
    for (const format of formats) {
      expect(native.decode(encode(library, a, format)), format).toEqual(dense);
      const empty = randomCsr(3, 4, 0, numbers(1));
      expect(native.decode(encode(library, empty, format)), format).toEqual(new Float32Array(12));
    }
  });

  it.skipIf(missing(name, library !== null))('answers rightly, whatever the sizes', () => {
    if (library === null) return;
    const opened = library;
    const { kernels } = native.describeLibrary(opened);
    let answers = 0;
    fc.assert(
      fc.property(products, ({ m, k, n, threads, density, seed }) => {
        const next = numbers(seed);
        const a = randomCsr(m, k, density, next);
        const b = Float32Array.from({ length: k * n }, next);
        for (const kernel of kernels) {
          if (kernel.op !== 'spmm' && kernel.op !== 'spmv') continue;
          if (kernel.dtype !== 'f32' || (kernel.op === 'spmv' && n !== 1)) continue;
          if (kernel.maxThreads > 0 && threads > kernel.maxThreads) continue;
          const matrix = encode(opened, a, kernel.format);
          let job: JobHandle;
          try {
            job = native.prepare(opened, [matrix], kernel.index, { n, threads, b });
          } catch (error) {
            // Some kernels take only some sizes; what they decline they must explain.
            expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(/\w+ \w+/) });
            continue;
          }
          native.evaluate(job);
          expect(worstError(a, b, n, native.answer(job) as Float32Array)).toBeLessThan(2e-6);
          answers += 1;
        }
      }),
      { numRuns: 150 },
    );
    expect(answers).toBeGreaterThan(150);
  });
});

it.skipIf(missing('onednn', existsSync(join(binaries, 'libsparsemark-onednn.so'))))(
  'products of 8 bits are exact, and what is none is refused',
  () => {
    let library: LibraryHandle;
    try {
      library = native.openLibrary(join(binaries, 'libsparsemark-onednn.so'));
    } catch {
      return;
    }
    const kernels = native.describeLibrary(library).kernels.filter(({ dtype }) => dtype === 'int8');
    // Without VNNI its sums saturate, and none are offered.
    expect(kernels.length > 0).toBe(native.describeCpu().isa.includes('avx512vnni'));
    let answers = 0;
    const encodeInt8 = ({ rows, cols, rowOffsets, colIndices, values }: Csr): MatrixHandle =>
      native.encode(library, 'dense', 'int8', rows, cols, rowOffsets, colIndices, values);
    fc.assert(
      fc.property(products, ({ m, k, n, threads, density, seed }) => {
        const next = numbers(seed);
        const floats = randomCsr(m, k, density, next);
        const a = { ...floats, values: floats.values.map((value) => Math.round(127 * value)) };
        const b = Uint8Array.from({ length: k * n }, () => Math.min(255, Math.floor(400 * Math.abs(next()))));
        const expected = new Int32Array(m * n);
        for (let i = 0; i < m; ++i) {
          for (let p = a.rowOffsets[i] as number; p < (a.rowOffsets[i + 1] as number); ++p) {
            for (let j = 0; j < n; ++j) {
              expected[i * n + j]! += a.values[p]! * b[a.colIndices[p]! * n + j]!;
            }
          }
        }
        for (const kernel of kernels.filter(({ op }) => op === 'spmm' || n === 1)) {
          try {
            const job = native.prepare(library, [encodeInt8(a)], kernel.index, { n, threads, b });
            native.evaluate(job);
            expect(native.answer(job), kernel.name).toEqual(expected);
            answers += 1;
          } catch (error) {
            if (!(error instanceof Error && 'code' in error && error.code === 'UNSUPPORTED')) throw error;
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(answers > 150).toBe(kernels.length > 0);
    for (const value of [128, -128, 0.5, Number.NaN]) {
      const values = Float32Array.of(1, 2, value, 4);
      const { message } = refusal(() => encodeInt8({ ...small, values }));
      expect(message).toMatch(/whole numbers from -127 to 127/);
    }
    const colIndices = Int32Array.from({ length: 70_000 }, (_, j) => j);
    const heavy = { rows: 1, cols: 70_000, rowOffsets: Int32Array.of(0, 70_000), colIndices };
    const values = new Float32Array(70_000).fill(127);
    expect(refusal(() => encodeInt8({ ...heavy, values })).message).toMatch(/leave 32 bits/);
  },
);

/** Sizes at which libxsmm's own limits lie: [m, k, n, density]; and which kernels must answer. */
const libxsmmLimits: readonly [number, number, number, number, readonly string[]][] = [
  // Several blocks of rows, columns in two widths, empty rows.
  [400, 700, 208, 0.01, ['csr-jit', 'fsspmdm', 'spmdm']],
  [300, 900, 64, 0.3, ['csr-jit', 'fsspmdm', 'spmdm']],
  // A full row is too long for the code of a block; a full slice overruns.
  [2, 4000, 16, 1, ['spmdm']],
  [512, 128, 32, 1, ['csr-jit', 'fsspmdm']],
  [600, 600, 16, 0.5, ['spmdm']],
];
const libxsmmPath = join(binaries, 'libsparsemark-libxsmm.so');
function libxsmm(): LibraryHandle | null {
  try {
    return native.openLibrary(libxsmmPath);
  } catch {
    return null;
  }
}

describe('libxsmm, which does not check its own limits', () => {
  const library = libxsmm();
  it.skipIf(library === null).each(libxsmmLimits)('%i x %i x %i at density %d', (m, k, n, density, able) => {
    if (library === null) return;
    const next = numbers(7);
    const a = randomCsr(m, k, density, next);
    const b = Float32Array.from({ length: k * n }, next);
    const sparse = native.describeLibrary(library).kernels.filter(({ dense }) => !dense);
    const avx512 = native.describeCpu().isa.includes('avx512');
    for (const threads of [1, 2]) {
      const answered: string[] = [];
      for (const { index, name, format } of sparse) {
        const matrix = encode(library, a, format);
        try {
          const job = native.prepare(library, [matrix], index, { n, threads, b });
          expect(worstError(a, b, n, native.answer(job) as Float32Array), name).toBeLessThan(1e-5);
          answered.push(name);
        } catch (error) {
          expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(/^libxsmm /) });
        }
      }
      if (avx512) expect(answered).toEqual(able);
    }
  });
});

const openblasInstalled = ['x86_64', 'aarch64'].some((arch) =>
  existsSync(`/usr/lib/${arch}-linux-gnu/libopenblas.so.0`),
);
it.skipIf(missing('openblas', openblasInstalled))(
  'OpenBLAS runs kernels that fit the CPU, not its oldest',
  () => {
    const { config } = native.describeLibrary(
      native.openLibrary(join(binaries, 'libsparsemark-openblas.so')),
    );
    const { isa } = native.describeCpu();
    // What the user asks for counts.
    const asked = process.env.OPENBLAS_CORETYPE;
    if (asked !== undefined && asked !== '')
      expect(config.toLowerCase()).toContain(`core ${asked.toLowerCase()};`);
    else if (isa.includes('avx512')) expect(config).toMatch(/^core SkylakeX;/);
    else if (isa.includes('avx2')) expect(config).toMatch(/^core (Haswell|Zen);/);
  },
);
