/** The report as one self-contained HTML page: light and dark, no request to anywhere, nothing from a file unescaped. */
import { chartsOf } from './charts/index.ts';
import { htmlText } from './escape.ts';
import { estimateChartsOf } from './estimates/charts.ts';
import { estimateNotes, estimateTables, formulaTable } from './estimates/tables.ts';
import type { EstimateView } from './estimates/view.ts';
import { type Finding, sectionsOf } from './finding.ts';
import { metrics } from './metrics.ts';
import { gallery, page, section } from './page.ts';
import { provenanceOf } from './provenance.ts';
import type { Report } from './report.ts';
import { sentenceOf } from './sentence.ts';
import {
  baselineTable,
  type Column,
  crossoverTable,
  type Entry,
  groupTable,
  machineTable,
  networkTable,
  type Table,
  troubleTable,
} from './tables.ts';
import { shortPatternWords } from './words.ts';

/** The page. Of measurements `all` does not matter: its table has every kernel and can be sorted and filtered. */
export const html: Report = {
  name: 'html',
  description: 'one self-contained page with charts and sortable tables',
  extension: 'html',
  render: (findings, _, estimates) => {
    const several = findings.length > 1;
    const blocks = findings.map((finding) => {
      // A number and its per cent sign stay on one line.
      const sentence = htmlText(sentenceOf(finding)).replace(/(\d) %/g, '$1\u00a0%');
      return `<p class="answer">${sentence}</p><p class="provenance">${htmlText(provenanceOf(finding))}</p>`;
    });
    for (const { finding, kind, charts } of chartsOf(findings)) {
      const on = several ? ` <small>${htmlText(finding.machineName)}</small>` : '';
      blocks.push(
        section(`${htmlText(kind.title)}${on}`, `<p>${htmlText(kind.caption)}</p>${gallery(charts)}`),
      );
    }
    blocks.push(...estimateCharts(estimates, findings), tableSection(crossoverTable(findings)));
    for (const finding of findings) blocks.push(...findingBlocks(finding, several));
    blocks.push(...estimateTables(estimates).map(tableSection));
    const formulas = tableSection(formulaTable(estimates));
    // Hundreds of lines where all accelerators are shown.
    if (formulas !== '')
      blocks.push(`<details><summary>Formulas of the accelerators</summary>${formulas}</details>`);
    if (findings.length > 0)
      blocks.push(tableSection(machineTable(findings)), section('What the columns mean', definitions()));
    const header = findings[0]?.result.header;
    const names = findings.map((finding) => finding.machineName).join(', ');
    const subtitle =
      header === undefined
        ? 'Estimates of hardware that is not here'
        : `Suite ${header.suite.name} ${header.suite.version}, ${header.startedAt}`;
    return page(
      `sparsemark: ${names || 'estimates'}`,
      subtitle,
      blocks.filter((block) => block !== '').join('\n'),
    );
  },
};

function estimateCharts(view: EstimateView, findings: readonly Finding[]): string[] {
  const charts = estimateChartsOf(view, findings).map(({ kind, charts }) =>
    section(htmlText(kind.title), `<p>${htmlText(kind.caption)}</p>${gallery(charts)}`),
  );
  const notes = estimateNotes(view).map((note) => `<p>${htmlText(note)}</p>`);
  return notes.length === 0 ? charts : [...charts, section('What an estimate is worth', notes.join(''))];
}

function findingBlocks(finding: Finding, several: boolean): string[] {
  const on = several ? `, ${finding.machineName}` : '';
  const named = (table: Table): Table => ({ ...table, title: table.title + on });
  return [
    tableSection(named(networkTable(finding))),
    tableSection(named(allGroups(finding))),
    tableSection(named(baselineTable(finding))),
    tableSection(named(troubleTable(finding))),
  ];
}

/** One table of every kernel at every sparsity in every setting. */
function allGroups(finding: Finding): Table {
  const sections = sectionsOf(finding, { all: true });
  const tables = sections.map((section) => groupTable(section));
  const columns = tables[0]?.columns ?? [];
  const patterns = shortPatternWords(sections.map(({ setting }) => setting.label));
  const left = (title: string, unit = ''): Column => ({ title, unit, align: 'left', rank: 0 });
  // Of one thread count a column says nothing.
  const several = new Set(sections.map(({ setting }) => setting.threads)).size > 1;
  const threads: Column = { title: 'threads', unit: '', align: 'right', rank: 0 };
  const rows = tables.flatMap((table, index) => {
    const { op, m, k, n, cache, label, threads: count } = sections[index]!.setting;
    const place: Entry[] = [
      { text: `${op} ${m}x${k}x${n}` },
      { text: cache },
      { text: patterns.get(label)! },
      ...(several ? [{ text: `${count}`, value: count }] : []),
    ];
    return table.rows.map((row) => [...place, ...row]);
  });
  const place = [left('op', 'm x k x n'), left('weights'), left('pattern'), ...(several ? [threads] : [])];
  return { title: 'Every kernel', columns: [...place, ...columns], rows };
}

/** A table as a section that can be sorted and, from 13 rows on, filtered; nothing where it has no row. */
export function tableSection(table: Table): string {
  if (table.rows.length === 0) return '';
  const head = table.columns.map(({ title, unit, align }) => {
    const small = unit === '' ? '' : ` <small>${htmlText(unit)}</small>`;
    return `<th class="${align}" aria-sort="none"><button type="button">${htmlText(title)}${small}</button></th>`;
  });
  const rows = table.rows.map(
    (row) => `<tr>${row.map((entry, c) => cell(entry, table.columns[c]!.align)).join('')}</tr>`,
  );
  const filter =
    table.rows.length > 12 ? '<input type="search" placeholder="Filter rows" aria-label="Filter rows">' : '';
  return section(
    htmlText(table.title),
    `${filter}<div class="wide"><table${table.columns.length > 10 ? ' class="broad"' : ''}><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`,
  );
}

function cell({ text, value, tone }: Entry, align: string): string {
  const classes = tone === undefined ? align : `${align} ${tone}`;
  const sortable = value === undefined ? '' : ` data-value="${htmlText(`${value}`)}"`;
  return `<td class="${classes}"${sortable}>${htmlText(text)}</td>`;
}

function definitions(): string {
  const items = metrics.map(
    ({ title, description }) => `<dt>${htmlText(title)}</dt><dd>${htmlText(description)}</dd>`,
  );
  return `<dl>${items.join('')}</dl>`;
}
