/** What a mask of load-balanced gather-scatter promises: bundles of B that meet B banks, equally many in each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Layout, pruneGroup } from '../src/workload/patterns/gather-scatter.ts';
import { generateMask, type Mask, patternSpec, refusalOf } from '../src/workload/patterns/index.ts';

const variants = ['horizontal', 'vertical', 'hybrid', 'scatter'] as const;

/** A pattern with the rows and columns of a matrix that it fits. */
const requests = fc
  .record({
    variant: fc.constantFrom(...variants),
    banks: fc.constantFrom(4, 8, 16),
    divisor: fc.nat(),
    spread: fc.constantFrom(0, 0.7),
    rows: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 6 }),
    density: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.nat(1000),
  })
  .map(({ variant, banks, divisor, spread, rows, width, density, seed }) => {
    const hybrid = [2, 4, 8].filter((k) => k < banks);
    const choices = { horizontal: [banks], vertical: [1], hybrid, scatter: [1, ...hybrid] }[variant];
    const k = choices[divisor % choices.length]!;
    const spec = patternSpec('gather-scatter', { variant, banks, k, spread });
    const layout: Layout = { variant, banks, perRow: k, height: banks / k };
    return { spec, layout, rows, cols: width * banks, density, seed };
  });

const columnsOf = (mask: Mask, row: number): Int32Array =>
  mask.colIndices.subarray(mask.rowOffsets[row], mask.rowOffsets[row + 1]);

/** The rows of each group, found from the mask alone. */
function groupsOf(mask: Mask, rows: number, { variant, height }: Layout): number[][] {
  const order = Array.from({ length: rows }, (_, row) => row);
  const length = (row: number) => columnsOf(mask, row).length;
  if (variant === 'scatter') order.sort((one, other) => length(other) - length(one) || one - other);
  return Array.from({ length: Math.ceil(rows / height) }, (_, group) =>
    order.slice(group * height, (group + 1) * height),
  );
}

/** Times that one gather asks a bank again. */
function conflictsOf(columns: ArrayLike<number>, banks: number): number {
  const asked = new Int32Array(banks);
  for (let lane = 0; lane < columns.length; lane += 1) asked[columns[lane]! % banks]! += 1;
  return Math.max(...asked) - 1;
}

/** The bundles of a group, taken one after the other; the rows that it lacks fill up with -1. */
function bundlesOf(mask: Mask, members: readonly number[], { banks, perRow, height }: Layout): number[][] {
  const left = Array.from({ length: height }, (_, at) =>
    Array.from({ length: banks }, (_, bank) =>
      at < members.length ? [...columnsOf(mask, members[at]!)].filter((j) => j % banks === bank) : [],
    ),
  );
  const count = columnsOf(mask, members[0]!).length / perRow;
  // What rows that are not there would hold: whatever their banks lack.
  for (let bank = 0; bank < banks; bank += 1) {
    let missing = count - left.reduce((sum, row) => sum + row[bank]!.length, 0);
    for (let at = members.length; at < height && missing > 0; at += 1) {
      const used = left[at]!.reduce((sum, columns) => sum + columns.length, 0);
      const taken = Math.min(missing, count * perRow - used);
      left[at]![bank]! = Array.from({ length: taken }, () => -1);
      missing -= taken;
    }
  }
  // Any bundle leaves rows and banks as evenly full as they were, so that there is another: König's theorem.
  return Array.from({ length: count }, () => {
    const strandOf = new Int32Array(banks).fill(-1);
    const cellOf = (strand: number, bank: number) => left[Math.floor(strand / perRow)]![bank]!;
    const augment = (strand: number, tried: Set<number>): boolean => {
      for (let bank = 0; bank < banks; bank += 1) {
        if (tried.has(bank) || cellOf(strand, bank).length === 0) continue;
        tried.add(bank);
        if (strandOf[bank] !== -1 && !augment(strandOf[bank]!, tried)) continue;
        strandOf[bank] = strand;
        return true;
      }
      return false;
    };
    for (let strand = 0; strand < banks; strand += 1) expect(augment(strand, new Set())).toBe(true);
    return Array.from({ length: banks }, (_, bank) => cellOf(strandOf[bank]!, bank).pop()!);
  });
}

describe('a gather-scatter mask', () => {
  it('has rows of equal length in a group, and its banks equally full', () => {
    fc.assert(
      fc.property(requests, ({ spec, layout, rows, cols, density, seed }) => {
        const mask = generateMask(spec, { rows, cols, density, seed });
        for (const members of groupsOf(mask, rows, layout)) {
          const lengths = members.map((row) => columnsOf(mask, row).length);
          expect(new Set(lengths).size).toBe(1);
          expect(lengths[0]! % layout.perRow).toBe(0);
          const count = lengths[0]! / layout.perRow;
          const inBank = new Int32Array(layout.banks);
          for (const row of members) for (const j of columnsOf(mask, row)) inBank[j % layout.banks]! += 1;
          if (members.length === layout.height) expect([...new Set(inBank)]).toEqual([count]);
          else expect(Math.max(...inBank)).toBeLessThanOrEqual(count);
        }
      }),
    );
  });

  it('is a sum of bundles without a conflict', () => {
    fc.assert(
      fc.property(requests, ({ spec, layout, rows, cols, density, seed }) => {
        const mask = generateMask(spec, { rows, cols, density, seed });
        for (const members of groupsOf(mask, rows, layout)) {
          for (const bundle of bundlesOf(mask, members, layout)) {
            expect(
              conflictsOf(
                bundle.filter((column) => column >= 0),
                layout.banks,
              ),
            ).toBeLessThanOrEqual(0);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('comes as near to its density as bundles can', () => {
    fc.assert(
      fc.property(requests, ({ spec, layout, rows, cols, density, seed }) => {
        const nonzeros = generateMask(spec, { rows, cols, density, seed }).colIndices.length;
        const asked = Math.round(density * rows * cols);
        expect(Math.abs(nonzeros - asked)).toBeLessThanOrEqual(layout.banks / 2);
        if (rows % layout.height === 0) expect(nonzeros % layout.banks).toBe(0);
      }),
    );
  });

  it('has rows that are full or empty where a row is as long as a bundle: GS(B, B) is dense there', () => {
    const spec = patternSpec('gather-scatter', { banks: 16 });
    const mask = generateMask(spec, { rows: 30, cols: 16, density: 0.4, seed: 1 });
    const lengths = Array.from({ length: 30 }, (_, row) => columnsOf(mask, row).length);
    expect(lengths.filter((length) => length === 16).length).toBe(12);
    expect(lengths.filter((length) => length === 0).length).toBe(18);
    expect(generateMask(spec, { rows: 30, cols: 16, density: 1, seed: 1 }).colIndices.length).toBe(480);
  });

  it('has uneven rows where the weights of rows are, and scatter brings rows of one length together', () => {
    const size = { rows: 64, cols: 128, density: 0.2, seed: 3 };
    const lengthsOf = (variant: string, spread: number) => {
      const mask = generateMask(patternSpec('gather-scatter', { variant, spread }), size);
      return Array.from({ length: 64 }, (_, row) => columnsOf(mask, row).length);
    };
    const range = (lengths: number[]) => Math.max(...lengths) - Math.min(...lengths);
    expect(range(lengthsOf('horizontal', 0))).toBeLessThanOrEqual(16);
    // Four neighbours share their length, whatever each of them could do with; four of a kind differ more.
    expect(range(lengthsOf('scatter', 0.7))).toBeGreaterThan(range(lengthsOf('hybrid', 0.7)));
    expect(range(lengthsOf('scatter', 0.7))).toBeGreaterThan(30);
  });
});

describe('unstructured gathers conflict', () => {
  // The expected worst load of B banks asked B times at random.
  it.each([
    [8, 2.597],
    [16, 3.078],
    [32, 3.533],
  ])('B = %i: a bank is asked %f times', (banks, load) => {
    const mask = generateMask(patternSpec('uniform'), { rows: 400, cols: 20_000, density: 0.01, seed: 1 });
    let gathers = 0;
    let conflicts = 0;
    for (let row = 0; row < 400; row += 1) {
      const columns = columnsOf(mask, row);
      for (let at = 0; at + banks <= columns.length; at += banks, gathers += 1) {
        conflicts += conflictsOf(columns.subarray(at, at + banks), banks);
      }
    }
    // Standard deviations are 0.6 to 0.8: a mean of 2000 gathers and more is within 0.09 (five deviations).
    expect(gathers).toBeGreaterThan(2000);
    expect(Math.abs(1 + conflicts / gathers - load)).toBeLessThan(0.09);
  });
});

describe('pruning', () => {
  it('keeps the largest magnitudes of each bank of a row', () => {
    const layout: Layout = { variant: 'horizontal', banks: 4, perRow: 4, height: 1 };
    const magnitudes = Float32Array.of(1, 9, 3, 4, 5, 2, 7, 8, 6, 3, 5, 1);
    expect(pruneGroup(magnitudes, Int32Array.of(0), 1, layout, 12)).toEqual([[1, 7, 6, 8]]);
    expect(pruneGroup(magnitudes, Int32Array.of(0), 2, layout, 12)[0]!.toSorted((a, b) => a - b)).toEqual([
      1, 3, 4, 6, 7, 8, 9, 10,
    ]);
  });

  it('keeps the largest magnitudes of a group that its rows and banks have room for', () => {
    const layout: Layout = { variant: 'vertical', banks: 2, perRow: 1, height: 2 };
    const magnitudes = Float32Array.of(5, 4, 0, 0, 9, 0.5, 1, 0);
    // 9 takes row 1 and bank 0, which leaves row 0 bank 1.
    expect(pruneGroup(magnitudes, Int32Array.of(0, 1), 1, layout, 4)).toEqual([[1], [0]]);
    // 9, 5, 4 and then 0.5: bank 0 has no room left for 1.
    expect(pruneGroup(magnitudes, Int32Array.of(0, 1), 2, layout, 4)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('moves nonzeros to other banks where a row would be left without a column', () => {
    const layout: Layout = { variant: 'vertical', banks: 3, perRow: 1, height: 3 };
    // 9, 8, 6 and 5 fill rows 1 and 2 and banks 0 and 1. Row 0 can take bank 2 once; for its second nonzero row 1
    // gives up bank 0 for bank 2.
    const magnitudes = Float32Array.of(0.3, 0.2, 0.1, 9, 8, 7, 6, 5, 4);
    const kept = pruneGroup(magnitudes, Int32Array.of(0, 1, 2), 2, layout, 3);
    expect(kept.map((columns) => columns.toSorted((a, b) => a - b))).toEqual([
      [0, 2],
      [1, 2],
      [0, 1],
    ]);
  });
});

describe('what does not fit is refused', () => {
  it.each([
    [{ variant: 'horizontal', k: 4 }, 32, /one of 16 for k .*received 4/],
    [{ variant: 'vertical', k: 4 }, 32, /one of 1 for k/],
    [{ variant: 'hybrid', k: 3 }, 32, /one of 2, 4, 8 for k/],
    [{ variant: 'scatter', k: 16 }, 32, /one of 1, 2, 4, 8 for k/],
    [{ variant: 'hybrid', banks: 2 }, 32, /more banks for k/],
    [{}, 33, /a multiple of banks = 16 .*received 33/],
  ])('%j on %i columns', (parameters, cols, reason) => {
    expect(refusalOf(patternSpec('gather-scatter', parameters), 32, cols, 0.5)).toMatch(reason);
  });
});
