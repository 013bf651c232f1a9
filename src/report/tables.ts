/** The tables of a report as data: terminal, Markdown, LaTeX and HTML draw the same ones. */
import type { Crossover } from '../statistics.ts';
import type { Curve } from './curves.ts';
import { type Group, impossibleFraction, weakBaseline } from './derive.ts';
import type { DenseKernel, Finding, Section } from './finding.ts';
import { type Metric, markNotes, metricNamed, strengthText } from './metrics.ts';
import { familiesOf, paretoFront } from './networks.ts';
import {
  formatExactPercent,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSize,
  formatTime,
} from './numbers.ts';
import { crossoverWords, layersWords, modelWords, patternWords, settingWords } from './words.ts';

/** One entry of a table: text for people, a value to sort by, a tone for colours. None of it is escaped. */
export interface Entry {
  readonly text: string;
  readonly value?: number | string;
  readonly tone?: Tone;
}

/** How an entry is to be taken. */
export type Tone = 'good' | 'bad' | 'warn';

/** One column. The columns of highest `rank` are dropped first where room is short; rank 0 always stays. */
export interface Column {
  readonly title: string;
  readonly unit: string;
  readonly align: 'left' | 'right';
  readonly rank: number;
}

/** A table with its heading. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Entry[])[];
}

const left = (title: string, rank = 0, unit = ''): Column => ({ title, unit, align: 'left', rank });
const right = (title: string, rank = 0, unit = ''): Column => ({ title, unit, align: 'right', rank });
const text = (value: string): Entry => ({ text: value });
const yesNo = (value: boolean): Entry => ({ text: value ? 'yes' : 'NO', tone: value ? 'good' : 'bad' });
const percent = (share: number | null): Entry =>
  share === null ? { text: '-' } : { text: formatPercent(share), value: share };

/** The metrics of a table of cells, with the order in which they go when room is short. */
const shown: readonly (readonly [name: string, rank: number])[] = [
  ['speedup', 0],
  ['baselineStrength', 1],
  ['usefulGflops', 3],
  ['rooflineFraction', 2],
  ['bytesPerNonzero', 5],
  ['encodeNs', 6],
  ['breakEven', 4],
];

/** What a table of f16 has besides: its error is a part of the answer. */
const shownOfF16: typeof shown = [
  ['maxAbsError', 0],
  ['errorRatio', 1],
];

/** One row a sparsity and kernel of one setting; kernels go by their labels where there are any. */
export function groupTable(section: Section, labels: ReadonlyMap<string, string> = new Map()): Table {
  const names = section.setting.dtype === 'f16' ? [...shown, ...shownOfF16] : shown;
  const columns = names.map(([name, rank]) => ({ metric: metricNamed(name), rank }));
  return {
    title: settingWords(section.setting),
    columns: [
      right('sparsity', 0, '%'),
      left('kernel'),
      ...columns.map(({ metric, rank }) => right(metric.title, rank, metric.unit)),
      right('interval', 7, '95 %'),
    ],
    rows: section.groups.map((group) => [
      { text: formatExactPercent(1 - group.density), value: 1 - group.density },
      text(`${labels.get(group.kernel) ?? group.kernel}${group.settled ? '' : ' ~'}`),
      ...columns.map(({ metric }) => metricEntry(metric, group)),
      { text: intervalText(group) },
    ]),
  };
}

function metricEntry(metric: Metric, group: Group): Entry {
  const value = metric.value(group);
  const tone = toneOf(metric, group);
  return {
    text: metric.text(group),
    ...(value === null || Number.isNaN(value) ? {} : { value }),
    ...(tone === null ? {} : { tone }),
  };
}

function toneOf(metric: Metric, group: Group): Tone | null {
  if (metric.name === 'baselineStrength') {
    return group.baselineStrength !== null && isDoubtful(group.baselineStrength) ? 'warn' : null;
  }
  if (metric.name !== 'speedup' || group.speedupInterval === null) return null;
  if (group.speedupInterval[0] > 1) return 'good';
  return group.speedupInterval[1] < 1 ? 'bad' : null;
}

/** Whether a dense kernel's strength is weak, or cannot be true. */
function isDoubtful(strength: number): boolean {
  return strength < weakBaseline || strength > impossibleFraction;
}

/** What the marks mean that stand in some tables, one line a mark. */
export function notesOf(tables: readonly Table[]): string[] {
  const texts = tables.flatMap((table) => table.rows.flatMap((row) => row.map((entry) => entry.text)));
  const marked = (mark: string) => texts.some((each) => /^\d/.test(each) && each.endsWith(mark));
  return markNotes.filter(({ mark }) => marked(mark)).map(({ mark, text: words }) => `${mark} ${words}`);
}

function intervalText(group: Group): string {
  if (group.speedupInterval === null) return '-';
  return group.speedupInterval.map(formatRatio).join('-');
}

/** Where each kernel pays: one row a setting and kernel, one column a machine; kernels by their labels if there are any. */
export function crossoverTable(
  findings: readonly Finding[],
  labels: ReadonlyMap<string, string> = new Map(),
): Table {
  const rows = new Map<string, { curve: Curve; words: Map<number, Entry> }>();
  for (const [index, finding] of findings.entries()) {
    for (const curve of finding.curves) {
      const key = `${curve.setting.id} ${curve.kernel}`;
      const row = rows.get(key) ?? { curve, words: new Map<number, Entry>() };
      row.words.set(index, { text: crossoverWords(curve.crossover), value: crossoverValue(curve.crossover) });
      rows.set(key, row);
    }
  }
  return {
    title: 'Pays from which sparsity on (95 % interval)',
    columns: [
      left('op', 2),
      left('shape', 0, 'm x k x n'),
      left('weights'),
      left('pattern'),
      right('threads', 3),
      left('kernel'),
      ...findings.map((finding) => left(findings.length === 1 ? 'pays' : finding.machineName, 0, 'sparsity')),
    ],
    rows: [...rows.values()].map(({ curve: { setting, kernel }, words }) => [
      text(setting.op),
      { text: `${setting.m} x ${setting.k} x ${setting.n}`, value: setting.m * setting.k * setting.n },
      text(setting.cache),
      text(patternWords(setting.label)),
      { text: `${setting.threads}`, value: setting.threads },
      text(labels.get(kernel) ?? kernel),
      ...findings.map((_, index) => words.get(index) ?? { text: '-' }),
    ]),
  };
}

/** Lowest sparsity that pays, for sorting: 0 always, 2 never. */
function crossoverValue(crossover: Crossover): number {
  if (crossover.kind === 'at') return 1 - crossover.density;
  return { always: 0, several: 1.5, never: 2 }[crossover.kind];
}

/** Every dense kernel with its health and strength. */
export function baselineTable(finding: Finding): Table {
  return {
    title: 'Dense baselines',
    columns: [
      left('dense kernel'),
      left('healthy'),
      right('rate', 1, 'GFLOP/s'),
      right('of fastest', 2, '%'),
      right('of FMA peak', 3, '%'),
      right('roofline', 1, '%'),
      right('chosen', 0, 'of workloads'),
    ],
    rows: finding.denseKernels.map((dense) => [
      text(dense.kernel),
      yesNo(dense.healthy),
      dense.gateGflops === null
        ? text('-')
        : { text: formatNumber(dense.gateGflops), value: dense.gateGflops },
      percent(dense.ofBest),
      percent(dense.ofPeak),
      strengthEntry(dense),
      { text: `${dense.chosen} of ${dense.measured}`, value: dense.chosen },
    ]),
  };
}

function strengthEntry(dense: DenseKernel): Entry {
  if (dense.strength === null || !isDoubtful(dense.strength)) return percent(dense.strength);
  return { text: strengthText(dense.strength), value: dense.strength, tone: 'warn' };
}

/** Every case without a time, by name. */
export function troubleTable(finding: Finding): Table {
  return {
    title: 'Without a time',
    columns: [left('case'), left('what'), left('why')],
    rows: finding.troubles.map((trouble) => {
      if (trouble.status === 'unsupported')
        return [text(trouble.id), text('unsupported'), text(trouble.reason)];
      if (trouble.status === 'failed') {
        const why = trouble.detail === '' ? trouble.reason : `${trouble.reason}: ${trouble.detail}`;
        return [text(trouble.id), { text: 'FAILED', tone: 'bad' }, text(why)];
      }
      const { row, col, expected, actual, tolerance } = trouble.worst;
      const worst = `C[${row}, ${col}] is ${actual ?? 'not a number'}, not ${expected} within ${tolerance}`;
      return [text(trouble.id), { text: 'WRONG', tone: 'bad' }, text(`${worst}. ${trouble.detail}`)];
    }),
  };
}

/** Networks on the Pareto front of quality against time, fastest first. */
export function networkTable(finding: Finding): Table {
  const front = [...familiesOf(finding.networks).values()].flatMap((own) =>
    paretoFront(
      own,
      (network) => network.timeNs,
      (network) => network.quality,
    ),
  );
  return {
    title: 'Quality against time (Pareto front)',
    columns: [
      left('model'),
      right('n', 1),
      left('pruning'),
      right('sparsity', 0, '%'),
      right('quality'),
      left('metric', 2),
      left('kernel', 1),
      right('time'),
      right('dense', 3),
      left('time of', 0),
    ],
    rows: front.map((network) => [
      text(modelWords(network.model)),
      network.n === null ? text('own') : { text: `${network.n}`, value: network.n },
      text(patternWords(network.label)),
      { text: formatExactPercent(1 - network.density), value: 1 - network.density },
      { text: `${Number(network.quality.toFixed(2))}`, value: network.quality },
      text(network.metric),
      text(network.kernel),
      { text: formatTime(network.timeNs), value: network.timeNs },
      network.denseNs === null ? text('-') : { text: formatTime(network.denseNs), value: network.denseNs },
      { text: layersWords(network), value: network.layers },
    ]),
  };
}

/** What the machine is and how the run was made, one fact a row, one column a machine. */
export function machineTable(findings: readonly Finding[]): Table {
  const facts: [string, (finding: Finding) => string][] = [
    [
      'CPU',
      ({ result: { header } }) =>
        `${header.machine.cpuBrand} (${header.machine.cpuModel}, ${header.machine.arch})`,
    ],
    ['cores', ({ result: { header } }) => `${header.machine.cores}, SMT ${onOff(header.machine.smt)}`],
    ['instruction sets', ({ result: { header } }) => header.machine.isa.join(', ')],
    ['caches', ({ result: { header } }) => cachesText(header.machine.caches)],
    ['memory', ({ result: { header } }) => formatSize(header.machine.memoryBytes)],
    [
      'governor, turbo',
      ({ result: { header } }) => `${header.machine.governor ?? 'unknown'}, ${onOff(header.machine.turbo)}`,
    ],
    [
      'load, steal',
      ({ result: { header } }) => `${header.machine.load1}, ${stealText(header.machine.stealShare)}`,
    ],
    ['hypervisor', ({ result: { header } }) => header.machine.hypervisor ?? 'none'],
    [
      'system',
      ({ result: { header } }) =>
        `${header.machine.os}, kernel ${header.machine.kernelRelease}, Node ${header.machine.node}`,
    ],
    ...ceilingFacts(findings),
    [
      'compiler',
      ({ result: { header } }) => `${header.build.compiler} ${header.build.flags} (${header.build.type})`,
    ],
    [
      'addon',
      ({ result: { header } }) => `${header.build.version}, SHA-256 ${header.build.sha256.slice(0, 16)}`,
    ],
    ['commit', ({ result: { header } }) => commitText(header.build.gitCommit, header.build.gitDirty)],
    [
      'libraries',
      ({ result: { header } }) =>
        header.libraries.map((own) => `${own.name} ${own.version} ${own.config}`.trim()).join('; '),
    ],
    [
      'suite',
      ({ result: { header } }) =>
        `${header.suite.name} ${header.suite.version}${header.suite.released ? '' : ' (not released)'}, SHA-256 ${header.suite.digest.slice(0, 16)}`,
    ],
    ['pinned to CPUs', ({ result: { header } }) => header.protocol.pinnedCpus.join(', ') || 'not pinned'],
    [
      'run',
      ({ result: { header, end } }) => `${header.runId}${end?.complete === true ? '' : ', NOT COMPLETE'}`,
    ],
  ];
  return {
    title: 'Machine',
    columns: [left('fact'), ...findings.map((finding) => left(finding.machineName))],
    rows: facts.map(([name, of]) => [text(name), ...findings.map((finding) => text(of(finding)))]),
  };
}

function ceilingFacts(findings: readonly Finding[]): [string, (finding: Finding) => string][] {
  const threads = new Set(
    findings.flatMap(({ result }) => result.header.machine.ceilings.map((own) => own.threads)),
  );
  return [...threads].map((count) => [
    `ceilings, ${count} ${count === 1 ? 'thread' : 'threads'}`,
    ({ result }) => {
      const own = result.header.machine.ceilings.find((ceilings) => ceilings.threads === count);
      if (own === undefined) return '-';
      const rates = [own.l1GBs, own.l2GBs, own.l3GBs, own.dramGBs].map(formatNumber).join(' / ');
      const gather = own.gatherGelems === null ? '' : `, gather ${formatNumber(own.gatherGelems)} Gelem/s`;
      return `FMA ${formatNumber(own.fmaGflops)} GFLOP/s, L1/L2/L3/DRAM ${rates} GB/s${gather}`;
    },
  ]);
}

function onOff(value: boolean | null): string {
  return value === null ? 'unknown' : value ? 'on' : 'off';
}

function cachesText(caches: { l1dBytes: number; l2Bytes: number; l3Bytes: number }): string {
  return `L1d ${formatSize(caches.l1dBytes)}, L2 ${formatSize(caches.l2Bytes)}, L3 ${formatSize(caches.l3Bytes)}`;
}

function stealText(share: number | null): string {
  return share === null ? 'unknown' : `${formatNumber(share * 100)} %`;
}

function commitText(commit: string | null, dirty: boolean | null): string {
  return commit === null ? 'unknown' : `${commit.slice(0, 12)}${dirty === true ? ' with changes' : ''}`;
}
