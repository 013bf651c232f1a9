/** The report for a terminal: one sentence, aligned tables, narrow ones on narrow terminals. */
import picocolors from 'picocolors';
import { plainText } from './escape.ts';
import { estimateNotes, estimateTables } from './estimates/tables.ts';
import type { EstimateView } from './estimates/view.ts';
import { type Finding, type Section, sectionsOf } from './finding.ts';
import { provenanceOf } from './provenance.ts';
import type { Report, ReportOptions } from './report.ts';
import { sentenceOf } from './sentence.ts';
import {
  baselineTable,
  type Column,
  crossoverTable,
  groupTable,
  networkTable,
  notesOf,
  type Table,
  troubleTable,
} from './tables.ts';
import { crossoverWords } from './words.ts';

type Colors = ReturnType<typeof picocolors.createColors>;

const gap = '  ';

/** One text of aligned tables. Respects `width`, `color` and `all`. */
export const terminal: Report = {
  name: 'terminal',
  description: 'one sentence and aligned tables',
  extension: 'txt',
  render: (findings, options, estimates) => {
    const colors = picocolors.createColors(options.color === true);
    const width = options.width ?? Number.POSITIVE_INFINITY;
    const blocks = findings.map((finding) =>
      [
        wrap(plainText(sentenceOf(finding)), width, colors.bold),
        wrap(plainText(provenanceOf(finding)), width, colors.dim),
      ].join('\n'),
    );
    for (const finding of findings) {
      blocks.push(...machineBlocks(finding, findings.length > 1, options, colors));
    }
    // Of one machine the crossovers stand under their tables; machines are compared side by side.
    const crossovers = crossoverTable(findings, findings[0]?.kernelLabels);
    if (findings.length > 1 && crossovers.rows.length > 0) blocks.push(tableText(crossovers, width, colors));
    blocks.push(...estimateBlocks(estimates, width, colors));
    return `${blocks.join('\n\n')}\n`;
  },
};

/** The tables of estimates; what an accelerator was held against in lines, since no word of it may be cut. */
function estimateBlocks(view: EstimateView, width: number, colors: Colors): string[] {
  const blocks = estimateTables(view)
    .slice(0, -1)
    .filter(({ rows }) => rows.length > 0)
    .map((table) => tableText(table, width, colors));
  const held = view.accelerators.map(({ name, evidence, baseline, against }) =>
    wrap(
      plainText(`${name} (${evidence}): ${against}. Speed-up against: ${baseline}.`),
      width,
      (line) => line,
    ),
  );
  if (held.length > 0) blocks.push([colors.bold('What they were held against'), ...held].join('\n'));
  const notes = estimateNotes(view).map((note) => wrap(plainText(note), width, colors.dim));
  return notes.length === 0 ? blocks : [...blocks, notes.join('\n')];
}

function machineBlocks(finding: Finding, several: boolean, options: ReportOptions, colors: Colors): string[] {
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const blocks: string[] = several ? [colors.bold(`== ${plainText(finding.machineName)}`)] : [];
  for (const section of sectionsOf(finding, { all: options.all === true })) {
    if (section.groups.length === 0) continue;
    const pays = several ? [] : paysLines(section, finding.kernelLabels, width);
    blocks.push([tableText(groupTable(section, finding.kernelLabels), width, colors), ...pays].join('\n'));
  }
  for (const table of [networkTable(finding), baselineTable(finding)]) {
    if (table.rows.length > 0) blocks.push(tableText(table, width, colors));
  }
  if (finding.troubles.length > 0) blocks.push(troubleText(troubleTable(finding), width, colors));
  const notes = remarksOf(finding, options.all === true);
  if (notes.length > 0) blocks.push(notes.map((note) => wrap(note, width, colors.dim)).join('\n'));
  return blocks;
}

/** Where each kernel of a setting pays. */
function paysLines(section: Section, labels: ReadonlyMap<string, string>, width: number): string[] {
  if (section.curves.length === 0) return [];
  const words = section.curves.map(
    ({ kernel, crossover }) => `${labels.get(kernel) ?? kernel} ${crossoverWords(crossover)}`,
  );
  return [wrap(plainText(`pays: ${words.join('; ')}`), width, (line) => line)];
}

/** Cases by name: a list, because no name may be cut and a table of them would be too wide. */
function troubleText(table: Table, width: number, colors: Colors): string {
  const lines = table.rows.map((row) => {
    const [id, what, why] = row.map((entry) => plainText(entry.text));
    const paint = row[1]!.tone === 'bad' ? colors.red : colors.yellow;
    return wrap(`${what} ${id}: ${why}`, width, (line) =>
      line.startsWith(what!) ? paint(what!) + line.slice(what!.length) : line,
    );
  });
  return [colors.bold(table.title), ...lines].join('\n');
}

function remarksOf(finding: Finding, all: boolean): string[] {
  const groups = finding.groups.filter((group) => all || !group.dense);
  const notes: string[] = [];
  const labels = [...finding.kernelLabels].filter(([kernel, label]) => kernel !== label);
  if (labels.length > 0)
    notes.push(plainText(`Kernels: ${labels.map(([kernel, label]) => `${label} is ${kernel}`).join(', ')}.`));
  if (!all && groups.length > 0) notes.push('Each row is the fastest sparse kernel at its sparsity.');
  const tables = sectionsOf(finding, { all }).map((section) => groupTable(section));
  notes.push(...notesOf([...tables, baselineTable(finding)]));
  if (groups.some((group) => !group.settled)) notes.push('~ The times had not settled when they were taken.');
  return notes;
}

/** A table as aligned text: columns of the highest rank are dropped until it fits, then the widest one is cut. */
export function tableText(table: Table, width: number, colors: Colors): string {
  const cells = table.rows.map((row) => row.map((entry) => plainText(entry.text)));
  const sizes = table.columns.map((column, c) =>
    Math.max(column.title.length, column.unit.length, ...cells.map((row) => row[c]!.length)),
  );
  const kept = fittingColumns(table.columns, sizes, width);
  const last = kept.at(-1)!;
  // What cannot be dropped is cut where it is widest.
  for (let excess = totalSize(kept, sizes) - width; excess > 0; excess--) {
    const widest = kept.reduce((a, b) => (sizes[b]! > sizes[a]! ? b : a));
    if (sizes[widest]! <= 8) break;
    sizes[widest]!--;
  }
  const line = (texts: (c: number) => string, paint: (c: number, text: string) => string) =>
    kept
      .map((c) => {
        const cut = texts(c).length > sizes[c]! ? `${texts(c).slice(0, sizes[c]! - 3)}...` : texts(c);
        const padding = ' '.repeat(sizes[c]! - cut.length);
        const painted = paint(c, cut);
        return table.columns[c]!.align === 'right'
          ? padding + painted
          : c === last
            ? painted
            : painted + padding;
      })
      .join(gap)
      .trimEnd();
  const lines = [colors.bold(cutTo(plainText(table.title), width))];
  lines.push(
    line(
      (c) => plainText(table.columns[c]!.title),
      (_, text) => text,
    ),
  );
  if (kept.some((c) => table.columns[c]!.unit !== '')) {
    lines.push(
      line(
        (c) => table.columns[c]!.unit,
        (_, text) => (text === '' ? '' : colors.dim(text)),
      ),
    );
  }
  const paints = { good: colors.green, bad: colors.red, warn: colors.yellow };
  for (const [r, row] of cells.entries()) {
    lines.push(
      line(
        (c) => row[c]!,
        (c, text) => {
          const tone = table.rows[r]![c]!.tone;
          return tone === undefined ? text : paints[tone](text);
        },
      ),
    );
  }
  return lines.join('\n');
}

function totalSize(columns: readonly number[], sizes: readonly number[]): number {
  return columns.reduce((sum, c) => sum + sizes[c]! + gap.length, -gap.length);
}

function fittingColumns(columns: readonly Column[], sizes: readonly number[], width: number): number[] {
  let kept = columns.map((_, c) => c);
  while (totalSize(kept, sizes) > width) {
    const droppable = kept.filter((c) => columns[c]!.rank > 0);
    if (droppable.length === 0) break;
    const worst = droppable.reduce((a, b) => (columns[b]!.rank >= columns[a]!.rank ? b : a));
    kept = kept.filter((c) => c !== worst);
  }
  return kept;
}

function cutTo(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`;
}

/** Text in lines of at most `width` columns, each painted. */
export function wrap(text: string, width: number, paint: (line: string) => string): string {
  const lines = [''];
  const pieces = text
    .split(' ')
    .flatMap((word) => word.match(new RegExp(`.{1,${Math.min(width, 1000)}}`, 'g')) ?? ['']);
  for (const word of pieces) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => paint(line.replace(/\u00a0/g, ' '))).join('\n');
}
