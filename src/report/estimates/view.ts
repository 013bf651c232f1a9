/** All that reports show of estimates: derived once, shown many ways. */
import { geometricMean } from '../../statistics.ts';
import type { AcceleratorRecord, EstimateRecord, Estimates } from '../../terms/estimates.ts';
import type { Result } from '../../terms.ts';

/** An estimate with what follows from it. */
export interface EstimateRow {
  readonly accelerator: AcceleratorRecord;
  readonly record: EstimateRecord;
  readonly timeNs: number;
  /** Cycles of the baseline without zeros over the estimate's; null where there is nothing to do. */
  readonly speedup: number | null;
  /** Effectual multiplications over those that the multipliers could do in that time. */
  readonly utilisation: number;
  /** Whether a statistical estimate was held against a counted one and found to be more than 10 % off. */
  readonly distrusted: boolean;
}

/** The estimates of some results. */
export interface EstimateView {
  readonly accelerators: readonly AcceleratorRecord[];
  readonly rows: readonly EstimateRow[];
  /** Names of accelerators that are not shown: nothing was held against their formulas. */
  readonly hidden: readonly string[];
}

const layerKey = ({ layer, pattern, seed }: EstimateRecord): string =>
  JSON.stringify([
    layer.name,
    layer.shape,
    layer.groups,
    layer.weightDensity,
    layer.activationDensity,
    pattern,
    seed,
  ]);

/** Statistical estimates that a counted one of the same layer found to be off. */
function distrustedOf(estimates: readonly EstimateRecord[]): ReadonlySet<string> {
  const off = estimates.filter(({ difference }) => difference?.trustworthy === false);
  return new Set(off.map((record) => `${record.accelerator} ${layerKey(record)}`));
}

/** The estimates of results. Of accelerators of one name in several results the first one's record stands. */
export function estimateViewOf(
  results: readonly (Result & Partial<Estimates>)[],
  options: { readonly all?: boolean } = {},
): EstimateView {
  const known = new Map<string, AcceleratorRecord>();
  const hidden = new Set<string>();
  const rows: EstimateRow[] = [];
  for (const { accelerators = [], estimates = [] } of results) {
    const distrusted = distrustedOf(estimates);
    const own = new Map(accelerators.map((accelerator) => [accelerator.name, accelerator]));
    for (const accelerator of accelerators) {
      if (accelerator.evidence === 'formula' && options.all !== true) hidden.add(accelerator.name);
      else if (!known.has(accelerator.name)) known.set(accelerator.name, accelerator);
    }
    for (const record of estimates) {
      const accelerator = own.get(record.accelerator)!;
      if (hidden.has(accelerator.name)) continue;
      const { cycles, denseCycles, effectualMacs, multipliers, mode } = record;
      rows.push({
        accelerator,
        record,
        timeNs: (1000 * cycles) / accelerator.clockMhz,
        speedup: cycles > 0 ? denseCycles / cycles : null,
        utilisation: cycles > 0 ? effectualMacs / (cycles * multipliers) : 0,
        distrusted: mode === 'statistical' && distrusted.has(`${accelerator.name} ${layerKey(record)}`),
      });
    }
  }
  return { accelerators: [...known.values()], rows, hidden: [...hidden] };
}

/** One accelerator over the densities of a panel. */
export interface EstimateCurve {
  readonly accelerator: AcceleratorRecord;
  /** By density, ascending. */
  readonly points: readonly {
    readonly density: number;
    readonly speedup: number;
    readonly distrusted: boolean;
  }[];
}

/** What shares a chart: layers of one shape and activation density, and of one pattern where masks were counted. */
export interface EstimatePanel {
  readonly shape: { readonly m: number; readonly k: number; readonly n: number };
  readonly names: readonly string[];
  readonly activationDensity: number;
  /** null: from densities alone. */
  readonly pattern: string | null;
  readonly curves: readonly EstimateCurve[];
  readonly rows: readonly EstimateRow[];
  /** Layers that it is the geometric mean of; 1 for the panel of one shape. */
  readonly layers: number;
}

/** Densities as counted differ in their last digits from those asked for. */
const twoDigits = (density: number): number => Math.round(100 * density) / 100;

/** The panels of a view in the order of the file. Seeds of one density are one point, their geometric mean. */
export function panelsOf(view: EstimateView): EstimatePanel[] {
  const panels = new Map<string, EstimateRow[]>();
  for (const row of view.rows) {
    const { layer, pattern, mode } = row.record;
    const { m, k, n } = layer.shape;
    // Where both modes are there, the counted one is the answer, and the statistical one is in the table.
    const key = JSON.stringify([m, k, n, layer.groups, twoDigits(layer.activationDensity), mode, pattern]);
    panels.set(key, [...(panels.get(key) ?? []), row]);
  }
  const counted = new Set(
    view.rows.filter(({ record }) => record.mode === 'actual').map(({ record }) => shapeKey(record)),
  );
  return [...panels.values()]
    .filter(([first]) => first!.record.mode === 'actual' || !counted.has(shapeKey(first!.record)))
    .map((rows) => {
      const { layer, pattern } = rows[0]!.record;
      return {
        shape: layer.shape,
        names: [...new Set(rows.map(({ record }) => record.layer.name))],
        activationDensity: twoDigits(layer.activationDensity),
        pattern,
        curves: view.accelerators.flatMap((accelerator) => curveOf(accelerator, rows)),
        rows,
        layers: 1,
      };
    });
}

/** From how many layers on a picture of all of them together is drawn. */
const poolFrom = 4;

/**
 * One panel over all layers of an activation density and pattern, where they are four or more. A point is the geometric
 * mean over the layers; an accelerator or a density that lacks one of them is left out.
 */
export function pooledPanelsOf(panels: readonly EstimatePanel[]): EstimatePanel[] {
  const families = new Map<string, EstimatePanel[]>();
  for (const panel of panels) {
    const key = JSON.stringify([panel.activationDensity, panel.pattern]);
    families.set(key, [...(families.get(key) ?? []), panel]);
  }
  return [...families.values()].flatMap((own) => {
    if (own.length < poolFrom) return [];
    const curves = own[0]!.curves.flatMap(({ accelerator }) => {
      const each = own.map((panel) => panel.curves.find((curve) => curve.accelerator === accelerator));
      const points = each[0]!.points.flatMap(({ density }) => {
        const here = each.flatMap(
          (curve) => curve?.points.filter((point) => point.density === density) ?? [],
        );
        if (here.length < own.length) return [];
        const speedup = geometricMean(here.map((point) => point.speedup));
        return [{ density, speedup, distrusted: here.some(({ distrusted }) => distrusted) }];
      });
      return points.length === 0 ? [] : [{ accelerator, points }];
    });
    const pooled = {
      ...own[0]!,
      names: [],
      curves,
      rows: own.flatMap(({ rows }) => rows),
      layers: own.length,
    };
    return curves.length === 0 ? [] : [pooled];
  });
}

const shapeKey = ({ layer: { shape, groups } }: EstimateRecord): string =>
  [shape.m, shape.k, shape.n, groups].join(' ');

function curveOf(accelerator: AcceleratorRecord, rows: readonly EstimateRow[]): EstimateCurve[] {
  const byDensity = new Map<number, EstimateRow[]>();
  for (const row of rows) {
    if (row.accelerator.name !== accelerator.name || row.speedup === null) continue;
    const density = twoDigits(row.record.layer.weightDensity);
    if (density === 0) continue;
    byDensity.set(density, [...(byDensity.get(density) ?? []), row]);
  }
  const points = [...byDensity].map(([density, own]) => ({
    density,
    speedup: geometricMean(own.map(({ speedup }) => speedup!)),
    distrusted: own.some(({ distrusted }) => distrusted),
  }));
  return points.length === 0 ? [] : [{ accelerator, points: points.sort((a, b) => a.density - b.density) }];
}
