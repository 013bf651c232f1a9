/** The boundary: both lists of it agree, nothing that JavaScript passes crashes it, kernels keep to themselves. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledLibraries } from '../../src/measure/libraries.ts';
import { loadNative, type MatrixHandle } from '../../src/native.ts';
import { missing, programPath } from '../needs.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { native, binary } = loadNative();
const libraryPath = bundledLibraries()[0]!;

describe('the two lists of the boundary', () => {
  const names = (list: string): string[] =>
    list
      .split(',')
      .map((part) => part.trim().replace(/[?:].*$/s, ''))
      .filter((part) => part !== '');

  /** `C++ signature` -> `name(parameter names)`, as src/native.ts declares them. */
  function declared(text: string): Map<string, string> {
    const body = /export interface Native \{\n([\s\S]*?)\n\}/.exec(text)![1]!;
    const found = new Map<string, string>();
    for (const [, signature, name, parameters] of body.matchAll(/^ {2}\/\/ (.+)\n {2}(\w+)\(([^)]*)\)/gm)) {
      found.set(signature!, `${name}(${names(parameters!).join(', ')})`);
    }
    return found;
  }

  /** The same from native/addon.cc: definition, the comment above it, and the name it is exported by. */
  function defined(text: string): Map<string, string> {
    const exported = new Map<string, string>();
    for (const [, name, symbol] of text.matchAll(/^ {2}add\("(\w+)", (\w+)\);/gm))
      exported.set(symbol!, name!);
    for (const [, name, symbol] of text.matchAll(/exports\.Set\("(\w+)", Napi::Function::New<(\w+)>/g))
      exported.set(symbol!, name!);
    const found = new Map<string, string>();
    const definition = /((?:^\/\/ .*\n)*)^(Napi::Value (\w+)\(const Napi::CallbackInfo& info\)) \{/gm;
    for (const [, comment, signature, symbol] of text.matchAll(definition)) {
      const parameters = /^\/\/ \w+\(([^)]*)\)/.exec(comment!)?.[1];
      found.set(signature!, `${exported.get(symbol!)}(${names(parameters ?? 'no comment').join(', ')})`);
      exported.delete(symbol!);
    }
    for (const symbol of exported.keys()) found.set(`no definition of ${symbol}`, '');
    return found;
  }

  const typescript = readFileSync(join(root, 'src/native.ts'), 'utf8');
  const cplusplus = readFileSync(join(root, 'native/addon.cc'), 'utf8');

  it('agree: signatures, names, parameters', () => {
    expect(Object.fromEntries(declared(typescript))).toEqual(Object.fromEntries(defined(cplusplus)));
    expect(declared(typescript).size).toBeGreaterThanOrEqual(10);
  });

  it('are what the binary exports', () => {
    const exported = [...declared(typescript).values()].map((call) => call.replace(/\(.*/, '')).sort();
    expect(Object.keys(native).sort()).toEqual(exported);
  });

  it('every function of the interface stands below its signature', () => {
    const body = /export interface Native \{\n([\s\S]*?)\n\}/.exec(typescript)![1]!;
    const functions = [...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name);
    expect(functions).toHaveLength(declared(typescript).size);
  });

  it.each([
    ['a renamed function', typescript.replace('describe_job', 'describe_task'), cplusplus],
    [
      'a parameter more',
      typescript,
      cplusplus.replace('// prepare(library, ', '// prepare(library, tiling, '),
    ],
    [
      'a function that only C++ has',
      typescript,
      cplusplus.replace('Napi::Value decode(', 'Napi::Value decoded('),
    ],
    ['an export that is gone', typescript, cplusplus.replace('  add("answer", answer);\n', '')],
    ['a declaration that is gone', typescript.replace(/ {2}\/\/ .*\n {2}evaluate\(.*\n/, ''), cplusplus],
  ])('notice %s', (_, ts, cc) => {
    expect(ts === typescript && cc === cplusplus, 'the text was changed').toBe(false);
    expect(Object.fromEntries(declared(ts))).not.toEqual(Object.fromEntries(defined(cc)));
  });
});

describe('arguments', () => {
  const rowOffsets = Int32Array.of(0, 1, 3);
  const colIndices = Int32Array.of(1, 0, 2);
  const values = Float32Array.of(1, 2, 3);
  const b = new Float32Array(12).fill(1);
  const library = native.openLibrary(libraryPath);
  const kernel = native
    .describeLibrary(library)
    .kernels.findIndex(({ op, format, isa }) => op === 'spmm' && format === 'csr' && isa === 'scalar');
  const matrix = native.encode(library, 'csr', 'f32', 2, 3, rowOffsets, colIndices, values);
  const job = native.prepare(library, [matrix], kernel, { n: 4, threads: 1, b: b });
  // biome-ignore lint/suspicious/noExplicitAny: wrong types are what is tested here
  const wrong = native as any;

  it('right ones work', () => {
    expect([...native.answer(job)]).toEqual([1, 1, 1, 1, 5, 5, 5, 5]);
    const samples = new Float64Array(3);
    native.time(job, 1, 10, samples);
    expect(Math.min(...samples)).toBeGreaterThan(0);
    expect(native.describeJob(job).copies).toBe(1);
  });

  it.each<[string, () => unknown]>([
    ['a job for a matrix', () => wrong.decode(job)],
    ['a matrix for a job', () => wrong.answer(matrix)],
    ['a library for a matrix', () => wrong.describeMatrix(library)],
    ['a matrix for a library', () => wrong.describeLibrary(matrix)],
    ['an object for a handle', () => wrong.evaluate({})],
    ['no argument', () => wrong.time()],
    ['releasing a library', () => wrong.release(library)],
    [
      'rows that are no integer',
      () => wrong.encode(library, 'csr', 'f32', 2.5, 3, rowOffsets, colIndices, values),
    ],
    ['negative columns', () => wrong.encode(library, 'csr', 'f32', 2, -3, rowOffsets, colIndices, values)],
    ['NaN columns', () => wrong.encode(library, 'csr', 'f32', 2, Number.NaN, rowOffsets, colIndices, values)],
    ['2^31 rows', () => wrong.encode(library, 'csr', 'f32', 2 ** 31, 3, rowOffsets, colIndices, values)],
    ['short offsets', () => wrong.encode(library, 'csr', 'f32', 3, 3, rowOffsets, colIndices, values)],
    [
      'offsets that fall',
      () => wrong.encode(library, 'csr', 'f32', 2, 3, Int32Array.of(0, 3, 1), colIndices, values),
    ],
    [
      'offsets from 1',
      () => wrong.encode(library, 'csr', 'f32', 2, 3, Int32Array.of(1, 1, 3), colIndices, values),
    ],
    ['an index outside', () => wrong.encode(library, 'csr', 'f32', 2, 2, rowOffsets, colIndices, values)],
    [
      'a negative index',
      () => wrong.encode(library, 'csr', 'f32', 2, 3, rowOffsets, Int32Array.of(-1, 0, 2), values),
    ],
    [
      'a duplicate',
      () => wrong.encode(library, 'csr', 'f32', 2, 3, rowOffsets, Int32Array.of(1, 2, 2), values),
    ],
    [
      'doubles for floats',
      () => wrong.encode(library, 'csr', 'f32', 2, 3, rowOffsets, colIndices, new Float64Array(3)),
    ],
    [
      'unsigned indices',
      () => wrong.encode(library, 'csr', 'f32', 2, 3, rowOffsets, new Uint32Array(3), values),
    ],
    ['a plain array', () => wrong.encode(library, 'csr', 'f32', 2, 3, [0, 1, 3], colIndices, values)],
    ['no matrix', () => wrong.prepare(library, [], kernel, { n: 4, threads: 1, b: b })],
    ['a kernel that is not there', () => wrong.prepare(library, [matrix], 1e6, { n: 4, threads: 1, b: b })],
    ['a negative kernel', () => wrong.prepare(library, [matrix], -1, { n: 4, threads: 1, b: b })],
    ['a short b', () => wrong.prepare(library, [matrix], kernel, { n: 5, threads: 1, b: b })],
    ['no threads', () => wrong.prepare(library, [matrix], kernel, { n: 4, threads: 0, b: b })],
    ['a million threads', () => wrong.prepare(library, [matrix], kernel, { n: 4, threads: 1e6, b: b })],
    ['a million threads for the ceilings', () => wrong.measureCeilings(1e6)],
    ['no evaluations', () => wrong.time(job, 0, 0, new Float64Array(1))],
    ['samples in floats', () => wrong.time(job, 0, 1, new Float32Array(1))],
    ['a CPU out of range', () => wrong.becomeWorker([1e6], 2 ** 40)],
    ['a negative memory limit', () => wrong.becomeWorker([], -1)],
    ['no number for the memory limit', () => wrong.becomeWorker([], Number.NaN)],
  ])('%s: TypeError', (_, call) => {
    expect(call).toThrow(TypeError);
  });

  it('a released handle is a TypeError, a second release is not', () => {
    const gone = native.encode(library, 'csr', 'f32', 2, 3, rowOffsets, colIndices, values);
    native.release(gone);
    native.release(gone);
    expect(() => native.decode(gone)).toThrow(TypeError);
    expect(() => native.prepare(library, [gone], kernel, { n: 4, threads: 1, b: b })).toThrow(/released/);
  });

  it('a job outlives the matrix and the arrays it was made from', () => {
    const own = native.encode(library, 'csr', 'f32', 2, 3, rowOffsets, colIndices, values);
    const input = b.slice();
    const kept = native.prepare(library, [own], kernel, { n: 4, threads: 1, b: input });
    native.release(own);
    input.fill(Number.NaN);
    expect([...native.answer(kept)]).toEqual([1, 1, 1, 1, 5, 5, 5, 5]);
  });

  it('a library that cannot be opened is an error with a code', () => {
    for (const path of ['', 'no/such/library.so', fileURLToPath(import.meta.url), 'x\0y']) {
      expect(() => native.openLibrary(path)).toThrow(expect.objectContaining({ code: 'BAD_LIBRARY' }));
    }
  });

  it('whatever is passed, the process lives on', { timeout: 120_000 }, () => {
    const seed = 20261;
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--expose-gc',
        join(root, 'test/native/fuzz_boundary.mjs'),
        binary.path,
        libraryPath,
        String(process.env.SPARSEMARK_FUZZ_RUNS ?? 1500),
        String(seed),
      ],
      { cwd: root, encoding: 'utf8', timeout: 110_000 },
    );
    expect({ status, signal, stderr: stderr.slice(-2000) }).toEqual({ status: 0, signal: null, stderr: '' });
    const found = JSON.parse(stdout) as Record<string, { returned: number; typeError: number }>;
    expect(Object.keys(found).sort()).toEqual(Object.keys(native).sort());
    for (const [name, { returned, typeError }] of Object.entries(found)) {
      if (!['describeBuild', 'describeCpu', 'describeEngines', 'describeGeneric'].includes(name))
        expect(typeError, name).toBeGreaterThan(50);
      if (name !== 'measureCeilings') expect(returned, name).toBeGreaterThan(5);
    }
  });
});

describe('formats through the boundary', () => {
  const library = native.openLibrary(libraryPath);
  const described = native.describeLibrary(library);
  // Those of other types alone are the C++ program's.
  const formats = described.formats.filter((name) =>
    described.kernels.some(({ format, dtype }) => format === name && dtype === 'f32'),
  );

  interface Pattern {
    readonly rows: number;
    readonly cols: number;
    /** Row-major; NaN where nothing is stored. */
    readonly dense: readonly number[];
  }

  function encode(format: string, { rows, cols, dense }: Pattern): MatrixHandle {
    const rowOffsets = [0];
    const colIndices: number[] = [];
    const values: number[] = [];
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < cols; j += 1) {
        const value = dense[i * cols + j]!;
        if (Number.isNaN(value)) continue;
        colIndices.push(j);
        values.push(value);
      }
      rowOffsets.push(values.length);
    }
    return native.encode(
      library,
      format,
      'f32',
      rows,
      cols,
      Int32Array.from(rowOffsets),
      Int32Array.from(colIndices),
      Float32Array.from(values),
    );
  }

  /** At most n of m in each group of a row. Other formats hold anything. */
  function holds(format: string, { rows, cols, dense }: Pattern): boolean {
    const [, n, m] = /^nm-(\d+):(\d+)$/.exec(format) ?? [];
    if (n === undefined) return true;
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < cols; j += Number(m)) {
        const group = dense.slice(i * cols + j, i * cols + Math.min(cols, j + Number(m)));
        if (group.filter((value) => !Number.isNaN(value)).length > Number(n)) return false;
      }
    }
    return true;
  }

  const patterns = fc
    .tuple(fc.nat({ max: 37 }), fc.nat({ max: 37 }), fc.constantFrom(0, 0.05, 0.25, 0.5, 1), fc.integer())
    .map(([rows, cols, density, seed]): Pattern => {
      let state = seed >>> 0;
      const random = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const dense = Array.from({ length: rows * cols }, () => {
        if (random() >= density) return Number.NaN;
        // A stored zero is a nonzero.
        return random() < 0.05 ? 0 : Math.fround(random() - 0.5);
      });
      return { rows, cols, dense };
    });

  it.each(formats)('%s: decode(encode(x)) = x, and its footprint adds up', (format) => {
    let held = 0;
    fc.assert(
      fc.property(patterns, (pattern) => {
        const { rows, cols, dense } = pattern;
        const nnz = dense.filter((value) => !Number.isNaN(value)).length;
        let matrix: MatrixHandle;
        try {
          matrix = encode(format, pattern);
        } catch (error) {
          // A refusal is declared with a reason, and only where the shape or pattern gives one.
          expect((error as { code?: string }).code).toBe('UNSUPPORTED');
          expect((error as Error).message.length).toBeGreaterThan(10);
          expect(format).toMatch(/^(?:nm-|gs-|diagonal|triangular)/);
          if (!format.startsWith('nm-')) return;
          expect(holds(format, pattern) && cols % Number(format.split(':')[1]) === 0).toBe(false);
          return;
        }
        held += 1;
        expect([...native.decode(matrix)]).toEqual(dense.map((value) => (Number.isNaN(value) ? 0 : value)));
        const facts = native.describeMatrix(matrix);
        expect(facts).toMatchObject({ rows, cols, nnz });
        expect(facts.payloadBytes).toBe(4 * nnz);
        expect(facts.metadataBytes).toBeGreaterThanOrEqual(0);
        expect(facts.paddingBytes).toBeGreaterThanOrEqual(0);
        native.release(matrix);
      }),
      { numRuns: 60, seed: 7 },
    );
    expect(held).toBeGreaterThan(10);
  });

  it('an unknown format is declined with a reason', () => {
    expect(() => encode('nosuch', { rows: 1, cols: 1, dense: [1] })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  });
});

describe('kernel objects', () => {
  const folder = join(root, 'build', 'CMakeFiles');
  const objectsOf = (target: RegExp): string[] =>
    !existsSync(folder)
      ? []
      : (readdirSync(folder, { recursive: true }) as string[])
          .filter((name) => target.test(name) && name.endsWith('.o'))
          .map((name) => join(folder, name));
  const canRead = programPath('nm') !== null && process.platform === 'linux';
  /** Lines of nm on weak symbols and global functions, without the folder. */
  const exposed = (objects: readonly string[]): string[] => {
    const { stdout, status } = spawnSync('nm', ['-A', ...objects], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.length).toBeGreaterThan(objects.length);
    return lines.filter((line) => / [TWVvwu] /.test(line)).map((line) => line.slice(folder.length));
  };

  // The linker keeps one copy of a weak function for all instruction sets; if that is the AVX-512 one, a smaller CPU
  // dies in it.
  const kernels = objectsOf(/^kernels_\w+\.dir\//);
  it.skipIf(missing('nm', canRead && kernels.length > 0))(
    'hold no weak symbol and no function that others could call',
    () => expect(exposed(kernels)).toEqual([]),
  );

  const eigen = objectsOf(/^eigen_\w+\.dir\//);
  it.skipIf(missing('eigen', eigen.length > 0) || !canRead)(
    "hold Eigen's inline functions only under a name of their instruction set",
    () => {
      // DW.ref.*: a pointer, the same in all.
      const shared = exposed(eigen).filter((line) => {
        const isa = /eigen_(\w+)\.dir/.exec(line)![1]!;
        return !line.includes(`Eigen_${isa}`) && !/ V DW\.ref\./.test(line);
      });
      expect(shared).toEqual([]);
    },
  );
});
