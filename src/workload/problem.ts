/** Making a workload concrete: the matrix, the dense operand, the digest. Same workload, same bits, everywhere. */
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
import { generateMask, patternNamed } from './patterns/index.ts';
import { type Random, randomStream } from './random.ts';

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
  readonly seed: number;
}

/** The id of a workload, e.g. `spmm-f32-512x2048x128-hot/uniform-d0.10-s1`. */
export function workloadId(facts: WorkloadFacts): string {
  const { m, k, n } = facts.shape;
  const what = `${facts.op}-${facts.dtype}-${m}x${k}x${n}-${facts.cache}`;
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

/** Values of +-[0.5, 1), exactly representable: none is zero, none cancels to nothing. */
function drawValues(count: number, random: Random): Float32Array {
  const values = new Float32Array(count);
  for (let p = 0; p < count; p += 1) {
    const bits = random.uint32();
    const magnitude = 0.5 + (bits >>> 9) / 16777216;
    values[p] = (bits & 1) === 0 ? magnitude : -magnitude;
  }
  return values;
}

/** The dense operand: [-1, 1) in steps of 2^-23, exactly representable. */
function drawOperand(count: number, random: Random): Float32Array {
  const b = new Float32Array(count);
  for (let at = 0; at < count; at += 1) b[at] = (random.uint32() >>> 8) / 8388608 - 1;
  return b;
}

/** The sparse operand of a workload. */
function makeMatrix(workload: Workload, dataFolder: string | undefined): { a: Csr; sortedEntries: number } {
  const { shape, pattern, density, seed } = workload;
  const size = { rows: shape.m, cols: shape.k };
  const source = patternNamed(pattern.name);
  const valueStream = `values/${pattern.label}/${shape.m}x${shape.k}/${density}`;
  if (source.kind === 'generated') {
    const mask = generateMask(pattern, { ...size, density, seed });
    const values = drawValues(mask.colIndices.length, randomStream(seed, valueStream));
    return { a: { ...size, ...mask, values }, sortedEntries: 0 };
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
  return { a: { ...size, rowOffsets, colIndices, values }, sortedEntries };
}

/**
 * Make a workload's matrix and dense operand. `dataFolder` is where matrices of the data cache lie (default: the
 * user's). Throws BAD_SUITE where the pattern does not fit the shape, and what reading throws for pattern `file`.
 */
export function makeProblem(workload: Workload, options: { readonly dataFolder?: string } = {}): Problem {
  const { m, k, n } = workload.shape;
  const { a, sortedEntries } = makeMatrix(workload, options.dataFolder);
  return {
    workload,
    a,
    b: drawOperand(k * n, randomStream(workload.seed, `operand/${k}x${n}`)),
    achievedDensity: a.values.length / (m * k),
    statistics: statisticsOf(a),
    digest: matrixDigest(a),
    sortedEntries,
  };
}
