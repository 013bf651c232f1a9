import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SparsemarkError } from '../src/terms.ts';
import { addDlmc, dataError, dataFolderOf, listData } from '../src/workload/data.ts';
import { dlmcMatrices, dlmcQuality, qualityOf } from '../src/workload/dlmc.ts';
import { makeProblem } from '../src/workload/problem.ts';
import { loadSuite } from '../src/workload/suite.ts';
import { dlmcFolder, missing } from './needs.ts';

let folder: string;
let dataFolder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsemark-data-'));
  dataFolder = join(folder, 'cache');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tiny = '2, 3, 2\n0 1 2\n0 2\n';
const csv = `model,quality,path,name,nrows
rn50,73.91,dlmc/rn50/magnitude_pruning/0.9/initial_conv.smtx,x,2
transformer,75.28,dlmc/transformer/variational_dropout/0.8/body_encoder_layer_0_ffn_conv1.smtx,x,2
transformer,25.08,dlmc/transformer/variational_dropout/0.7/body_encoder_layer_0_ffn_conv1.smtx,x,2
`;
const collection: Readonly<Record<string, string>> = {
  'dlmc/dlmc.csv': csv,
  'dlmc/rn50_batchsizes.txt': 'initial_conv,12544\nfinal_dense,1\n',
  'dlmc/rn50/magnitude_pruning/0.9/initial_conv.smtx': tiny,
  'dlmc/rn50/magnitude_pruning/0.9/final_dense.smtx': tiny,
  'dlmc/transformer/variational_dropout/0.7/body_encoder_layer_0_ffn_conv1.smtx': tiny,
};

/** An entry of an archive: a file's content, or the header of something else. */
type Entry =
  | string
  | { readonly type: 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO'; readonly linkpath?: string };

/** A tar archive, byte by byte: a well-behaved packer would refuse to write what is to be refused here. */
function archive(entries: Readonly<Record<string, Entry>>): string {
  const blocks: Buffer[] = [];
  for (const [path, entry] of Object.entries(entries)) {
    const content = Buffer.from(typeof entry === 'string' ? entry : '');
    const header = new Header({
      path,
      size: content.length,
      mode: 0o644,
      mtime: new Date(0),
      ...(typeof entry === 'string' ? { type: 'File' as const } : entry),
    });
    const block = Buffer.alloc(512);
    header.encode(block, 0);
    blocks.push(block, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  const path = join(folder, 'dlmc.tar.gz');
  writeFileSync(path, gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])));
  return path;
}

async function errorOf(adding: Promise<unknown>): Promise<SparsemarkError> {
  try {
    await adding;
  } catch (error) {
    if (error instanceof SparsemarkError) return error;
    throw error;
  }
  throw new Error('expected an error, received none');
}

/** Everything below the cache, the half-finished included. */
function cacheContent(): readonly string[] {
  return existsSync(dataFolder) ? readdirSync(dataFolder, { recursive: true }).map(String).sort() : [];
}

describe('adding the collection', () => {
  test('from its archive: checked, listed, and the suite finds it', async () => {
    const phases: string[] = [];
    const added = await addDlmc(archive({ ...collection, 'dlmc/README': 'hello', 'other.bin': 'x' }), {
      dataFolder,
      onProgress: ({ phase, done, total }) => phases.push(`${phase} ${done}/${total}`),
    });
    expect(added).toEqual({ folder: join(dataFolder, 'dlmc'), matrices: 3, otherFiles: 2, ignored: 2 });
    expect(phases).toContain('unpack 5/5');
    expect(phases.at(-1)).toBe('check 3/3');
    expect(listData(dataFolder)).toMatchObject([{ name: 'dlmc', matrices: 3 }]);
    expect(cacheContent().filter((path) => path.startsWith('.'))).toEqual([]);

    const { workloads } = loadSuite('dlmc', { dataFolder });
    expect(workloads.map(({ id }) => id)).toEqual([
      'spmm-f32-2x3x12544-hot/dlmc-rn50-magnitude-d0.10-s2',
      'spmv-f32-2x3x1-cold/dlmc-rn50-magnitude-d0.10-s1',
      ...['32-cold', '128-hot', '512-hot'].map(
        (n) => `spmm-f32-2x3x${n}/dlmc-transformer-variational-d0.30-s5`,
      ),
    ]);
    const problem = makeProblem(workloads[0]!, { dataFolder });
    expect([...problem.a.colIndices]).toEqual([0, 2]);
    expect(problem.achievedDensity).toBeCloseTo(1 / 3);
    expect(qualityOf(workloads[0]!, dataFolder)).toEqual({ model: 'rn50', metric: 'top-1 %', value: 73.91 });
    expect(qualityOf(workloads[2]!, dataFolder)).toEqual({
      model: 'transformer',
      metric: 'BLEU',
      value: 25.08,
    });
  });

  test('from a folder, with or without dlmc/ above, and again: files are replaced, others stay', async () => {
    const source = join(folder, 'source');
    for (const [path, content] of Object.entries(collection)) {
      mkdirSync(join(source, path, '..'), { recursive: true });
      writeFileSync(join(source, path), content);
    }
    await addDlmc(source, { dataFolder });
    const before = cacheContent();
    await addDlmc(join(source, 'dlmc'), { dataFolder });
    expect(cacheContent()).toEqual(before);
    const other = 'rn50/random_pruning/0.5/initial_conv.smtx';
    await addDlmc(archive({ [other]: tiny }), { dataFolder });
    expect(listData(dataFolder)[0]!.matrices).toBe(4);
    expect(dlmcMatrices(dataFolder, 'rn50', ['random'])).toHaveLength(1);
  });

  const evil: readonly (readonly [string, Readonly<Record<string, Entry>>, RegExp])[] = [
    [
      'a path upwards',
      { 'dlmc/../../escape.smtx': tiny },
      /"dlmc\/\.\.\/\.\.\/escape\.smtx", which points outside/,
    ],
    ['an absolute path', { '/tmp/escape.smtx': tiny }, /"\/tmp\/escape\.smtx", an absolute path/],
    ['a drive letter', { 'C:/escape.smtx': tiny }, /absolute path/],
    ['backslashes', { 'dlmc\\..\\..\\escape.smtx': tiny }, /points outside|odd characters/],
    [
      'a symbolic link',
      { 'dlmc/rn50': { type: 'SymbolicLink', linkpath: '/tmp' } },
      /"dlmc\/rn50", a SymbolicLink/,
    ],
    ['a hard link', { 'dlmc/a.smtx': { type: 'Link', linkpath: '/etc/passwd' } }, /"dlmc\/a\.smtx", a Link/],
    ['a device', { 'dlmc/a.smtx': { type: 'CharacterDevice' } }, /a CharacterDevice/],
    ['a pipe', { 'dlmc/a.smtx': { type: 'FIFO' } }, /a FIFO/],
  ];
  test.each(evil)('refuses %s by name, and nothing of the archive is added', async (_, entries, message) => {
    const error = await errorOf(addDlmc(archive({ ...collection, ...entries }), { dataFolder }));
    expect([error.code, error.exitCode]).toEqual(['BAD_ARCHIVE', 42]);
    expect(error.message).toMatch(message);
    expect(cacheContent()).toEqual([]);
    expect(existsSync(join(folder, 'escape.smtx'))).toBe(false);
  });

  test('refuses a link in a folder by name', async () => {
    const source = join(folder, 'source', 'dlmc');
    mkdirSync(source, { recursive: true });
    symlinkSync('/etc', join(source, 'rn50'));
    const error = await errorOf(addDlmc(source, { dataFolder }));
    expect(error.code).toBe('BAD_ARCHIVE');
    expect(error.message).toMatch(/"rn50", a symbolic link/);
  });

  test('refuses a damaged matrix with its line, and the cache stays as it was', async () => {
    await addDlmc(archive(collection), { dataFolder });
    const before = cacheContent();
    const damaged = { 'dlmc/rn50/magnitude_pruning/0.9/initial_conv.smtx': '2, 3, 2\n0 1 2\n0 3\n' };
    const error = await errorOf(addDlmc(archive({ ...collection, ...damaged }), { dataFolder }));
    expect(error.code).toBe('BAD_MATRIX');
    const file = 'dlmc/rn50/magnitude_pruning/0.9/initial_conv.smtx';
    expect(error.place).toEqual({ file, line: 3, column: 3 });
    expect(cacheContent()).toEqual(before);
    expect(readFileSync(join(dataFolder, 'dlmc/rn50/magnitude_pruning/0.9/initial_conv.smtx'), 'utf8')).toBe(
      tiny,
    );
  });

  test('refuses what is no archive, a cut archive, one without matrices, and a missing one', async () => {
    const path = archive(collection);
    const whole = readFileSync(path);
    for (const content of [
      Buffer.from('no archive at all'),
      whole.subarray(0, whole.length / 2),
      Buffer.alloc(0),
    ]) {
      writeFileSync(path, content);
      expect((await errorOf(addDlmc(path, { dataFolder }))).code).toBe('BAD_ARCHIVE');
    }
    expect((await errorOf(addDlmc(archive({ 'dlmc/dlmc.csv': csv }), { dataFolder }))).message).toMatch(
      /received none/,
    );
    expect((await errorOf(addDlmc(join(folder, 'none.tar.gz'), { dataFolder }))).code).toBe('MISSING_FILE');
    expect(cacheContent()).toEqual([]);
  });

  test('a full disk is told apart from other failures', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
      const error = dataError(Object.assign(new Error('no room'), { code }), 'IO', 'data cache x');
      expect([error.code, error.exitCode]).toEqual(['DISK_FULL', 42]);
      expect(error.message).toMatch(/SPARSEMARK_DATA/);
    }
    expect(dataError(Object.assign(new Error('denied'), { code: 'EACCES' }), 'IO', 'x').code).toBe('IO');
  });
});

describe('where the cache is', () => {
  test('SPARSEMARK_DATA, else the cache folder of the user', () => {
    expect(dataFolderOf({ SPARSEMARK_DATA: '/data' })).toBe('/data');
    const own = dataFolderOf({ XDG_CACHE_HOME: '/cache' });
    if (process.platform === 'darwin') expect(own).toMatch(/Library\/Caches\/sparsemark\/data$/);
    else expect(own).toBe('/cache/sparsemark/data');
    expect(dataFolderOf({ SPARSEMARK_DATA: '' })).toMatch(/sparsemark.data$/);
  });
  test('an empty one has no collections', () => {
    expect(listData(dataFolder)).toEqual([]);
  });
});

describe('quality', () => {
  test('leaves out the cells that hold another model’s figure', () => {
    const path = join(folder, 'dlmc.csv');
    writeFileSync(path, csv);
    const qualities = dlmcQuality(path);
    expect([...qualities.values()]).toEqual([
      { model: 'rn50', metric: 'top-1 %', value: 73.91 },
      { model: 'transformer', metric: 'BLEU', value: 25.08 },
    ]);
    writeFileSync(path, 'layer,n\n');
    expect(() => dlmcQuality(path)).toThrow(/Expected columns/);
  });
});

const real = dataFolderOf();
const skipped = missing('dlmc', dlmcFolder() !== null);

describe.skipIf(skipped)('the real collection', () => {
  test('every matrix of the dlmc suite has a shape, an n and, but for the wrong cells, a quality', () => {
    const { workloads } = loadSuite('dlmc', { dataFolder: real });
    expect(workloads.length).toBeGreaterThan(100);
    for (const workload of workloads) {
      const { path } = workload.pattern.parameters;
      if (/transformer\/variational_dropout/.test(String(path))) continue;
      const quality = qualityOf(workload, real);
      expect(quality, String(path)).not.toBeNull();
      if (quality!.metric === 'BLEU') expect(quality!.value).toBeLessThan(30);
      else expect(quality!.value).toBeGreaterThan(40);
    }
    const rn50 = workloads.filter(({ pattern }) => pattern.label === 'dlmc-rn50-magnitude');
    const layers = new Set(rn50.filter(({ density }) => density === 0.1).map(({ layer }) => layer));
    if (layers.size > 0) expect(layers.size).toBe(54);
  });

  test('a matrix has the nonzeros and the spread that the table of the collection gives', () => {
    const [, ...lines] = readFileSync(join(real, 'dlmc', 'dlmc.csv'), 'utf8')
      .trimEnd()
      .split('\n');
    const table = new Map(lines.map((line) => [line.split(',')[2]!, line.split(',').slice(4).map(Number)]));
    const { workloads } = loadSuite('dlmc', { dataFolder: real });
    const some = workloads.filter((workload, at) => at % 37 === 0 && workload.shape.n <= 784);
    expect(some.length).toBeGreaterThan(3);
    for (const workload of some) {
      const { a, statistics } = makeProblem(workload, { dataFolder: real });
      const [rows, cols, nonzeros, rowMean, rowDeviation, colMean, colDeviation] = table.get(
        String(workload.pattern.parameters.path),
      )!;
      expect([a.rows, a.cols, a.values.length]).toEqual([rows, cols, nonzeros]);
      expect(statistics.rowCv).toBeCloseTo(rowDeviation! / rowMean!, 6);
      expect(statistics.colCv).toBeCloseTo(colDeviation! / colMean!, 6);
    }
  });
});
