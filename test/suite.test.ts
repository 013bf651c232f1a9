import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { SparsemarkError } from '../src/terms.ts';
import { workloadsFromFolder } from '../src/workload/folder.ts';
import { editDistance, nearestName } from '../src/workload/nearest-name.ts';
import { makeProblem } from '../src/workload/problem.ts';
import { listSuites, loadSuite, withDensity } from '../src/workload/suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-suite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = `name: tiny
version: "1.2"
description: For the tests
refine: true
defaults:
  cache: [hot, cold]
  seeds: [1, 2]
workloads:
  - op: spmm
    shapes: { one: [8, 16, 4], two: [4, 4, 64] }
    patterns: [uniform, { name: nm, seeds: [7] }]
    densities: [0.5, 0.125]
  - op: spmv
    shapes: { three: [6, 5] }
    patterns: { name: block, rows: 2, cols: 2, densities: 0.1 }
    cache: headline
formats:
  nm: [csr, "nm-2:4"]
  "*": [csr]
`;

function load(text: string) {
  const path = join(folder, 'suite.yaml');
  writeFileSync(path, text);
  return loadSuite(path, { dataFolder: folder });
}

function errorOf(run: () => unknown): SparsemarkError {
  try {
    run();
  } catch (error) {
    if (error instanceof SparsemarkError) return error;
    throw error;
  }
  throw new Error('expected an error, received none');
}

describe('expansion', () => {
  test('lists multiply out in the order shapes, cache, patterns, densities, seeds', () => {
    const suite = load(good);
    expect(suite).toMatchObject({ name: 'tiny', version: '1.2', released: false, refine: true });
    expect(suite.workloads.map(({ id }) => id)).toEqual([
      ...['8x16x4', '4x4x64'].flatMap((shape) =>
        ['hot', 'cold'].flatMap((cache) => [
          `spmm-f32-${shape}-${cache}/uniform-d0.50-s1`,
          `spmm-f32-${shape}-${cache}/uniform-d0.50-s2`,
          `spmm-f32-${shape}-${cache}/uniform-d0.125-s1`,
          `spmm-f32-${shape}-${cache}/uniform-d0.125-s2`,
          `spmm-f32-${shape}-${cache}/nm-2:4-d0.50-s7`,
        ]),
      ),
      'spmv-f32-6x5x1-cold/block-2x2-d0.10-s1',
      'spmv-f32-6x5x1-cold/block-2x2-d0.10-s2',
    ]);
    expect(suite.formats).toEqual({
      uniform: ['csr'],
      'nm-2:4': ['csr', 'nm-2:4'],
      'block-2x2': ['csr'],
      '*': ['csr'],
    });
    expect(suite.workloads[0]).toMatchObject({ layer: 'one', count: 1, pattern: { label: 'uniform' } });
  });

  test('the digest follows ids and formats, and nothing else', () => {
    const { digest } = load(good);
    expect(load(good.replace('For the tests', 'Other words')).digest).toBe(digest);
    expect(load(good.replace('[1, 2]', '[1, 3]')).digest).not.toBe(digest);
    expect(load(good.replace('"*": [csr]', '"*": [coo]')).digest).not.toBe(digest);
  });

  test('shapes come from a table, all or some, with n of their own or given', () => {
    const tabled = (rest: string) =>
      load(
        good.replace(
          'shapes: { one: [8, 16, 4], two: [4, 4, 64] }',
          `shapesFrom: { file: vgg16.csv${rest} }`,
        ),
      );
    expect(tabled(', only: [vgg0_conv2_fwd, vgg0_conv10_fwd]').workloads[0]).toMatchObject({
      shape: { m: 128, k: 576, n: 12544 },
      layer: 'vgg0_conv2_fwd',
      count: 1,
    });
    const some = tabled(', only: vgg0_conv10_fwd, n: [1, 8]').workloads;
    expect(new Set(some.filter(({ op }) => op === 'spmm').map(({ shape }) => shape.n))).toEqual(
      new Set([1, 8]),
    );
    expect(some[0]!.count).toBe(3);
    const error = errorOf(() => tabled(', only: vgg0_conv2'));
    expect(error.message).toMatch(/Did you mean "vgg0_conv\d_fwd"/);
    expect(
      errorOf(() =>
        load(good.replace('shapes: { one: [8, 16, 4], two: [4, 4, 64] }', 'shapesFrom: { file: none.csv }')),
      ).code,
    ).toBe('MISSING_FILE');
    expect(
      errorOf(() =>
        load(good.replace('shapes: { one: [8, 16, 4], two: [4, 4, 64] }', 'shapesFrom: { file: ../x.csv }')),
      ).code,
    ).toBe('BAD_SUITE');
  });

  test('every suite of the package is listed', () => {
    expect(listSuites().map(({ name }) => name)).toEqual(['dlmc', 'layers', 'ops', 'patterns', 'quick']);
  });

  test('withDensity asks the same at another density, to four decimals', () => {
    const [first] = load(good).workloads;
    const other = withDensity(first!, 0.22360679);
    expect(other.id).toBe('spmm-f32-8x16x4-hot/uniform-d0.2236-s1');
    expect(other.density).toBe(0.2236);
    expect(makeProblem(other).a.values.length).toBe(Math.round(0.2236 * 8 * 16));
  });
});

describe('bad suites are refused with their place', () => {
  const cases: readonly (readonly [string, string, string, RegExp, number, number])[] = [
    ['unknown key', 'refine: true', 'refinne: true', /Did you mean "refine"/, 4, 1],
    [
      'unknown key of an entry',
      '    densities: [0.5, 0.125]',
      '    density: [0.5]',
      /Did you mean "densities"/,
      12,
      5,
    ],
    ['unknown key of defaults', '  seeds: [1, 2]', '  seed: [1, 2]', /Did you mean "seeds"/, 7, 3],
    ['duplicate key', 'refine: true', 'refine: true\nname: again', /"name" twice/, 5, 1],
    ['wrong type', 'refine: true', 'refine: 3', /Expected true or false for refine, received 3/, 4, 9],
    ['no YAML', 'refine: true', 'refine: [true', /syntax error/, 5, 1],
    ['a missing key', 'description: For the tests\n', '', /Expected description/, 1, 1],
    ['an empty value', 'description: For the tests', 'description:', /Give description a value/, 3, 1],
    ['negative size', '[8, 16, 4]', '[8, -16, 4]', /integer in 1\.\.2147483647 .*received -16/, 10, 24],
    ['zero size', '[8, 16, 4]', '[8, 16, 0]', /received 0/, 10, 28],
    ['NaN size', '[8, 16, 4]', '[.nan, 16, 4]', /received \.nan/, 10, 21],
    ['fraction as size', '[8, 16, 4]', '[8, 16.5, 4]', /received 16\.5/, 10, 24],
    ['text as size', '[8, 16, 4]', '[8, "16", 4]', /received "16"/, 10, 24],
    ['two sizes for spmm', '[8, 16, 4]', '[8, 16]', /a list \[m, k, n\]/, 10, 20],
    ['n above 1 for spmv', '[6, 5]', '[6, 5, 2]', /n = 1 for the shape of spmv/, 14, 22],
    ['too many cells', '[8, 16, 4]', '[1000000, 1000000, 4]', /m \* k of at most/, 10, 20],
    ['density above 1', '[0.5, 0.125]', '[0.5, 1.5]', /number in 0\.\.1 .*received 1\.5/, 12, 22],
    ['negative density', '[0.5, 0.125]', '[-0.5]', /received -0\.5/, 12, 17],
    ['NaN density', '[0.5, 0.125]', '[.nan]', /received \.nan/, 12, 17],
    ['no densities', '    densities: [0.5, 0.125]\n', '', /"densities"/, 11, 16],
    ['unknown op', 'op: spmm', 'op: spmn', /Did you mean "spmm"/, 9, 9],
    ['unknown pattern', '[uniform,', '[uniforn,', /Did you mean "uniform"/, 11, 16],
    ['unknown parameter', 'rows: 2', 'row: 2', /Did you mean "rows"/, 15, 30],
    ['bad parameter', 'rows: 2', 'rows: 0', /integer in 1\.\.1024 for parameter rows/, 15, 15],
    ['file as pattern', '[uniform,', '[file,', /received "file"/, 11, 16],
    ['unknown dtype', 'cache: [hot, cold]', 'cache: [hot, cold]\n  dtype: f64', /Did you mean "f32"/, 7, 10],
    ['unknown cache state', '[hot, cold]', '[hot, warm]', /one of hot, cold, headline/, 6, 16],
    ['negative seed', 'seeds: [1, 2]', 'seeds: [-1]', /received -1/, 7, 11],
    ['empty list', 'seeds: [1, 2]', 'seeds: []', /at least one element/, 7, 10],
    ['format with odd characters', '"nm-2:4"', '"nm 2:4"', /a format such as csr/, 18, 13],
    ['format twice', '[csr, "nm-2:4"]', '[csr, csr]', /received "csr" twice/, 18, 7],
    ['formats for no pattern', '  nm: [', '  nmm: [', /Did you mean "nm"/, 18, 3],
    ['no formats for a pattern', '  "*": [csr]\n', '', /formats for pattern uniform/, 18, 3],
    ['the same workload twice', 'seeds: [1, 2]', 'seeds: [1, 1]', /twice/, 11, 16],
    [
      'a density that a pattern cannot have',
      'name: nm,',
      'name: nm, densities: [0.3],',
      /Expected density 0\.5 for pattern nm-2:4/,
      11,
      49,
    ],
    ['a name with odd characters', 'name: tiny', 'name: "Tiny!"', /small letters/, 1, 7],
    ['a list for the file', good, '- 1\n- 2\n', /a mapping/, 1, 1],
    ['nothing at all', good, '', /received nothing/, 0, 0],
  ];
  test.each(cases)('%s', (_, from, to, message, line, column) => {
    expect(good).toContain(from);
    const error = errorOf(() => load(good.replace(from, to)));
    expect(error.code).toBe('BAD_SUITE');
    expect(error.exitCode).toBe(42);
    expect(error.message).toMatch(message);
    expect(error.place.file).toMatch(/suite\.yaml$/);
    if (line > 0) expect([error.place.line, error.place.column]).toEqual([line, column]);
  });

  test('an unknown suite is answered with the nearest', () => {
    const error = errorOf(() => loadSuite('quik'));
    expect([error.code, error.exitCode]).toEqual(['MISSING_FILE', 42]);
    expect(error.message).toMatch(/Did you mean "quick"/);
    expect(errorOf(() => loadSuite(join(folder, 'none.yaml'))).code).toBe('MISSING_FILE');
    expect(errorOf(() => loadSuite(`${folder}/`)).code).toBe('MISSING_FILE');
  });

  test('a collection that is not there says how to add it', () => {
    const error = errorOf(() => loadSuite('dlmc', { dataFolder: folder }));
    expect([error.code, error.exitCode]).toEqual(['MISSING_DATA', 42]);
    expect(error.message).toMatch(/sparsemark data add dlmc/);
  });

  test('whatever a mutation makes of a suite, it expands or is refused by code', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: good.length - 1 }),
        fc.nat({ max: 12 }),
        fc.string({ maxLength: 6, unit: 'binary' }),
        (at, removed, inserted) => {
          try {
            load(good.slice(0, at) + inserted + good.slice(at + removed));
          } catch (error) {
            expect(error).toBeInstanceOf(SparsemarkError);
            expect(['BAD_SUITE', 'MISSING_FILE', 'MISSING_DATA']).toContain((error as SparsemarkError).code);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('a folder of matrices', () => {
  const own = join(folder, 'own');
  mkdirSync(join(own, 'deeper'), { recursive: true });
  writeFileSync(join(own, 'a.smtx'), '2, 3, 2\n0 1 2\n0 2\n');
  writeFileSync(
    join(own, 'deeper', 'b c.mtx'),
    '%%MatrixMarket matrix coordinate real general\n3 3 2\n1 2 -1\n1 1 2.5\n',
  );
  writeFileSync(join(own, 'notes.txt'), 'not a matrix');

  test('becomes a suite of its matrices, ids by their names', () => {
    const suite = workloadsFromFolder(own, { n: [128, 1], cache: 'hot' });
    expect(suite.workloads.map(({ id }) => id)).toEqual([
      'spmm-f32-2x3x128-hot/file-a-d0.3333-s1',
      'spmv-f32-2x3x1-hot/file-a-d0.3333-s1',
      'spmm-f32-3x3x128-hot/file-deeper-b_c-d0.2222-s1',
      'spmv-f32-3x3x1-hot/file-deeper-b_c-d0.2222-s1',
    ]);
    const [, , third] = suite.workloads;
    const problem = makeProblem(third!);
    expect([...problem.a.values]).toEqual([2.5, -1]);
    expect(problem.sortedEntries).toBe(1);
    expect(suite.formats['*']).toContain('csr');
  });

  test('takes one file, and the headline cache state by itself', () => {
    const { workloads } = workloadsFromFolder(join(own, 'a.smtx'), { n: [8, 64] });
    expect(workloads.map(({ cache }) => cache)).toEqual(['cold', 'hot']);
  });

  test('refuses what is no folder, an empty folder and a wrong n', () => {
    expect(errorOf(() => workloadsFromFolder(join(own, 'none'), { n: 1 })).code).toBe('MISSING_FILE');
    mkdirSync(join(folder, 'empty'));
    expect(errorOf(() => workloadsFromFolder(join(folder, 'empty'), { n: 1 })).code).toBe('MISSING_FILE');
    for (const n of [0, -1, 1.5, Number.NaN]) {
      expect(errorOf(() => workloadsFromFolder(own, { n })).code).toBe('USAGE');
    }
    expect(errorOf(() => workloadsFromFolder(join(own, 'notes.txt'), { n: 1 })).code).toBe('BAD_MATRIX');
  });
});

describe('nearest names', () => {
  test('edit distance counts insertions, deletions and substitutions', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('same', 'same')).toBe(0);
  });
  test('is symmetric and obeys the triangle', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
  });
  test('of no names there is none', () => {
    expect(nearestName('x', [])).toBeNull();
  });
});
