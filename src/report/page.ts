/** The HTML page that all reports share: frame, style and script, as text. */
import { createHash } from 'node:crypto';
import { type Chart, palette } from './charts/figure.ts';
import { htmlText } from './escape.ts';

const variables = (index: 0 | 1) =>
  Object.entries(palette)
    .map(([name, colors]) => `${name}:${colors[index]}`)
    .join(';');

/** The style sheet: colours follow the reader's colour scheme; print is light. */
const pageStyle = `
:root{${variables(0)};--good:#00694e;--bad:#b3261e;--warn:#8a5a00}
@media screen and (prefers-color-scheme:dark){:root{${variables(1)};--good:#4fd1a5;--bad:#ff8a80;--warn:#f0b429}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1240px;margin:0 auto;padding:1rem}
header{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline}
header p,figcaption,small,section>p,dd{color:var(--faint)}
h1{font-size:1.25rem;margin:0}
h2{font-size:1.15rem;margin:2.2rem 0 .4rem}
main{overflow-wrap:anywhere}
.answer{font-size:1.35rem;line-height:1.4;max-width:60rem;margin-bottom:.3rem}
.provenance{margin:0;font-size:.875rem;color:var(--faint)}
section>p{margin:.2rem 0 .8rem;max-width:60rem}
.charts{display:grid;gap:1.2rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr))}
figure{margin:0;min-width:0;max-width:560px}
.one{grid-template-columns:1fr}.one figure{max-width:580px}
figcaption{font-size:.875rem}
svg.chart{display:block;width:100%;height:auto;max-width:100%;overflow:visible}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--grid);white-space:nowrap;vertical-align:top}
td.left:last-child{white-space:normal;min-width:14rem}
table.broad td,table.broad th{padding-inline:.35rem}
table.broad td.left:nth-child(n+3){white-space:normal;min-width:7rem}
table.broad td.left:nth-child(n+4){min-width:11rem}
table.broad th{white-space:normal;overflow-wrap:normal}
.left{text-align:left}.right{text-align:right}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid var(--s0)}
th small{font-weight:400}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
input{font:inherit;width:100%;max-width:20rem;margin:.2rem 0 .6rem;padding:.3rem .5rem;color:inherit;background:none;border:1px solid var(--faint);border-radius:4px}
summary{cursor:pointer;color:var(--faint);margin:1rem 0}
dt{font-weight:600}dd{margin:0 0 .4rem;max-width:60rem}
`;

/** Sorting by a click on a heading (numbers by value, "never" last) and filtering rows by words. */
export const pageScript = `
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const keyOf = (cell) => {
    const value = cell.dataset.value;
    if (value === undefined) return cell.textContent;
    return Number.isNaN(Number(value)) ? value : Number(value);
  };
  heads.forEach((head, column) => head.addEventListener('click', () => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const each of heads) each.setAttribute('aria-sort', 'none');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
    rows.sort((a, b) => {
      if (typeof a.key !== typeof b.key) return typeof a.key === 'number' ? -1 : 1;
      const order = typeof a.key === 'number' ? a.key - b.key || 0 : a.key.localeCompare(b.key);
      return down ? -order : order;
    });
    body.append(...rows.map(({ row }) => row));
  }));
  const search = table.closest('section').querySelector('input');
  search?.addEventListener('input', () => {
    const words = search.value.toLowerCase().split(' ');
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}
`;

/** How many charts of a kind are open from the start. */
const openCharts = 6;

/** Charts side by side, those beyond the first six behind a click. */
export function gallery(charts: readonly Chart[]): string {
  const grid = (some: readonly Chart[]) => {
    const figures = some.map(
      ({ title, svg }) => `<figure><figcaption>${htmlText(title)}</figcaption>${svg}</figure>`,
    );
    return `<div class="charts${charts.length === 1 ? ' one' : ''}">${figures.join('\n')}</div>`;
  };
  const more = charts.slice(openCharts);
  const rest =
    more.length === 0 ? '' : `<details><summary>${more.length} more</summary>${grid(more)}</details>`;
  return grid(charts.slice(0, openCharts)) + rest;
}

/** A section of the page; both are HTML. */
export function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}

/** One self-contained page. Title and subtitle are text, the body is HTML. */
export function page(title: string, subtitle: string, body: string): string {
  // Only this script runs, by its hash: markup that got past the escaping could still not execute anything.
  const scriptHash = createHash('sha256').update(pageScript).digest('base64');
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${htmlText(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${htmlText(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header><h1>sparsemark</h1><p>${htmlText(subtitle)}</p></header>
${body}
</main>
<script>${pageScript}</script>
</body>
</html>
`;
}
