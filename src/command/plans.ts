/** `sparsemark list plans`: which tiles our kernels choose for a shape and a density, and why. */
import { listPlans, type Plan, type PlanListing } from '../measure/planner.ts';
import { plainTable } from './output.ts';

/** What narrows the grid; each has a default. */
export interface PlanOptions {
  readonly rows?: number;
  readonly cols?: number;
  readonly n?: readonly number[];
  readonly density?: readonly number[];
}

/** Cuts a text into lines of at most `room` columns, at blanks; what follows the first line is indented. */
function wrapped(text: string, room: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.trim() !== '' && last.length + 1 + word.length > room) lines.push(`    ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}

interface Row {
  readonly plan: Plan;
  readonly densities: number[];
  readonly perBlock: number[];
}

const kernelOf = ({ op, kernel, dtype, isa }: Plan): string => `${op} ${kernel} ${dtype} ${isa}`;

/** `0.5 to 0.2`, or the one value; empty for none. */
function range(values: readonly number[], text: (value: number) => string): string {
  if (values.length === 0) return '';
  const [most, least] = [text(Math.max(...values)), text(Math.min(...values))];
  return most === least ? most : `${most} to ${least}`;
}

/** A table a kernel; what differs in the density alone, and chooses the same, is one row. */
function tableOf(plans: readonly Plan[]): string {
  const rows: Row[] = [];
  for (const plan of plans) {
    const same = rows.find(
      ({ plan: other }) =>
        kernelOf(other) === kernelOf(plan) && other.n === plan.n && other.tiling === plan.tiling,
    );
    const row: Row = same ?? { plan, densities: [], perBlock: [] };
    if (same === undefined) rows.push(row);
    row.densities.push(plan.density);
    if (plan.rowNonzerosPerBlock !== null) row.perBlock.push(plan.rowNonzerosPerBlock);
  }
  const cells = rows.map(({ plan, densities, perBlock }) => [
    ...['', String(plan.n), range(densities, String)],
    ...[range(perBlock, (value) => value.toFixed(1)), plan.tiling],
  ]);
  // One table, so that all have the same columns; a kernel's name stands over its rows.
  const [head, ...lines] = plainTable([['', 'n', 'density', 'in a block', 'plan'], ...cells], [1]).split(
    '\n',
  );
  const named = lines.flatMap((line, at) => {
    const name = kernelOf(rows[at]!.plan);
    return at > 0 && name === kernelOf(rows[at - 1]!.plan) ? [line] : [name, line];
  });
  return [head, ...named].join('\n');
}

/** The listing as value and text; `width` columns. Throws USAGE as `listPlans` does. */
export function planListing(
  format: string | null,
  options: PlanOptions,
  width: number,
): { readonly value: PlanListing; readonly text: string } {
  const { rows: m = 512, cols: k = 512 } = options;
  const listing = listPlans({
    ...{ format, m, k },
    widths: options.n ?? (format === null ? [128] : [8, 32, 128, 512, 3136]),
    densities: options.density ?? (format === null ? [0.5, 0.1] : [0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01]),
  });
  const { plans, reasons, knobs, declined } = listing;
  const head = `A: ${m} x ${k}, uniform mask; one thread. In a block: nonzeros of a mean row in a block of columns. conv2d: ${m} filters of 3 x 3, n outputs of a square image.`;
  const parts = [wrapped(head, width), tableOf(plans)];
  parts.push(reasons.map(({ words, reason }) => wrapped(`${words}: ${reason}.`, width)).join('\n'));
  if (knobs.length > 0) {
    const lines = knobs.map(({ kernel, knobs: text }) => wrapped(`${kernel}: ${text}`, width));
    parts.push(['What sparsemark tune tries instead:', ...lines].join('\n'));
  }
  if (declined.length > 0 && format === null) {
    const lines = declined.map(({ format: name, reason }) => wrapped(`${name}: ${reason}`, width));
    parts.push(['These formats hold no such mask:', ...lines].join('\n'));
  }
  return { value: listing, text: parts.join('\n\n') };
}
