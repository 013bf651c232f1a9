/** Layers from SCALE-Sim's topology files (.csv), for convolutions and for GEMMs, with their N:M sparsity column. */
import type { EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';

/** Columns by their place, as SCALE-Sim takes them, in the spellings of its own files; the first is a name. */
const convHeader = [
  ...[/^ifmap (height|width)$/, /^ifmap width$/, /^filter height$/, /^filter width$/, /^channels?$/],
  ...[/^num filters?$/, /^strides?$/],
];
const gemmHeader = [/^m$/, /^n$/, /^k$/];

/** Cells of a line; SCALE-Sim ends its lines with a comma, and reads nothing behind it. */
function cellsOf(line: string): string[] {
  const cells = line
    .replace(/,\s*#[^,]*$/, '')
    .split(',')
    .map((cell) => cell.trim());
  while (cells.length > 0 && cells.at(-1) === '') cells.pop();
  return cells;
}

/**
 * Read a topology. In SCALE-Sim's words a GEMM has M output rows, N output columns and K terms of a sum: its N are
 * our m (filters), its M our n (pixels). A convolution with DP in its name is depthwise: a group a channel, each with
 * all the filters of the line. Throws BAD_SUITE with file, line.
 */
export function parseTopology(
  text: string,
  file: string,
  activationDensity: number,
): readonly EstimatedLayer[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = cellsOf(lines[0] ?? '').map((cell) => cell.toLowerCase().replace(/\s+/g, ' '));
  const begins = (names: readonly RegExp[]): boolean =>
    names.every((name, at) => name.test(header[at + 1] ?? ''));
  const [isGemm, isConv] = [begins(gemmHeader), begins(convHeader)];
  const fail = (line: number, what: string, received: string, advice: string): never => {
    throw new SparsemarkError('BAD_SUITE', `Expected ${what} for a layer, received ${received}. ${advice}`, {
      file,
      line,
    });
  };
  if (!isGemm && !isConv) {
    fail(
      1,
      'the header "Layer name, IFMAP Height, ..." or "Layer, M, N, K"',
      `"${(lines[0] ?? '').slice(0, 60)}"`,
      'Only SCALE-Sim topologies are read.',
    );
  }
  const columns = 1 + (isGemm ? gemmHeader : convHeader).length;
  const hasSparsity = header[columns] === 'sparsity';
  const layers: EstimatedLayer[] = [];
  for (const [at, line] of lines.entries()) {
    const cells = cellsOf(line);
    if (at === 0 || cells.length === 0) continue;
    const place = at + 1;
    if (cells.length !== columns && !(hasSparsity && cells.length === columns + 1))
      fail(
        place,
        `${columns} cells${hasSparsity ? ' and a sparsity' : ''}`,
        String(cells.length),
        'Correct the line.',
      );
    const [name = ''] = cells;
    const sizes = cells.slice(1, columns).map((cell) => {
      const size = Number(cell);
      return /^\d+$/.test(cell) && size >= 1 && Number.isSafeInteger(size)
        ? size
        : fail(place, 'a whole number of at least 1', `"${cell}"`, 'Correct the cell.');
    });
    const ratio = /^(\d+):(\d+)$/.exec(cells[columns] ?? '1:1');
    const weightDensity = ratio === null ? Number.NaN : Number(ratio[1]) / Number(ratio[2]);
    if (!(weightDensity > 0 && weightDensity <= 1))
      fail(place, 'a sparsity N:M with N of at most M', `"${cells[columns]}"`, 'Write for example 2:4.');
    const common = {
      ...{ name, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 },
      place: { file, line: place },
      ...(cells[columns] !== undefined && {
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
        place,
        'a filter no larger than its input',
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
  if (layers.length === 0) fail(lines.length, 'at least one layer', 'none', 'Add one.');
  return layers;
}
