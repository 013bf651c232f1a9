/** A history shown: lines with their changes in the terminal, a page with a chart of each series, JSON. */
import type { ChangePoint, HistorySeries } from '../terms.ts';
import { historyChart } from './charts/history.ts';
import { htmlText, plainText } from './escape.ts';
import { gallery, page, section } from './page.ts';
import { counted } from './words.ts';

/** What a history is shown with. */
export interface HistoryView {
  readonly suite: string;
  readonly machine: string;
  readonly series: readonly HistorySeries[];
  /** Commits of the history, whatever the series shown have of them. */
  readonly commits: number;
}

/** One change of one series, with the commits that it lies between. */
export interface SeriesChange {
  readonly id: string;
  /** Last commit of the old level and first of the new one: the change is in what the range adds. */
  readonly from: string;
  readonly to: string;
  readonly startedAt: string;
  /** Time after over time before: above 1 is slower. */
  readonly ratio: number;
  readonly interval: readonly [low: number, high: number];
  readonly pValue: number;
}

/** All changes of some series, the latest first. */
export function changesOf(series: readonly HistorySeries[]): readonly SeriesChange[] {
  const changes = series.flatMap(({ id, points, changes: own }) =>
    own.map((change) => {
      const first = points[change.index]!;
      return {
        id,
        from: points[change.index - 1]!.commit,
        to: first.commit,
        startedAt: first.startedAt,
        ratio: Math.exp(change.after - change.before),
        interval: [Math.exp(change.interval[0]), Math.exp(change.interval[1])] as const,
        pValue: change.pValue,
      };
    }),
  );
  return changes.sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0));
}

const short = (commit: string): string => commit.slice(0, 10);

/** `+4.2 %`, `-11 %`: of a time. */
export function changeText(ratio: number): string {
  const percent = (ratio - 1) * 100;
  const text = Math.abs(percent) < 9.95 ? percent.toFixed(1) : percent.toFixed(0);
  return `${percent > 0 && !text.startsWith('-') ? '+' : ''}${text} %`;
}

function changeLine({ from, to, ratio, interval, startedAt }: SeriesChange): string {
  const word = ratio > 1 ? 'slower' : 'faster';
  const range = `${changeText(interval[0])} to ${changeText(interval[1])}`;
  return `${short(from)}..${short(to)}  ${changeText(ratio)} (${range})  ${word} since ${startedAt.slice(0, 10)}`;
}

const ticks = '▁▂▃▄▅▆▇█';

/** Values as a row of at most `width` bars; a bar is the median of its points. Returns the bar of each point too. */
export function sparkline(values: readonly number[], width: number): { text: string; columns: number[] } {
  const count = Math.min(values.length, Math.max(1, width));
  const columns = values.map((_, i) => Math.floor((i * count) / values.length));
  const bars = Array.from({ length: count }, (_, column) => {
    const own = values.filter((_, i) => columns[i] === column).sort((a, b) => a - b);
    return own[own.length >> 1]!;
  });
  // Three in a hundred may stand out at each end: one spike would make everything else flat.
  const sorted = [...bars].sort((a, b) => a - b);
  const low = sorted[Math.floor(0.03 * count)]!;
  const span = sorted[count - 1 - Math.floor(0.03 * count)]! - low;
  // A flat series stays low: noise of a thousandth should not fill the height.
  const height = (bar: number): number =>
    Math.floor(Math.min(1, Math.max(0, (bar - low) / Math.max(span, low * 0.02))) * 7.999);
  return { text: bars.map((bar) => ticks[height(bar)]).join(''), columns };
}

/** Each series as a line of bars, its changes marked below and named. */
export function historyText(view: HistoryView, width: number): string {
  const blocks = view.series.map((series) => {
    const ratios = series.points.map(({ ratio }) => ratio);
    const last = ratios.at(-1)!;
    const { text, columns } = sparkline(ratios, width - 2);
    const head = `${plainText(series.id)}\n  ${counted(series.points.length, 'commit')}, now ${last.toFixed(3)} of the anchor ${series.anchor.slice(0, 12)}`;
    if (series.changes.length === 0) return `${head}, no change\n  ${text}`;
    const marks = new Array<string>(text.length).fill(' ');
    for (const { index, after, before } of series.changes)
      marks[columns[index]!] = after > before ? '^' : 'v';
    const lines = changesOf([series]).map((change) => `  ${changeLine(change)}`);
    return [
      `${head}, ${countOf(series.changes)}`,
      `  ${text}`,
      `  ${marks.join('').trimEnd()}`,
      ...lines,
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}

const countOf = (changes: readonly ChangePoint[]): string =>
  changes.length === 1 ? '1 change' : `${changes.length} changes`;

/** The ranges of commits in which something changed, the latest first, with every case that changed there. */
export function changesText(view: HistoryView): string {
  const ranges = new Map<string, SeriesChange[]>();
  for (const change of changesOf(view.series)) {
    const key = `${change.from}..${change.to}`;
    ranges.set(key, [...(ranges.get(key) ?? []), change]);
  }
  if (ranges.size === 0)
    return `No change in ${view.series.length} series of ${counted(view.commits, 'commit')} of ${view.suite}.\n`;
  const blocks = [...ranges.values()].map((own) => {
    const [{ from, to, startedAt }] = own as [SeriesChange, ...SeriesChange[]];
    const lines = own.map(({ id, ratio, interval }) => {
      const range = `${changeText(interval[0])} to ${changeText(interval[1])}`;
      return `  ${changeText(ratio).padStart(8)}  ${`(${range})`.padEnd(22)}  ${plainText(id)}`;
    });
    return [`${short(from)}..${short(to)}  ${startedAt.slice(0, 10)}`, ...lines].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}

/** The page: what changed, then a chart of each series, those with changes first. */
export function historyPage(view: HistoryView): string {
  const changes = changesOf(view.series);
  const sentence =
    changes.length === 0
      ? `Nothing changed in ${counted(view.commits, 'commit')}.`
      : `${counted(changes.length, 'change')} in ${counted(view.commits, 'commit')}; the latest: ${changeText(changes[0]!.ratio).replace(' ', '\u00a0')} in ${short(changes[0]!.from)}..${short(changes[0]!.to)}.`;
  const blocks = [
    `<p class="answer">${htmlText(sentence)}</p>`,
    `<p class="provenance">${htmlText(`Times over those of an anchor measured in the same run; machine ${view.machine}.`)}</p>`,
  ];
  if (changes.length > 0) blocks.push(section('Changes', changesTable(changes)));
  const changed = view.series.filter((series) => series.changes.length > 0);
  const steady = view.series.filter((series) => series.changes.length === 0);
  if (changed.length > 0) {
    blocks.push(section('Cases that changed', gallery(changed.map(historyChart))));
  }
  if (steady.length > 0) {
    blocks.push(section('Cases that did not', gallery(steady.map(historyChart))));
  }
  return page(`sparsemark: history of ${view.suite}`, `History of suite ${view.suite}`, blocks.join('\n'));
}

function changesTable(changes: readonly SeriesChange[]): string {
  const head = ['commits', 'since', 'time', '95 % interval', 'case'];
  const rows = changes.map(({ id, from, to, startedAt, ratio, interval }) => {
    const cells: [string, string][] = [
      ['left', `${short(from)}..${short(to)}`],
      ['left', startedAt.slice(0, 10)],
      [`right ${ratio > 1 ? 'bad' : 'good'}`, changeText(ratio)],
      ['right', `${changeText(interval[0])} to ${changeText(interval[1])}`],
      ['left', id],
    ];
    const value = (column: number): string => (column === 2 || column === 3 ? ` data-value="${ratio}"` : '');
    return `<tr>${cells.map(([tone, text], column) => `<td class="${tone}"${value(column)}>${htmlText(text)}</td>`).join('')}</tr>`;
  });
  const aligned = ['left', 'left', 'right', 'right', 'left'];
  const heads = head.map(
    (title, column) =>
      `<th class="${aligned[column]}" aria-sort="none"><button type="button">${title}</button></th>`,
  );
  return `<div class="wide"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Series and changes as JSON text. */
export function historyJson(view: HistoryView): string {
  return `${JSON.stringify({ ...view, changes: changesOf(view.series) }, (_, value: unknown) => (typeof value === 'string' ? plainText(value) : value), 2)}\n`;
}
