/** The report as GitHub-flavoured Markdown. */
import { markdownLine, markdownText } from './escape.ts';
import { estimateNotes, estimateTables, formulaTable } from './estimates/tables.ts';
import { sectionsOf } from './finding.ts';
import { provenanceOf } from './provenance.ts';
import type { Report } from './report.ts';
import { sentenceOf } from './sentence.ts';
import {
  baselineTable,
  crossoverTable,
  groupTable,
  machineTable,
  networkTable,
  notesOf,
  type Table,
  troubleTable,
} from './tables.ts';

/** The sentence, where it pays, one table a setting, the machine. */
export const markdown: Report = {
  name: 'markdown',
  description: 'tables for a README, an issue or a pull request',
  extension: 'md',
  render: (findings, options, estimates) => {
    const blocks = findings.flatMap((finding) => [
      markdownLine(sentenceOf(finding)),
      markdownLine(provenanceOf(finding)),
    ]);
    blocks.push(...tableBlocks(crossoverTable(findings), '##'));
    for (const finding of findings) {
      const level = findings.length > 1 ? '###' : '##';
      if (findings.length > 1) blocks.push(`## ${markdownText(finding.machineName)}`);
      const sections = sectionsOf(finding, { all: options.all === true }).map((section) =>
        groupTable(section),
      );
      const tables = [...sections, networkTable(finding), baselineTable(finding), troubleTable(finding)];
      blocks.push(...tables.flatMap((table) => tableBlocks(table, level)));
      blocks.push(...notesOf([...sections, baselineTable(finding)]).map(markdownLine));
    }
    blocks.push(...estimateTables(estimates).flatMap((table) => tableBlocks(table, '##')));
    blocks.push(...estimateNotes(estimates).map(markdownLine));
    blocks.push(...tableBlocks(formulaTable(estimates), '##'));
    if (findings.length > 0) blocks.push(...tableBlocks(machineTable(findings), '##'));
    return `${blocks.join('\n\n')}\n`;
  },
};

/** A heading and a table; nothing for a table without rows. */
export function tableBlocks(table: Table, level: string): string[] {
  if (table.rows.length === 0) return [];
  const row = (fields: readonly string[]) => `| ${fields.join(' | ')} |`;
  const heading = table.columns.map(({ title, unit }) =>
    markdownText(unit === '' ? title : `${title} (${unit})`),
  );
  const rule = table.columns.map(({ align }) => (align === 'right' ? '---:' : ':---'));
  const rows = table.rows.map((entries) => row(entries.map((entry) => markdownText(entry.text))));
  return [`${level} ${markdownText(table.title)}`, [row(heading), row(rule), ...rows].join('\n')];
}
