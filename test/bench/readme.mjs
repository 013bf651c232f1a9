// README's kernel table from a real run: what stands between its two marks is written anew, and the chart beside it.
//   npm run readme:kernels                    runs the suite quick, every library that is installed
//   npm run readme:kernels -- result.jsonl    takes a result that is there
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findingsOf, isHeadline, sectionsOf } from '../../dist/report/finding.js';
import { tableBlocks } from '../../dist/report/markdown.js';
import { markdownText } from '../../dist/report/escape.js';
import { renderReport, reportNamed } from '../../dist/report/index.js';
import { provenanceOf } from '../../dist/report/provenance.js';
import { sentenceOf } from '../../dist/report/sentence.js';
import { groupTable, notesOf } from '../../dist/report/tables.js';
import { readResult } from '../../dist/result/result.js';

export const marks = ['<!-- kernels: npm run readme:kernels -->', '<!-- /kernels -->'];
const image = 'results/readme/crossover.svg';

/** The text with another one between the marks; nothing else is touched. Throws where the marks are not there once each. */
export function withBlock(text, block) {
  const [begin, end] = marks.map((mark) => {
    const at = text.indexOf(mark);
    if (at < 0 || text.indexOf(mark, at + 1) >= 0)
      throw new Error(`Expected the mark ${mark} once in the README, received ${at < 0 ? 'none' : 'several'}.`);
    return at;
  });
  return `${text.slice(0, begin + marks[0].length)}\n\n${block.trim()}\n\n${text.slice(end)}`;
}

/** The block, and the chart that it shows. Throws where the run has no headline setting with a sparse kernel. */
export function blockOf(result) {
  const [finding] = findingsOf([result], {});
  const sections = sectionsOf(finding, { all: false }).filter(
    ({ setting, groups }) => isHeadline(setting) && groups.length > 0,
  );
  if (sections.length === 0) throw new Error('Expected a sparse kernel in a headline setting, received a run without one.');
  const charts = renderReport(reportNamed('svg'), [result]);
  const chart = charts.find(({ name }) => /crossover/.test(name)) ?? charts[0];
  const { machine, build, libraries, startedAt, command } = result.header;
  const tables = sections.map((section) => groupTable(section));
  const caches = machine.caches.l2Bytes > 0 ? `, ${machine.caches.l2Bytes / 2 ** 20} MiB L2 a core` : '';
  const facts = [
    `${machine.cpuBrand} (${machine.isa.at(-1)}, model ${machine.cpuModel}${caches})`,
    build.compiler,
    `version ${build.version}`,
    startedAt.slice(0, 10),
    `load ${machine.load1.toFixed(1)} at the start`,
    // Where the file lay on that machine is nobody's.
    `\`${command.replace(/ --out \S+/, '')}\``,
  ];
  const block = [
    `From one run: ${facts.join('; ')}. Libraries: ${libraries.map(({ name, version }) => `${name} ${version}`).join(', ')}; ${provenanceOf(finding)}.`,
    `> ${markdownText(sentenceOf(finding))}`,
    `![Speed-up over dense against sparsity, a line a format: ${markdownText(tables[0].title)}](${image})`,
    'The fastest sparse kernel of each row against the fastest healthy dense one:',
    ...tables.flatMap((table) => tableBlocks(table, '####')),
    ...notesOf(tables).map(markdownText),
  ].join('\n\n');
  return { block, chart: chart.text };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  let path = process.argv[2];
  if (path === undefined) {
    path = join(mkdtempSync(join(tmpdir(), 'sparsemark-readme-')), 'quick.jsonl');
    execFileSync(process.execPath, [join(root, 'dist', 'cli.js'), 'run', 'quick', '--budget', '300', '--out', path], { stdio: 'inherit' });
  }
  const { block, chart } = blockOf(readResult(path));
  const readme = join(root, 'README.md');
  writeFileSync(readme, withBlock(readFileSync(readme, 'utf8'), block));
  writeFileSync(join(root, image), chart);
  process.stderr.write(`README.md and ${image} are those of ${path}\n`);
}
