/**
 * Load-balanced gather-scatter patterns GS(B, k): what a processor with a scratchpad of B banks gathers without a
 * conflict (F. Sun et al., Load-balanced Gather-scatter Patterns for Sparse Deep Neural Networks, arXiv:2112.10898).
 *
 * Column j lies in bank j mod B. Rows come in groups of B / k, and a group's nonzeros in bundles of B: k from each of
 * its rows, no two from the same bank. `horizontal`: k = B, a group is a row; `vertical`: k = 1; `hybrid`: in between;
 * `scatter`: as hybrid or vertical, but rows are sorted by length, longest first, and grouped then.
 *
 * A matrix of normally distributed weights is pruned to that: each group keeps as many bundles as pruning by magnitude
 * alone would leave it nonzeros, filled with its largest magnitudes as far as rows and banks have room. `spread` is
 * the standard deviation of the logarithm of a row's scale: 0 makes rows alike, so that they are about equally long.
 * How the weights of the paper's networks are spread is not reproduced. `native/formats/gather-scatter.md` says more.
 */
import { portableExp } from '../portable-math.ts';
import type { Random } from '../random.ts';
import {
  type GeneratedPattern,
  type MaskRequest,
  maskOfRows,
  nearestNonzeros,
  type Parameters,
} from './pattern.ts';

/** Cells of a group that a key has room for beside the 31 bits of a magnitude. */
const mostCells = 2 ** 22;

type Variant = 'horizontal' | 'vertical' | 'hybrid' | 'scatter';

/** GS(B, k) of a request. */
export interface Layout {
  readonly variant: Variant;
  readonly banks: number;
  /** Nonzeros of a bundle in one row: k. */
  readonly perRow: number;
  /** Rows of a group: B / k. */
  readonly height: number;
}

function layoutOf(parameters: Parameters): Layout {
  const variant = parameters.variant as Variant;
  const banks = parameters.banks as number;
  const usual = {
    horizontal: banks,
    vertical: 1,
    hybrid: Math.ceil(banks / 4),
    scatter: Math.ceil(banks / 4),
  };
  const perRow = parameters.k === 0 ? usual[variant] : (parameters.k as number);
  return { variant, banks, perRow, height: banks / perRow };
}

/** The values of k that a variant has with B banks. */
function perRowChoices(variant: Variant, banks: number): readonly number[] {
  if (variant === 'horizontal') return [banks];
  if (variant === 'vertical') return [1];
  const choices: number[] = [];
  for (let k = variant === 'hybrid' ? 2 : 1; k < banks; k += 1) if (banks % k === 0) choices.push(k);
  return choices;
}

/** |weight| of each cell: normal, times a row's scale. */
function magnitudesOf(rows: number, cols: number, spread: number, random: Random): Float32Array {
  const magnitudes = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i += 1) {
    const scale = spread === 0 ? 1 : portableExp(spread * random.gaussian());
    for (let cell = i * cols; cell < (i + 1) * cols; cell += 1) {
      magnitudes[cell] = scale * Math.abs(random.gaussian());
    }
  }
  return magnitudes;
}

/** The `count`-th largest of numbers that are not negative; `count` from 1. */
function thresholdOf(magnitudes: Float32Array, count: number): number {
  // Their bits ascend as they do: only those that share their first 16 with the one sought need sorting.
  const bits = new Uint32Array(magnitudes.buffer);
  const sharing = new Uint32Array(2 ** 16);
  for (const each of bits) sharing[each >>> 16]! += 1;
  let prefix = sharing.length - 1;
  let left = count;
  for (; left > sharing[prefix]!; prefix -= 1) left -= sharing[prefix]!;
  const candidates = magnitudes.filter((_, cell) => bits[cell]! >>> 16 === prefix).sort();
  return candidates[candidates.length - left]!;
}

/** How many cells pruning the whole matrix by magnitude to `count` nonzeros leaves each row; of equal ones the first. */
function survivorsOf(magnitudes: Float32Array, rows: number, cols: number, count: number): Int32Array {
  const survivors = new Int32Array(rows);
  if (count === 0) return survivors;
  const threshold = thresholdOf(magnitudes, count);
  let equal = count;
  for (const magnitude of magnitudes) if (magnitude > threshold) equal -= 1;
  for (let cell = 0; cell < rows * cols; cell += 1) {
    if (magnitudes[cell]! < threshold) continue;
    if (magnitudes[cell] === threshold) {
      if (equal === 0) continue;
      equal -= 1;
    }
    survivors[Math.floor(cell / cols)]! += 1;
  }
  return survivors;
}

/**
 * Bundles of each group, by largest remainders: nonzeros of a bundle times bundles comes as near to `survivors` as it
 * can, and in all as near to `count`. `sizes` are the nonzeros of a bundle: B, fewer where the last group lacks rows.
 * `falling`: no group gets more than the one before it, as `survivors` are.
 */
function bundleCounts(
  survivors: readonly number[],
  sizes: readonly number[],
  count: number,
  falling: boolean,
): Int32Array {
  const exact = survivors.map((nonzeros, group) => nonzeros / sizes[group]!);
  const bundles = Int32Array.from(exact, Math.floor);
  let total = bundles.reduce((sum, each, group) => sum + each * sizes[group]!, 0);
  const order = exact.map((_, group) => group).filter((group) => exact[group]! > bundles[group]!);
  // Smaller bundles last: they make up for what whole ones have left over.
  order.sort(
    (one, other) =>
      sizes[other]! - sizes[one]! ||
      exact[other]! - bundles[other]! - (exact[one]! - bundles[one]!) ||
      one - other,
  );
  for (const group of order) {
    const size = sizes[group]!;
    if (2 * (count - total) < size) continue;
    // Groups of one size come in an order that keeps them falling.
    if (falling && group > 0 && size < sizes[group - 1]! && bundles[group]! >= bundles[group - 1]!) continue;
    bundles[group]! += 1;
    total += size;
  }
  return bundles;
}

/** Rows by a falling number each, ties in the order of the rows. */
function sortedRows(numbers: Int32Array): Int32Array {
  const order = Int32Array.from(numbers, (_, row) => row);
  return order.sort((one, other) => numbers[other]! - numbers[one]! || one - other);
}

/** Cells of some rows (place of the row * cols + column), largest magnitude first. */
function cellsByMagnitude(magnitudes: Float32Array, rows: Int32Array, cols: number): Int32Array {
  // Bits of a float that is not negative ascend as it does; with the cell below them a key needs no comparator, which
  // would take ten times as long. 31 + 22 bits are exact in a double.
  const bits = new Uint32Array(magnitudes.buffer);
  const keys = new Float64Array(rows.length * cols);
  for (let at = 0; at < rows.length; at += 1) {
    for (let j = 0; j < cols; j += 1)
      keys[at * cols + j] = bits[rows[at]! * cols + j]! * mostCells + at * cols + j;
  }
  keys.sort();
  const cells = new Int32Array(keys.length);
  for (let rank = 0; rank < keys.length; rank += 1) {
    const key = keys[keys.length - 1 - rank]!;
    cells[rank] = key - Math.floor(key / mostCells) * mostCells;
  }
  return cells;
}

/** Nonzeros that rows may still take and banks still have room for, and those taken by row and bank. */
interface Balance {
  readonly rowLeft: Int32Array;
  readonly bankLeft: Int32Array;
  readonly taken: Int32Array;
}

/**
 * Gives a row one more nonzero though each bank with room has no more columns in it: it takes from another bank, whose
 * other rows move on, along the shortest chain to a bank with room. There is one: a row that takes of all banks alike
 * shows that all can be served (L. R. Ford, D. R. Fulkerson, Canadian Journal of Mathematics 8, 1956).
 */
function makeRoom({ rowLeft, bankLeft, taken }: Balance, needy: number, capacity: number): void {
  const banks = bankLeft.length;
  const rowBefore = new Int32Array(banks).fill(-1);
  const bankBefore = new Int32Array(rowLeft.length).fill(-1);
  const queue = [needy];
  let reached = -1;
  for (let head = 0; reached < 0; head += 1) {
    const row = queue[head]!;
    for (let bank = 0; bank < banks && reached < 0; bank += 1) {
      if (rowBefore[bank] !== -1 || taken[row * banks + bank] === capacity) continue;
      rowBefore[bank] = row;
      if (bankLeft[bank]! > 0) reached = bank;
      for (let other = 0; other < rowLeft.length; other += 1) {
        if (other === needy || bankBefore[other] !== -1 || taken[other * banks + bank] === 0) continue;
        bankBefore[other] = bank;
        queue.push(other);
      }
    }
  }
  rowLeft[needy]! -= 1;
  bankLeft[reached]! -= 1;
  for (let bank = reached; bank !== -1; ) {
    const row = rowBefore[bank]!;
    taken[row * banks + bank]! += 1;
    bank = row === needy ? -1 : bankBefore[row]!;
    if (bank !== -1) taken[row * banks + bank]! -= 1;
  }
}

/**
 * The columns kept in each row of a group, for `bundles` bundles: the largest magnitudes of the group first, as long as
 * their row and bank have room. `magnitudes` is row-major with `cols` columns, a multiple of B; `rows` may be fewer than
 * the group has. A group has at most 2^22 cells.
 */
export function pruneGroup(
  magnitudes: Float32Array,
  rows: Int32Array,
  bundles: number,
  { banks, perRow }: Layout,
  cols: number,
): number[][] {
  const balance: Balance = {
    rowLeft: new Int32Array(rows.length).fill(bundles * perRow),
    bankLeft: new Int32Array(banks).fill(bundles),
    taken: new Int32Array(rows.length * banks),
  };
  const { rowLeft, bankLeft, taken } = balance;
  const kept: number[][] = Array.from(rows, () => []);
  const wanted = bundles * perRow * rows.length;
  if (wanted === 0) return kept;
  const cells = cellsByMagnitude(magnitudes, rows, cols);
  for (let rank = 0, left = wanted; left > 0 && rank < cells.length; rank += 1) {
    const at = Math.floor(cells[rank]! / cols);
    // Columns of a row are whole rounds of the banks, so that a cell's number has its bank.
    const bank = cells[rank]! % banks;
    if (rowLeft[at] === 0 || bankLeft[bank] === 0) continue;
    rowLeft[at]! -= 1;
    bankLeft[bank]! -= 1;
    taken[at * banks + bank]! += 1;
    left -= 1;
  }
  for (let at = 0; at < rows.length; at += 1) while (rowLeft[at]! > 0) makeRoom(balance, at, cols / banks);
  // Moving changes how many a row keeps in a bank, not that they are the largest.
  for (let rank = 0, left = wanted; left > 0; rank += 1) {
    const at = Math.floor(cells[rank]! / cols);
    const place = at * banks + (cells[rank]! % banks);
    if (taken[place] === 0) continue;
    taken[place]! -= 1;
    kept[at]!.push(cells[rank]! - at * cols);
    left -= 1;
  }
  return kept;
}

/** Nonzeros of a bundle in each group: B, fewer in a last group that lacks rows. */
function bundleSizes(rows: number, { perRow, height }: Layout): readonly number[] {
  return Array.from(
    { length: Math.ceil(rows / height) },
    (_, group) => Math.min(height, rows - group * height) * perRow,
  );
}

/** Groups of rows with the number of bundles that each keeps. */
function groupsOf(request: MaskRequest, layout: Layout, magnitudes: Float32Array) {
  const { rows, cols } = request;
  const count = nearestNonzeros(request);
  const sizes = bundleSizes(rows, layout);
  const survivors = survivorsOf(magnitudes, rows, cols, count);
  const inOrder = Int32Array.from(survivors, (_, row) => row);
  const order = layout.variant === 'scatter' ? sortedRows(survivors) : inOrder;
  const rowsOf = (from: Int32Array, group: number) =>
    from.subarray(group * layout.height, (group + 1) * layout.height);
  const bundles = bundleCounts(
    sizes.map((_, group) => rowsOf(order, group).reduce((sum, row) => sum + survivors[row]!, 0)),
    sizes,
    count,
    layout.variant === 'scatter',
  );
  // Who is in a group must follow from the lengths of the rows alone, or no reader could find the groups again.
  const lengths = new Int32Array(rows);
  for (let at = 0; at < rows; at += 1) lengths[order[at]!] = bundles[Math.floor(at / layout.height)]!;
  const final = layout.variant === 'scatter' ? sortedRows(lengths) : order;
  return sizes.map((_, group) => {
    const members = rowsOf(final, group);
    return { members, bundles: lengths[members[0]!]! };
  });
}

export const gatherScatter: GeneratedPattern = {
  kind: 'generated',
  name: 'gather-scatter',
  summary: 'pruned so that gathers of B elements meet B different banks of a scratchpad',
  parameters: {
    variant: {
      type: 'choice',
      choices: ['horizontal', 'vertical', 'hybrid', 'scatter'],
      default: 'horizontal',
    },
    banks: { type: 'integer', min: 2, max: 64, default: 16 },
    // 0: what the variant has, a quarter of the banks for hybrid and scatter.
    k: { type: 'integer', min: 0, max: 64, default: 0 },
    spread: { type: 'number', min: 0, max: 2, default: 0 },
  },
  label(parameters) {
    const { variant, banks, perRow } = layoutOf(parameters);
    const each = variant === 'horizontal' || variant === 'vertical' ? '' : `x${perRow}`;
    const spread = parameters.spread === 0 ? '' : `-r${parameters.spread}`;
    return `gs-${variant}-${banks}${each}${spread}`;
  },
  refuse({ cols, parameters }) {
    const { variant, banks, perRow, height } = layoutOf(parameters);
    const choices = perRowChoices(variant, banks);
    if (!choices.includes(perRow)) {
      const known = choices.length === 0 ? 'more banks' : `one of ${choices.join(', ')}`;
      return `Expected ${known} for k of pattern gather-scatter, ${variant} with ${banks} banks, received ${perRow}. Correct it, or leave it out.`;
    }
    if (height * cols > mostCells) {
      return `Expected at most ${mostCells / height} columns for pattern gather-scatter, ${variant} with ${banks} banks, received ${cols}. Choose a narrower shape.`;
    }
    if (cols % banks === 0) return null;
    return `Expected a multiple of banks = ${banks} for the columns of pattern gather-scatter, received ${cols}. Choose another shape or number of banks.`;
  },
  nonzeros(request) {
    const { rows, cols, parameters } = request;
    const layout = layoutOf(parameters);
    const count = nearestNonzeros(request);
    if (count === 0 || count === rows * cols) return { least: count, most: count };
    if (rows % layout.height === 0) {
      const whole = Math.round(count / layout.banks) * layout.banks;
      return { least: whole, most: whole };
    }
    // Bundles of two sizes: at most half a bundle from what was asked for.
    const half = Math.floor(layout.banks / 2);
    return { least: Math.max(0, count - half), most: Math.min(rows * cols, count + half) };
  },
  seeded: () => true,
  generate(request, random) {
    const { rows, cols, parameters } = request;
    const layout = layoutOf(parameters);
    const magnitudes = magnitudesOf(rows, cols, parameters.spread as number, random);
    const columns: Int32Array[] = [];
    for (const { members, bundles } of groupsOf(request, layout, magnitudes)) {
      for (const [at, kept] of pruneGroup(magnitudes, members, bundles, layout, cols).entries()) {
        columns[members[at]!] = Int32Array.from(kept).sort();
      }
    }
    return maskOfRows(rows, (row) => columns[row]!);
  },
};
