/**
 * Bank-balanced: each row is cut into equally wide banks of neighbouring columns, and every bank of a row keeps equally
 * many nonzeros, uniformly placed (S. Cao et al., Efficient and Effective Sparse LSTM on FPGA with Bank-Balanced
 * Sparsity, FPGA 2019).
 *
 * Rows differ by at most one nonzero a bank: with one count for all rows, as in the paper, narrow banks could not come
 * near a low density. round(density * rows * cols / banks) times `banks` nonzeros in all.
 */
import { type GeneratedPattern, type MaskRequest, maskOfRows } from './pattern.ts';

/** What one bank keeps, summed over all rows. */
function keptOfBank({ rows, cols, density, parameters }: MaskRequest): number {
  return Math.round((density * rows * cols) / (parameters.banks as number));
}

export const bankBalanced: GeneratedPattern = {
  kind: 'generated',
  name: 'bank-balanced',
  summary: 'equally many nonzeros in each bank of a row, uniformly placed',
  parameters: { banks: { type: 'integer', min: 1, max: 1024, default: 16 } },
  label: ({ banks }) => `bank-balanced-${banks}`,
  refuse: ({ cols, parameters: { banks } }) =>
    cols % (banks as number) === 0
      ? null
      : `Expected a divisor of ${cols} for banks of pattern bank-balanced, received ${banks}. Choose another number or shape.`,
  nonzeros(request) {
    const count = keptOfBank(request) * (request.parameters.banks as number);
    return { least: count, most: count };
  },
  seeded: () => true,
  generate(request, random) {
    const { rows, cols } = request;
    const banks = request.parameters.banks as number;
    const bankWidth = cols / banks;
    const kept = keptOfBank(request);
    const fewest = Math.floor(kept / rows);
    const fuller = new Uint8Array(rows);
    for (const row of random.sample(kept - fewest * rows, rows)) fuller[row] = 1;
    return maskOfRows(rows, (row) => {
      const count = fewest + fuller[row]!;
      const columns = new Int32Array(count * banks);
      for (let bank = 0; bank < banks; bank += 1) {
        const inBank = random.sample(count, bankWidth);
        for (let p = 0; p < count; p += 1) columns[bank * count + p] = bank * bankWidth + inBank[p]!;
      }
      return columns;
    });
  },
};
