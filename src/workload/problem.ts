/** Making a workload concrete: the matrix, the other operands, the digest. Same workload, same bits, everywhere. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import {
  type CacheState,
  type Csr,
  type Dtype,
  type NonzeroStatistics,
  type OpName,
  type Problem,
  type Shape,
  SparsemarkError,
  type Workload,
} from '../terms.ts';
import { dataFolderOf } from './data.ts';
import { drawValues, valuesOfDtype } from './operands.ts';
import { opNamed } from './ops/index.ts';
import { generateMask, patternNamed } from './patterns/index.ts';
import { randomStream } from './random.ts';

/** Digits of a density in an id: at least two decimals, and as many more as it has: 0.10, 0.05, 0.125. */
export function densityText(density: number): string {
  const small = /^(\d)\.?(\d*)e-(\d+)$/.exec(String(density));
  const text =
    small === null ? String(density) : `0.${'0'.repeat(Number(small[3]) - 1)}${small[1]}${small[2]}`;
  const [whole, decimals = ''] = text.split('.');
  return `${whole}.${decimals.padEnd(2, '0')}`;
}

/** What an id is made of. */
export interface WorkloadFacts {
  readonly op: OpName;
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly cache: CacheState;
  /** Label of the pattern. */
  readonly label: string;
  readonly density: number;
  readonly activationDensity?: number;
  readonly seed: number;
}

/** The id of a workload, e.g. `spmm-f32-512x2048x128-hot/uniform-d0.10-s1`. */
export function workloadId(facts: WorkloadFacts): string {
  const shape = opNamed(facts.op).shapeText(facts.shape);
  const activations =
    facts.activationDensity === undefined ? '' : `-a${densityText(facts.activationDensity)}`;
  const what = `${facts.op}-${facts.dtype}-${shape}${activations}-${facts.cache}`;
  return `${what}/${facts.label}-d${densityText(facts.density)}-s${facts.seed}`;
}

/** How nonzeros spread over rows and columns. */
export function statisticsOf(
  csr: Pick<Csr, 'rows' | 'cols' | 'rowOffsets' | 'colIndices'>,
): NonzeroStatistics {
  const { rows, cols, rowOffsets, colIndices } = csr;
  const rowCounts = new Int32Array(rows);
  const colCounts = new Int32Array(cols);
  for (let i = 0; i < rows; i += 1) rowCounts[i] = rowOffsets[i + 1]! - rowOffsets[i]!;
  for (let p = 0; p < colIndices.length; p += 1) colCounts[colIndices[p]!]! += 1;
  let maxRowNonzeros = 0;
  let emptyRows = 0;
  for (const count of rowCounts) {
    if (count > maxRowNonzeros) maxRowNonzeros = count;
    if (count === 0) emptyRows += 1;
  }
  return {
    rowCv: variationOf(rowCounts),
    colCv: variationOf(colCounts),
    maxRowNonzeros,
    emptyRows,
  };
}

/** Coefficient of variation (population standard deviation over mean) of counts; 0 where their mean is 0. */
function variationOf(counts: Int32Array): number {
  let sum = 0;
  for (const count of counts) sum += count;
  if (sum === 0) return 0;
  const mean = sum / counts.length;
  let squares = 0;
  for (const count of counts) squares += (count - mean) * (count - mean);
  return Math.sqrt(squares / counts.length) / mean;
}

/** The bytes of a typed array, little endian on every machine. */
function littleEndianBytes(array: Int32Array | Float32Array): Buffer {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

/** Hex SHA-256 of a matrix: rows, cols and nnz, then offsets, columns and value bits, each 4 bytes little endian. */
export function matrixDigest(csr: Csr): string {
  const hash = createHash('sha256');
  hash.update(littleEndianBytes(Int32Array.of(csr.rows, csr.cols, csr.values.length)));
  hash.update(littleEndianBytes(csr.rowOffsets));
  hash.update(littleEndianBytes(csr.colIndices));
  hash.update(littleEndianBytes(csr.values));
  return hash.digest('hex');
}

/** The sparse operand of a workload. Throws as `makeProblem` does. */
export function makeMatrix(
  workload: Workload,
  dataFolder: string | undefined,
): { readonly a: Csr; readonly sortedEntries: number } {
  const { shape, dtype, pattern, density, seed } = workload;
  const size = { rows: shape.m, cols: shape.k };
  const source = patternNamed(pattern.name);
  const valueStream = `values/${pattern.label}/${shape.m}x${shape.k}/${density}`;
  if (source.kind === 'generated') {
    const mask = generateMask(pattern, { ...size, density, seed });
    const values = drawValues(mask.colIndices.length, randomStream(seed, valueStream));
    return { a: { ...size, ...mask, values: valuesOfDtype(values, dtype) }, sortedEntries: 0 };
  }
  const read = source.read(pattern.parameters, dataFolder ?? dataFolderOf());
  if (read.rows !== size.rows || read.cols !== size.cols) {
    throw new SparsemarkError(
      'BAD_MATRIX',
      `Expected a ${size.rows} x ${size.cols} matrix for ${workload.id}, received ${read.rows} x ${read.cols}. The file changed after the suite was expanded: run again.`,
      { file: String(pattern.parameters.path) },
    );
  }
  const values = read.values ?? drawValues(read.colIndices.length, randomStream(seed, valueStream));
  const { rowOffsets, colIndices, sortedEntries } = read;
  return { a: { ...size, rowOffsets, colIndices, values: valuesOfDtype(values, dtype) }, sortedEntries };
}

/**
 * Make a workload's matrix and operands. `dataFolder` is where matrices of the data cache lie (default: the
 * user's). Throws BAD_SUITE where the pattern does not fit the shape, and what reading throws for pattern `file`.
 */
export function makeProblem(workload: Workload, options: { readonly dataFolder?: string } = {}): Problem {
  const { m, k } = workload.shape;
  const { a, sortedEntries } = makeMatrix(workload, options.dataFolder);
  return {
    workload,
    a,
    operands: opNamed(workload.op).operands(workload, a, (name) => randomStream(workload.seed, name)),
    achievedDensity: a.values.length / (m * k),
    statistics: statisticsOf(a),
    digest: matrixDigest(a),
    sortedEntries,
  };
}
