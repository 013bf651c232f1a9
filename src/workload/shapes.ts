/** Layer shapes from suites/shapes/*.csv: name,m,k,n,count,source. */
import { readFileSync } from 'node:fs';
import { type Shape, SparsemarkError } from '../terms.ts';

/** One layer of a network. */
export interface LayerShape {
  readonly name: string;
  readonly shape: Shape;
  /** How often the layer occurs in its network. */
  readonly count: number;
  /** Where the figures are from. */
  readonly source: string;
}

const header = 'name,m,k,n,count,source';

/** Read a shape table. Throws MISSING_FILE, or BAD_SUITE with file and line. */
export function readShapes(path: string, shownPath: string): readonly LayerShape[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected a shape table for ${shownPath}, received no readable file. Tables lie in suites/shapes.`,
      { file: shownPath },
      { cause },
    );
  }
  const lines = text.split(/\r?\n/);
  if (lines[0] !== header) {
    throw new SparsemarkError(
      'BAD_SUITE',
      `Expected "${header}" for the header, received "${lines[0]!.slice(0, 60)}". Correct the first line.`,
      { file: shownPath, line: 1 },
    );
  }
  const layers: LayerShape[] = [];
  const names = new Set<string>();
  for (const [at, line] of lines.entries()) {
    if (at === 0 || line === '') continue;
    const place = { file: shownPath, line: at + 1 };
    const fields = line.split(',');
    const [name = '', m, k, n, count, source = ''] = fields;
    if (fields.length !== 6 || name === '') {
      throw new SparsemarkError(
        'BAD_SUITE',
        `Expected 6 fields (${header}) for a layer, received ${fields.length}. Commas inside a field are not possible.`,
        place,
      );
    }
    if (names.has(name)) {
      throw new SparsemarkError(
        'BAD_SUITE',
        `Expected each name once, received "${name}" twice. Rename one.`,
        place,
      );
    }
    names.add(name);
    const size = (text: string | undefined, column: string): number => {
      if (text !== undefined && /^[1-9][0-9]{0,9}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
      throw new SparsemarkError(
        'BAD_SUITE',
        `Expected an integer in 1..2147483647 for ${column} of ${name}, received "${text}". Correct the line.`,
        place,
      );
    };
    layers.push({
      name,
      shape: { m: size(m, 'm'), k: size(k, 'k'), n: size(n, 'n') },
      count: size(count, 'count'),
      source,
    });
  }
  return layers;
}
