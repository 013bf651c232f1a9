/** The report as LaTeX tables for papers: booktabs and longtable, to be taken in with \input. */
import { latexText } from './escape.ts';
import { estimateNotes, estimateTables } from './estimates/tables.ts';
import { sectionsOf } from './finding.ts';
import { provenanceOf } from './provenance.ts';
import type { Report } from './report.ts';
import { sentenceOf } from './sentence.ts';
import { baselineTable, crossoverTable, groupTable, networkTable, notesOf, type Table } from './tables.ts';

/** The sentence as a comment and one longtable a table; needs the packages booktabs and longtable. */
export const latex: Report = {
  name: 'latex',
  description: 'booktabs tables for a paper',
  extension: 'tex',
  render: (findings, options, estimates) => {
    const blocks = ['% Needs \\usepackage{booktabs,longtable}.'];
    blocks.push(
      ...findings.flatMap((finding) => [
        `% ${latexText(sentenceOf(finding))}`,
        `% ${latexText(provenanceOf(finding))}`,
      ]),
    );
    blocks.push(...tableBlocks(crossoverTable(findings), ''));
    for (const finding of findings) {
      const on = findings.length > 1 ? `, ${finding.machineName}` : '';
      const sections = sectionsOf(finding, { all: options.all === true }).map((section) =>
        groupTable(section),
      );
      const tables = [...sections, networkTable(finding), baselineTable(finding)];
      blocks.push(...tables.flatMap((table) => tableBlocks(table, on)));
      const notes = notesOf([...sections, baselineTable(finding)]);
      blocks.push(...notes.map((note) => `\n\\noindent ${latexText(note)}\\par`));
    }
    blocks.push(...estimateTables(estimates).flatMap((table) => tableBlocks(table, '')));
    blocks.push(...estimateNotes(estimates).map((note) => `\n\\noindent ${latexText(note)}\\par`));
    return `${blocks.join('\n')}\n`;
  },
};

function tableBlocks(table: Table, on: string): string[] {
  if (table.rows.length === 0) return [];
  const row = (fields: readonly string[]) => `  ${fields.join(' & ')} \\\\`;
  const units = table.columns.some(({ unit }) => unit !== '');
  return [
    '',
    `\\begin{longtable}{${table.columns.map(({ align }) => align[0]).join('')}}`,
    `  \\caption{${latexText(table.title + on)}} \\\\`,
    '  \\toprule',
    row(table.columns.map(({ title }) => latexText(title))),
    ...(units ? [row(table.columns.map(({ unit }) => latexText(unit)))] : []),
    '  \\midrule',
    '  \\endhead',
    ...table.rows.map((entries) => row(entries.map((entry) => latexText(entry.text)))),
    '  \\bottomrule',
    '\\end{longtable}',
  ];
}
