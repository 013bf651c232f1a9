/** How a formula is shown: the numbers by the names that `estimate --explain` prints. */
import type { FormulaLine } from '../../terms/accelerator.ts';

/** What a line says of its number: `ceil(n / rows) * ceil(m / cols), where dataflow == 0 (fillings of the array)`. */
export function formulaText({ when, expression, from }: Omit<FormulaLine, 'name'>): string {
  const where = when === '' ? '' : `, where ${when}`;
  if (expression === '') return `${from}${where}`;
  return from === '' ? `${expression}${where}` : `${expression}${where} (${from})`;
}
