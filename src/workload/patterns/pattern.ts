/** What every pattern offers. The list of patterns is index.ts. */
import type { ParameterValue } from '../../terms.ts';
import type { ImportedMatrix } from '../import/index.ts';
import type { Random } from '../random.ts';

/** Parameters of a pattern with every default filled in. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** What a parameter may be. A rule without a default must be given. */
export type ParameterRule =
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly default?: number }
  | { readonly type: 'number'; readonly min: number; readonly max: number; readonly default?: number }
  | { readonly type: 'choice'; readonly choices: readonly string[]; readonly default?: string }
  | { readonly type: 'boolean'; readonly default?: boolean }
  | { readonly type: 'text'; readonly default?: string };

/** Where the nonzeros are, in compressed rows: columns ascending within a row, no duplicates. */
export interface Mask {
  readonly rowOffsets: Int32Array;
  readonly colIndices: Int32Array;
}

/** What a generator is asked for. `rows` and `cols` are at least 1, density is in 0..1. */
export interface MaskRequest {
  readonly rows: number;
  readonly cols: number;
  readonly density: number;
  readonly parameters: Parameters;
}

/** Fewest and most nonzeros that a request can give. Equal where the pattern is exact to the element. */
export interface NonzeroRange {
  readonly least: number;
  readonly most: number;
}

/** What generated patterns and the pattern `file` have in common. */
interface PatternBase {
  readonly name: string;
  /** One line for `list`. */
  readonly summary: string;
  readonly parameters: Readonly<Record<string, ParameterRule>>;
  /** How the pattern is written in an id: its name and whatever of its parameters tells it from its siblings. */
  label(parameters: Parameters): string;
  /** Why the parameters do not go together or do not fit the size, as a whole error message, or null if they do. */
  refuse?(request: Omit<MaskRequest, 'density'>): string | null;
  /** The one density that the pattern has at this size; absent where any density may be asked for. */
  fixedDensity?(request: Omit<MaskRequest, 'density'>): number;
}

/** A seeded generator of masks. */
export interface GeneratedPattern extends PatternBase {
  readonly kind: 'generated';
  /** Number of nonzeros that `generate` gives. */
  nonzeros(request: MaskRequest): NonzeroRange;
  /** Whether another seed gives another mask (where there is room for one). */
  seeded(parameters: Parameters): boolean;
  /** The mask. Same request and stream, same mask, on every platform. */
  generate(request: MaskRequest, random: Random): Mask;
}

/** A matrix that lies in a file. */
export interface FilePattern extends PatternBase {
  readonly kind: 'file';
  /** The matrix; values that the file does not give are null. Throws BAD_MATRIX, MISSING_FILE, MISSING_DATA. */
  read(parameters: Parameters, dataFolder: string): ImportedMatrix;
}

/** Where nonzeros come from. */
export type Pattern = GeneratedPattern | FilePattern;

/** The number of nonzeros nearest to a density: round(density * rows * cols). */
export function nearestNonzeros({ rows, cols, density }: MaskRequest): number {
  return Math.round(density * rows * cols);
}

/** The range of a pattern that is exact to the element. */
export function exactNonzeros(request: MaskRequest): NonzeroRange {
  const count = nearestNonzeros(request);
  return { least: count, most: count };
}

/** A mask from ascending cell numbers (row * cols + column). */
export function maskOfCells(rows: number, cols: number, cells: ArrayLike<number>): Mask {
  const rowOffsets = new Int32Array(rows + 1);
  const colIndices = new Int32Array(cells.length);
  for (let p = 0; p < cells.length; p += 1) {
    const row = Math.floor(cells[p]! / cols);
    colIndices[p] = cells[p]! - row * cols;
    rowOffsets[row + 1]! += 1;
  }
  for (let i = 0; i < rows; i += 1) rowOffsets[i + 1]! += rowOffsets[i]!;
  return { rowOffsets, colIndices };
}

/** A mask from one ascending list of columns a row. */
export function maskOfRows(rows: number, columnsOf: (row: number) => ArrayLike<number>): Mask {
  const rowOffsets = new Int32Array(rows + 1);
  const lists: ArrayLike<number>[] = [];
  for (let i = 0; i < rows; i += 1) {
    const columns = columnsOf(i);
    lists.push(columns);
    rowOffsets[i + 1] = rowOffsets[i]! + columns.length;
  }
  const colIndices = new Int32Array(rowOffsets[rows]!);
  for (let i = 0; i < rows; i += 1) colIndices.set(lists[i]!, rowOffsets[i]!);
  return { rowOffsets, colIndices };
}
