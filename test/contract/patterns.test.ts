import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  fixedDensityOf,
  generateMask,
  type Mask,
  patternSpec,
  patterns,
  refusalOf,
} from '../../src/workload/patterns/index.ts';

/** Parameters beyond the defaults that are tried. A new pattern is tried with its defaults at once. */
const variants: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  nm: [
    { n: 1, m: 4 },
    { n: 4, m: 8 },
    { n: 4, m: 4 },
  ],
  'bank-balanced': [{ banks: 32 }, { banks: 1 }],
  block: [
    { rows: 1, cols: 4 },
    { rows: 16, cols: 1 },
    { rows: 8, cols: 8 },
  ],
  'gather-scatter': [
    { variant: 'vertical' },
    { variant: 'hybrid' },
    { variant: 'scatter', banks: 8, spread: 0.5 },
    { variant: 'scatter', k: 1 },
  ],
  banded: [{ fill: 0.25 }],
  triangular: [{ exclusive: true }, { tile: 1 }, { tile: 32 }],
  window: [{ width: 3, global: 2 }, { causal: true }, { width: 20, global: 5, causal: true }],
  'block-attention': [{ size: 7 }, { reach: 'causal' }],
  'power-law': [{ exponent: 2 }],
  'dlmc-like': [
    { model: 'rn50', method: 'magnitude' },
    { model: 'transformer', method: 'variational' },
  ],
};

const generated = [...patterns.values()].filter((pattern) => pattern.kind === 'generated');
const specs = generated.flatMap(({ name }) =>
  [{}, ...(variants[name] ?? [])].map((given) => patternSpec(name, given)),
);
const sizes = [
  [1, 1],
  [1, 9],
  [9, 1],
  [16, 16],
  [33, 70],
  [64, 96],
  [256, 64],
] as const;
const densities = [0, 0.003, 0.1, 0.5, 0.97, 1];

/** Densities that a pattern takes at a size; none where it refuses the size. */
function densitiesAt(spec: (typeof specs)[number], rows: number, cols: number): readonly number[] {
  if (patterns.get(spec.name)!.refuse?.({ rows, cols, parameters: spec.parameters }) != null) return [];
  const fixed = fixedDensityOf(spec, rows, cols);
  return fixed === null ? densities : [fixed];
}

/** The first entry that is out of order or out of range, or null. One by one, expect would take minutes. */
function disorderIn(mask: Mask, rows: number, cols: number): string | null {
  for (let i = 0; i < rows; i += 1) {
    let before = -1;
    for (let p = mask.rowOffsets[i]!; p < mask.rowOffsets[i + 1]!; p += 1) {
      const column = mask.colIndices[p]!;
      if (column <= before || column >= cols) return `row ${i}: ${column} after ${before} of ${cols}`;
      before = column;
    }
  }
  return null;
}

function digestOf({ rowOffsets, colIndices }: Mask): string {
  const hash = createHash('sha256');
  hash.update(`${[...rowOffsets].join(' ')}\n${[...colIndices].join(' ')}\n`);
  return hash.digest('hex');
}

describe.each(specs.map((spec) => ({ ...spec })))('pattern $label', (spec) => {
  const pattern = generated.find(({ name }) => name === spec.name)!;

  test('masks are canonical and their count is what the pattern says', () => {
    for (const [rows, cols] of sizes) {
      for (const density of densitiesAt(spec, rows, cols)) {
        const mask = generateMask(spec, { rows, cols, density, seed: 7 });
        expect(mask.rowOffsets.length).toBe(rows + 1);
        expect(mask.rowOffsets[0]).toBe(0);
        expect(mask.rowOffsets[rows]).toBe(mask.colIndices.length);
        expect(disorderIn(mask, rows, cols)).toBeNull();
        const { least, most } = pattern.nonzeros({ rows, cols, density, parameters: spec.parameters });
        expect(mask.colIndices.length).toBeGreaterThanOrEqual(least);
        expect(mask.colIndices.length).toBeLessThanOrEqual(most);
        if (density === 0) expect(mask.colIndices.length).toBe(0);
        if (density === 1) expect(mask.colIndices.length).toBe(rows * cols);
      }
    }
  });

  test('same seed, same mask; another seed, another mask', () => {
    const [rows, cols] = [64, 96];
    const [density] = densitiesAt(spec, rows, cols).filter((one) => one > 0.05);
    const of = (seed: number) => digestOf(generateMask(spec, { rows, cols, density: density!, seed }));
    expect(of(1)).toBe(of(1));
    if (pattern.seeded(spec.parameters)) expect(of(2)).not.toBe(of(1));
    else expect(of(2)).toBe(of(1));
  });

  test('another density than its only one is refused', () => {
    const fixed = fixedDensityOf(spec, 64, 96);
    if (fixed === null) expect(refusalOf(spec, 64, 96, 0.123)).toBeNull();
    else
      expect(refusalOf(spec, 64, 96, fixed > 0.5 ? 0.123 : 0.777)).toMatch(
        /^Expected density .*received 0\.[17]/,
      );
  });

  test('its label holds what an id may hold', () => {
    expect(spec.label).toMatch(/^[a-z0-9][A-Za-z0-9.:-]*$/);
  });
});

test('labels tell all variants apart', () => {
  const labels = new Set(specs.map(({ label }) => label));
  const known = new Set(specs.map(({ name, parameters }) => JSON.stringify([name, parameters])));
  expect(labels.size).toBe(known.size);
});

test('a pattern that is not generated says why it is not here: file reads what the user has', () => {
  const others = [...patterns.values()]
    .filter((pattern) => pattern.kind !== 'generated')
    .map(({ name }) => name);
  expect(others).toEqual(['file']);
});

test('masks have the bits of the golden list, on every platform', () => {
  const golden = fileURLToPath(new URL('../golden/suites/masks.txt', import.meta.url));
  const lines = specs.map((spec) => {
    const fixed = fixedDensityOf(spec, 64, 96);
    const density = fixed ?? 0.2;
    return `${spec.label} ${digestOf(generateMask(spec, { rows: 64, cols: 96, density, seed: 1 }))}`;
  });
  const text = `${[...new Set(lines)].join('\n')}\n`;
  if (process.env.UPDATE_GOLDEN === '1' && !existsSync(golden)) writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, 'utf8'));
});

describe('what each pattern promises', () => {
  const counts = ({ rowOffsets }: Mask) =>
    Array.from(rowOffsets.subarray(1), (end, i) => end - rowOffsets[i]!);

  test('row-balanced: rows differ by at most one', () => {
    const lengths = counts(
      generateMask(patternSpec('row-balanced'), { rows: 37, cols: 50, density: 0.13, seed: 3 }),
    );
    expect(Math.max(...lengths) - Math.min(...lengths)).toBe(1);
  });

  test('nm: exactly n in every whole group, and at most n in the narrower last one', () => {
    const mask = generateMask(patternSpec('nm'), { rows: 20, cols: 11, density: (5 + 1) / 11, seed: 3 });
    for (let i = 0; i < 20; i += 1) {
      const groups = [0, 0, 0];
      for (const column of mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1])) {
        groups[Math.floor(column / 4)]! += 1;
      }
      expect(groups).toEqual([2, 2, 2]);
    }
  });

  test('bank-balanced: the banks of a row keep equally many, rows differ by at most one a bank', () => {
    const spec = patternSpec('bank-balanced', { banks: 8 });
    const mask = generateMask(spec, { rows: 50, cols: 80, density: 0.13, seed: 3 });
    const keptByRows = new Set<number>();
    for (let i = 0; i < 50; i += 1) {
      const banks = new Int32Array(8);
      for (const column of mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1]))
        banks[Math.floor(column / 10)]! += 1;
      expect(new Set(banks).size).toBe(1);
      keptByRows.add(banks[0]!);
    }
    expect([...keptByRows].toSorted()).toEqual([1, 2]);
    expect(mask.colIndices.length).toBe(520);
    expect(refusalOf(spec, 8, 12, 0.5)).toMatch(/divisor of 12/);
  });

  test('block: cells of one block live and die together, cut at the edge', () => {
    const [rows, cols] = [10, 11];
    const mask = generateMask(patternSpec('block'), { rows, cols, density: 0.5, seed: 5 });
    const cells = new Set<number>();
    for (let i = 0; i < rows; i += 1) {
      for (const column of mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1]))
        cells.add(i * cols + column);
    }
    const kept = new Set<number>();
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < cols; j += 1) {
        const corner = (i - (i % 4)) * cols + (j - (j % 4));
        expect(cells.has(i * cols + j)).toBe(cells.has(corner));
        if (cells.has(corner)) kept.add(corner);
      }
    }
    // 3 x 3 blocks at density 0.5: round(4.5) = 5.
    expect(kept.size).toBe(5);
  });

  test('banded: every row is one run around the diagonal', () => {
    const mask = generateMask(patternSpec('banded'), { rows: 40, cols: 40, density: 0.1, seed: 1 });
    for (let i = 0; i < 40; i += 1) {
      const columns = mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1]);
      expect(columns.at(-1)! - columns[0]!).toBe(columns.length - 1);
      expect(Math.abs((columns[0]! + columns.at(-1)!) / 2 - i)).toBeLessThanOrEqual(2);
    }
  });

  test('triangular: output i sees input j only if j <= i within its tile, j < i if exclusive', () => {
    for (const exclusive of [false, true]) {
      const spec = patternSpec('triangular', { tile: 16, exclusive });
      const density = exclusive ? 15 / 32 : 17 / 32;
      const mask = generateMask(spec, { rows: 48, cols: 32, density, seed: 1 });
      expect(mask.colIndices.length / (48 * 32)).toBe(density);
      for (let i = 0; i < 48; i += 1) {
        for (const column of mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1])) {
          expect(column % 16).toBeLessThanOrEqual((i % 16) - (exclusive ? 1 : 0));
        }
      }
    }
    expect(refusalOf(patternSpec('triangular', { tile: 5 }), 16, 16, 0.5)).toMatch(/divisor of 16 and 16/);
  });

  test.each([
    [7, 7],
    [12, 30],
  ])('attention masks of %i queries on %i keys: who sees whom', (rows, cols) => {
    const seesIn = (name: string, given: Record<string, unknown>) => {
      const spec = patternSpec(name, given);
      const density = fixedDensityOf(spec, rows, cols)!;
      const mask = generateMask(spec, { rows, cols, density, seed: 1 });
      return (i: number, j: number) =>
        mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1]).includes(j);
    };
    const all = [0, 1, 3, 40].flatMap((width) =>
      [0, 2, 5, 50].flatMap((global) => [false, true].map((causal) => ({ width, global, causal }))),
    );
    for (const given of all) {
      const { width, global, causal } = given;
      const sees = seesIn('window', given);
      for (let i = 0; i < rows; i += 1) {
        const position = i + cols - rows;
        for (let j = 0; j < cols; j += 1) {
          const near = Math.abs(position - j) <= width || j < global || position < global;
          expect(sees(i, j)).toBe(near && (!causal || j <= position));
        }
      }
    }
    for (const size of [1, 4, 64]) {
      const local = seesIn('block-attention', { size });
      const causal = seesIn('block-attention', { size, reach: 'causal' });
      for (let i = 0; i < rows; i += 1) {
        const own = Math.floor((i + cols - rows) / size);
        for (let j = 0; j < cols; j += 1) {
          expect(local(i, j)).toBe(Math.floor(j / size) === own);
          expect(causal(i, j)).toBe(Math.floor(j / size) <= own);
        }
      }
    }
    for (const name of ['window', 'block-attention']) {
      expect(refusalOf(patternSpec(name), cols + 1, cols, 0.5)).toMatch(/no more rows than columns/);
    }
  });

  test('power-law: the longest row is about 2^exponent times the second', () => {
    const lengths = counts(
      generateMask(patternSpec('power-law'), { rows: 256, cols: 4096, density: 0.01, seed: 2 }),
    );
    lengths.sort((one, other) => other - one);
    expect(lengths[0]! / lengths[1]!).toBeCloseTo(2, 1);
    expect(lengths[0]! / lengths[9]!).toBeCloseTo(10, 0);
  });

  test('uniform: every cell is taken equally often', () => {
    const taken = new Int32Array(48);
    for (let seed = 0; seed < 2000; seed += 1) {
      const mask = generateMask(patternSpec('uniform'), { rows: 6, cols: 8, density: 0.25, seed });
      for (let i = 0; i < 6; i += 1) {
        for (const column of mask.colIndices.subarray(mask.rowOffsets[i], mask.rowOffsets[i + 1]))
          taken[i * 8 + column]! += 1;
      }
    }
    // 500 expected; 5 standard deviations of a hypergeometric count are 97.
    for (const times of taken) expect(Math.abs(times - 500)).toBeLessThan(97);
  });

  test('wrong parameters are named with what is right', () => {
    expect(() => patternSpec('blok')).toThrow(/Did you mean "block"/);
    expect(() => patternSpec('block', { row: 4 })).toThrow(/Did you mean "rows"/);
    expect(() => patternSpec('block', { rows: 0 })).toThrow(/an integer in 1\.\.1024 for parameter rows/);
    expect(() => patternSpec('block', { rows: Number.NaN })).toThrow(/integer/);
    expect(() => patternSpec('file')).toThrow(/path of pattern file, received nothing/);
    expect(refusalOf(patternSpec('nm', { n: 5, m: 4 }), 8, 8, 1)).toMatch(/n of at most m/);
    expect(refusalOf(patternSpec('dlmc-like', { model: 'rn50', method: 'l0' }), 8, 8, 0.1)).toMatch(
      /magnitude/,
    );
  });
});
