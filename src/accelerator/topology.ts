/** Layers from SCALE-Sim's topology files (.csv), for convolutions and for GEMMs, with their N:M sparsity column. */
import type { EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';

/** Columns by their place, as SCALE-Sim takes them, in the spellings of its own files; the first is a name. */
const convHeader = [
  ...[/^ifmap (height|width)$/, /^ifmap width$/, /^filter height$/, /^filter width$/, /^channels?$/],
  ...[/^num filters?$/, /^strides?$/],
];
const gemmHeader = [/^m$/, /^n$/, /^k$/];

/** What the columns are called in errors. */
const convNames = [
  ...['IFMAP Height', 'IFMAP Width', 'Filter Height', 'Filter Width', 'Channels', 'Num Filter', 'Strides'],
];
const gemmNames = ['M', 'N', 'K'];

interface Cell {
  readonly text: string;
  /** Of its first letter, from 1. */
  readonly column: number;
}

/** Cells of a line; SCALE-Sim ends its lines with a comma, and reads nothing behind it. */
function cellsOf(line: string): Cell[] {
  let start = 1;
  const cells = line
    .replace(/,\s*#[^,]*$/, '')
    .split(',')
    .map((cell) => {
      const column = start + cell.length - cell.trimStart().length;
      start += cell.length + 1;
      return { text: cell.trim(), column };
    });
  while (cells.at(-1)?.text === '') cells.pop();
  return cells;
}

/**
 * Read a topology. In SCALE-Sim's words a GEMM has M output rows, N output columns and K terms of a sum: its N are
 * our m (filters), its M our n (pixels). A convolution with DP in its name is depthwise: a group a channel, each with
 * all the filters of the line. Throws BAD_SUITE with file, line, column.
 */
export function parseTopology(
  text: string,
  file: string,
  activationDensity: number,
): readonly EstimatedLayer[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = cellsOf(lines[0] ?? '').map(({ text }) => text.toLowerCase().replace(/\s+/g, ' '));
  const begins = (names: readonly RegExp[]): boolean =>
    names.every((name, at) => name.test(header[at + 1] ?? ''));
  const [isGemm, isConv] = [begins(gemmHeader), begins(convHeader)];
  const fail = (
    place: { readonly line: number; readonly column: number },
    what: string,
    received: string,
    advice: string,
  ): never => {
    const message = `Expected ${what}, received ${received}. ${advice}`;
    throw new SparsemarkError('BAD_SUITE', message, { file, ...place });
  };
  if (!isGemm && !isConv) {
    fail(
      { line: 1, column: 1 },
      '"Layer name, IFMAP Height, ..." or "Layer, M, N, K" for the header',
      `"${(lines[0] ?? '').slice(0, 60)}"`,
      'Only SCALE-Sim topologies are read.',
    );
  }
  const names = isGemm ? gemmNames : convNames;
  const columns = 1 + names.length;
  const hasSparsity = header[columns] === 'sparsity';
  const layers: EstimatedLayer[] = [];
  for (const [at, whole] of lines.entries()) {
    const cells = cellsOf(whole);
    if (at === 0 || cells.length === 0) continue;
    const line = at + 1;
    const beginning = { line, column: cells[0]!.column };
    if (cells.length !== columns && !(hasSparsity && cells.length === columns + 1))
      fail(
        cells.length < columns
          ? beginning
          : { line, column: cells[hasSparsity ? columns + 1 : columns]!.column },
        `${columns} cells${hasSparsity ? ' and a sparsity' : ''} for a layer`,
        String(cells.length),
        'Correct the line.',
      );
    const name = cells[0]!.text;
    const sizes = cells.slice(1, columns).map(({ text: cell, column }, which) => {
      const size = Number(cell);
      if (/^\d+$/.test(cell) && size >= 1 && Number.isSafeInteger(size)) return size;
      const what = `a whole number of at least 1 for ${names[which]} of ${name || 'a layer'}`;
      return fail({ line, column }, what, `"${cell}"`, 'Correct the cell.');
    });
    const sparsity = cells[columns];
    const ratio = /^(\d+):(\d+)$/.exec(sparsity?.text ?? '1:1');
    const weightDensity = ratio === null ? Number.NaN : Number(ratio[1]) / Number(ratio[2]);
    if (!(weightDensity > 0 && weightDensity <= 1))
      fail(
        { line, column: sparsity!.column },
        `a sparsity N:M with N of at most M for ${name || 'a layer'}`,
        `"${sparsity!.text}"`,
        'Write for example 2:4.',
      );
    const common = {
      ...{ name, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 },
      place: { file, ...beginning },
      ...(sparsity !== undefined && {
        weightBlock: { kept: Number(ratio![1]), size: Number(ratio![2]) },
      }),
    };
    if (isGemm) {
      const [rows, filters, k] = sizes as [number, number, number];
      layers.push({ ...common, shape: { m: filters, n: rows, k } });
      continue;
    }
    const [height, width, kernelHeight, kernelWidth, allChannels, filters, stride] = sizes as number[];
    const groups = name.includes('DP') ? allChannels! : 1;
    const channels = allChannels! / groups;
    const outHeight = Math.ceil((height! - kernelHeight! + stride!) / stride!);
    const outWidth = Math.ceil((width! - kernelWidth! + stride!) / stride!);
    if (outHeight < 1 || outWidth < 1)
      fail(
        { line, column: cells[3]!.column },
        `a filter no larger than its input of ${height} x ${width} for ${name || 'a layer'}`,
        `${kernelHeight} x ${kernelWidth}`,
        'Correct the line.',
      );
    const conv = {
      ...{ batch: 1, channels, height: height!, width: width!, kernelHeight: kernelHeight! },
      ...{ kernelWidth: kernelWidth!, stride: stride!, padding: 0, outHeight, outWidth },
    };
    const k = channels * kernelHeight! * kernelWidth!;
    layers.push({ ...common, groups, shape: { m: filters!, n: outHeight * outWidth, k, conv } });
  }
  if (layers.length === 0)
    fail({ line: lines.length, column: 1 }, 'at least one layer for the topology', 'none', 'Add one.');
  return layers;
}
