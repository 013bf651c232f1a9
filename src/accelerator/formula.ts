/** The formula of an accelerator, as its engine has it beside its code. */
import { loadNative } from '../native.ts';
import type { Accelerator, FormulaLine } from '../terms/accelerator.ts';

/** What the generic engine calls the cycles of every level. */
const anyLevel = 'levelCycles';

/** What an accelerator's engine skips, and its formula; of a generic design with the names of its levels. */
export function formulaOf(accelerator: Pick<Accelerator, 'engine' | 'design'>): {
  readonly summary: string;
  readonly lines: readonly FormulaLine[];
} {
  const { native } = loadNative();
  const { design } = accelerator;
  if (design === null) {
    const { summary, formula } = native.describeEngines().find(({ name }) => name === accelerator.engine)!;
    return { summary, lines: formula };
  }
  const { summary, formula } = native.describeGeneric();
  const levels = design.levels.map(({ name }) => `${name}Cycles`);
  const lines = formula.flatMap((line) =>
    line.name === anyLevel
      ? levels.map((name) => ({ ...line, name }))
      : [{ ...line, expression: line.expression.replace(anyLevel, levels.join(', ')) }],
  );
  return { summary, lines };
}
