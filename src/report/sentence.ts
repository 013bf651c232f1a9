/** The answer in one plain sentence, before any table. */
import { type Crossover, median } from '../statistics.ts';
import type { Curve } from './curves.ts';
import { type Group, weakBaseline } from './derive.ts';
import { bestCurves, type Finding, isHeadline } from './finding.ts';
import { formatExactPercent, formatRatio } from './numbers.ts';
import { patternWords, sparsityText } from './words.ts';

/** How many patterns one segment of the sentence speaks of. */
const clauseLimit = 4;

/**
 * One plain sentence on one machine: where sparsity pays and the best case. Of both cache states it speaks of the
 * headline one (cold for n <= 32, else hot) where it was measured. The text is plain and not escaped.
 */
export function sentenceOf(finding: Finding): string {
  const on = `On this ${finding.machineName}`;
  const curves = bestCurves(finding);
  const measured = finding.cells.length > 0;
  if (!measured) {
    const { troubles } = finding;
    return troubles.length === 0
      ? `${on}, nothing was measured.`
      : `${on}, nothing was measured: all ${troubles.length} cases were wrong, failed or unsupported.`;
  }
  if (curves.length === 0) {
    return finding.cells.some((cell) => cell.baseline !== null)
      ? `${on}, only dense kernels were measured.`
      : `${on}, no healthy dense baseline was measured, so there is no speed-up to speak of.`;
  }
  const telling = curves.filter((curve) => !isImitated(curve));
  if (telling.length === 0) return `${on}, arithmetic of 16 bits was imitated, which says nothing of speed.`;
  const chosen = headlineCurves(telling);
  const best = bestGroup(chosen);
  const bestText =
    best.speedup! > 1
      ? `the best case was ${formatRatio(best.speedup!)}x with ${best.kernel} at ${formatExactPercent(1 - best.density)} % sparsity`
      : `the least bad case reached ${formatRatio(best.speedup!)}x with ${best.kernel} at ${formatExactPercent(1 - best.density)} % sparsity`;
  return `${on}${threadsText(chosen)}, ${segmentsOf(chosen).join('; ')}; ${bestText}${weakText(best)}.`;
}

/** Measured with `--isa scalar`: in f16 that shows errors, and its dense baseline is as slow as the imitation. */
function isImitated({ setting, points }: Curve): boolean {
  return setting.dtype === 'f16' && points.some(({ kernel }) => kernel.endsWith('-scalar'));
}

/** Only headline cache states, unless that leaves out a shape that was measured in the other one alone. */
function headlineCurves(curves: readonly Curve[]): Curve[] {
  const without = (curve: Curve) => curve.setting.id.replace(/-(hot|cold)\//, '/');
  const covered = new Set(curves.filter((curve) => isHeadline(curve.setting)).map(without));
  const most = Math.min(...curves.map((curve) => curve.setting.threads));
  return curves.filter(
    (curve) => curve.setting.threads === most && (isHeadline(curve.setting) || !covered.has(without(curve))),
  );
}

function threadsText(curves: readonly Curve[]): string {
  const { threads } = curves[0]!.setting;
  return threads === 1 ? '' : ` with ${threads} threads`;
}

/** Segments by n, each with a clause a pattern; where there are more than two n, one segment over all shapes. */
function segmentsOf(curves: readonly Curve[]): string[] {
  const places = grouped(curves, ({ setting }) => `at batch ${setting.n} with ${setting.cache} weights,`);
  if (places.size > 2) return [joined(clausesOf(curves, clauseLimit))];
  const ordered = [...places].sort(([, a], [, b]) => b[0]!.setting.n - a[0]!.setting.n);
  // The first n gets room for its patterns; the second one only has to say how far it differs.
  return ordered.map(
    ([place, own], index) => `${place} ${joined(clausesOf(own, index === 0 ? clauseLimit : 2))}`,
  );
}

function clausesOf(curves: readonly Curve[], limit: number): string[] {
  return [...grouped(curves, ({ setting }) => setting.label).values()].slice(0, limit).map((own) => {
    const { label } = own[0]!.setting;
    const verbs = label.startsWith('block-') ? ['pay', 'do not pay'] : ['pays', 'does not pay'];
    return `${subjectOf(label)} ${own.length > 1 ? severalShapes(own, verbs) : oneShape(own[0]!.crossover, verbs)}`;
  });
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const own = groups.get(keyOf(item));
    if (own === undefined) groups.set(keyOf(item), [item]);
    else own.push(item);
  }
  return groups;
}

function subjectOf(label: string): string {
  if (label === 'uniform') return 'unstructured pruning';
  if (/^(block|nm)-/.test(label)) return patternWords(label);
  if (label.startsWith('dlmc-like-'))
    return patternWords(label).replace('unstructured', 'unstructured pruning');
  return `${patternWords(label)} pruning`;
}

function oneShape(crossover: Crossover, [pays, paysNot]: readonly string[]): string {
  const lowest = formatExactPercent(1 - crossover.range[1]);
  const highest = formatExactPercent(1 - crossover.range[0]);
  const single = lowest === highest;
  switch (crossover.kind) {
    case 'at':
      return `${pays} from ${sparsityText(crossover.density)} % sparsity`;
    case 'always':
      return single
        ? `${pays} at the ${lowest} % measured`
        : `${pays} at every sparsity measured (from ${lowest} %)`;
    case 'never':
      return single ? `${paysNot} at the ${lowest} % measured` : `${paysNot} up to ${highest} % sparsity`;
    case 'several':
      return `${pays} in parts only (it crosses dense ${crossover.crossings.length === 1 ? 'the other way round' : `${crossover.crossings.length} times`})`;
  }
}

/** Half of the shapes or more have crossed at the median of their thresholds. */
function severalShapes(curves: readonly Curve[], [pays, paysNot]: readonly string[]): string {
  const thresholds = curves.map(({ crossover }) => thresholdOf(crossover));
  const middle = median(thresholds);
  if (!Number.isFinite(middle))
    return `${paysNot} on most of ${curves.length} shapes at the sparsities measured`;
  return `${pays} from ${sparsityText(1 - middle)} % sparsity on half of ${curves.length} shapes`;
}

/** Sparsity from which on a shape pays; Infinity for never. */
function thresholdOf(crossover: Crossover): number {
  switch (crossover.kind) {
    case 'at':
      return 1 - crossover.density;
    case 'always':
      return 1 - crossover.range[1];
    case 'never':
      return Number.POSITIVE_INFINITY;
    case 'several': {
      const [first] = crossover.crossings;
      return first!.pays === 'below' ? 1 - first!.density : Number.POSITIVE_INFINITY;
    }
  }
}

function bestGroup(curves: readonly Curve[]): Group {
  const points = curves.flatMap((curve) => curve.points);
  return points.reduce((best, point) => (point.speedup! > best.speedup! ? point : best));
}

function weakText(best: Group): string {
  return best.baselineStrength !== null && best.baselineStrength < weakBaseline
    ? ', against a weak dense baseline (not for publishing)'
    : '';
}

function joined(clauses: readonly string[]): string {
  return clauses.length < 2 ? clauses.join('') : `${clauses.slice(0, -1).join(', ')} and ${clauses.at(-1)}`;
}
