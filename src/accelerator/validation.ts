/** Our number beside each published one, computed when it is asked for. */
import type { Accelerator, Estimate, EstimatedLayer } from '../terms/accelerator.ts';
import {
  type ErrorBound,
  itselfWithoutZeros,
  type PublishedFigure,
  type PublishedLayer,
  type PublishedTable,
  type Validation,
  type ValidationRow,
} from '../terms/published.ts';
import { SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { loadAccelerator } from './accelerator.ts';
import { engineOf, estimate } from './estimate.ts';
import { publishedTables } from './published.ts';

/** Quantities that every estimate has, and their units. */
const quantities: Readonly<
  Record<string, { readonly unit: string; readonly of: (found: Estimate) => number }>
> = {
  cycles: { unit: 'cycles', of: ({ cycles }) => cycles },
  denseCycles: { unit: 'cycles', of: ({ denseCycles }) => denseCycles },
  timeUs: { unit: 'us', of: ({ timeNs }) => timeNs / 1e3 },
  timeMs: { unit: 'ms', of: ({ timeNs }) => timeNs / 1e6 },
  speedup: { unit: '1', of: ({ cycles, denseCycles }) => denseCycles / cycles },
  macs: { unit: 'multiplications', of: ({ macs }) => macs },
  utilisation: { unit: '1', of: ({ utilisation }) => utilisation },
  gops: { unit: 'GOP/s', of: ({ effectualMacs, timeNs }) => (2 * effectualMacs) / timeNs },
  energy: { unit: 'energy', of: ({ energy }) => energy?.total ?? Number.NaN },
};

/** One quantity of an estimate, or the sum of several. Throws BAD_ACCELERATOR for a name that it lacks. */
function quantityOf(names: readonly string[], found: Estimate): number {
  return names.reduce((sum, name) => {
    const known = { ...found.terms, ...found.actions };
    const value = quantities[name]?.of(found) ?? known[name];
    if (value !== undefined) return sum + value;
    const all = [...Object.keys(quantities), ...Object.keys(known)];
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected one of ${all.join(', ')} for the quantity of a figure, received "${name}". Did you mean "${nearestName(name, all)}"?`,
    );
  }, 0);
}

/** A column of a layer. Throws BAD_ACCELERATOR where the source does not say it of this layer. */
function columnOf({ layer, columns }: PublishedLayer, name: string): number {
  const value = columns[name];
  if (value !== undefined) return value;
  throw new SparsemarkError(
    'BAD_ACCELERATOR',
    `Expected a value of the column ${name} for the layer ${layer.name}, received none. Name the layers that have one in the figure's "only".`,
  );
}

/** The accelerator with the parameters that the layer's columns give. */
function withParameters(
  accelerator: Accelerator,
  figure: PublishedFigure,
  layer: PublishedLayer,
): Accelerator {
  const given = Object.entries(figure.parameters);
  if (given.length === 0) return accelerator;
  const { engine } = engineOf(accelerator);
  const parameters = engine.parameters.map(({ name }, at) => {
    const column = figure.parameters[name];
    return column === undefined ? accelerator.parameters[at]! : columnOf(layer, column);
  });
  return { ...accelerator, parameters };
}

const withoutZeros = (layer: EstimatedLayer): EstimatedLayer => ({
  ...{ ...layer, weightDensity: 1, activationDensity: 1, weightCorrelation: 0 },
});

/** The figure in words: what is compared, over which baseline. */
function wordsOf(figure: PublishedFigure, baseline: string): string {
  const name = figure.quantity.join(' + ');
  const unit = figure.unit || quantities[name]?.unit || '1';
  const text =
    figure.over !== null
      ? `gain in ${name} over ${figure.over}`
      : figure.relative
        ? `${name} over those of the same layer without zeros`
        : name === 'speedup'
          ? `speed-up over ${baseline}`
          : unit === '1' || unit === name
            ? name
            : `${name}, ${unit}`;
  const at = figure.density === null ? text : `${text}, ${figure.density} of both operands nonzero`;
  return figure.summed ? `${at}, sum of a network` : at;
}

/** Estimates by accelerator and layer: figures share them, and a generic design searches a mapping for each. */
type Known = Map<Accelerator, Map<string, Estimate>>;

function estimateOnce(known: Known, accelerator: Accelerator, layer: EstimatedLayer): Estimate {
  const own = known.get(accelerator) ?? new Map<string, Estimate>();
  known.set(accelerator, own);
  const key = JSON.stringify(layer);
  const found = own.get(key) ?? estimate(accelerator, [layer])[0]!;
  own.set(key, found);
  return found;
}

/** Ours and the published values of one figure. */
function rowsOf(
  accelerator: Accelerator,
  figure: PublishedFigure,
  layers: readonly PublishedLayer[],
  known: Known,
): readonly ValidationRow[] {
  const over =
    figure.over === null || figure.over === itselfWithoutZeros ? null : loadAccelerator(figure.over);
  const chosen = layers
    .filter(({ layer }) => figure.only === null || figure.only.includes(layer.name))
    .map((one) => {
      const { density } = figure;
      if (density === null) return one;
      return { ...one, layer: { ...one.layer, weightDensity: density, activationDensity: density } };
    });
  const measured = chosen.map((one) => {
    const of = (which: Accelerator, layer: EstimatedLayer): number =>
      quantityOf(figure.quantity, estimateOnce(known, which, layer));
    const whose = withParameters(accelerator, figure, one);
    const own = of(whose, one.layer);
    if (over !== null) return { own, other: of(over, one.layer) };
    const isRatio = figure.relative || figure.over !== null;
    return { own, other: isRatio ? of(whose, withoutZeros(one.layer)) : figure.scale };
  });
  const isGain = figure.over !== null;
  const row = (name: string, own: number, other: number, published: number, bound: ErrorBound | null) => {
    const exact = isGain ? other / own : own / other;
    const ours = figure.step === null ? exact : Math.round(exact / figure.step) * figure.step;
    // A step of a millionth has rounding errors of its own.
    const error = Math.abs(ours / published - 1) < 1e-12 ? 0 : ours / published - 1;
    return { of: name, ours, published, error, bound };
  };
  const { published, bound } = figure;
  const fixed = typeof bound === 'string' ? null : bound;
  if (typeof published === 'object') {
    return Object.entries(published).map(([network, value]) => {
      const own = measured.filter((_, at) => chosen[at]!.network === network);
      const sum = (pick: (one: (typeof own)[number]) => number): number =>
        own.reduce((all, one) => all + pick(one), 0);
      const other = isGain || figure.relative ? sum((one) => one.other) : figure.scale;
      return row(
        network,
        sum((one) => one.own),
        other,
        value,
        fixed,
      );
    });
  }
  return chosen.map((one, at) => {
    const { layer, network } = one;
    const { own, other } = measured[at]!;
    const value = typeof published === 'number' ? published : columnOf(one, published);
    const most = typeof bound === 'string' ? columnOf(one, bound) : null;
    const name = network === null ? layer.name : `${network} ${layer.name}`;
    return row(name, own, other, value, most === null ? fixed : [-most, most]);
  });
}

/** Every figure of a table that is of that accelerator, with ours. Throws BAD_ACCELERATOR. */
export function validationsIn(table: PublishedTable, accelerator: Accelerator): readonly Validation[] {
  const { name, title, source } = table;
  const known: Known = new Map();
  return table.figures
    .filter((figure) => figure.accelerator === accelerator.name)
    .map((figure) => ({
      table: { name, title, source },
      figure,
      what: wordsOf(figure, accelerator.baseline),
      rows: rowsOf(accelerator, figure, table.layers, known),
    }));
}

/** Every published figure of an accelerator with ours. Throws BAD_ACCELERATOR. */
export function validationsOf(accelerator: Accelerator): readonly Validation[] {
  return publishedTables().flatMap((table) => validationsIn(table, accelerator));
}

/** Accelerators whose published gains are over this one, by name. Throws BAD_ACCELERATOR. */
export function comparedWith(accelerator: Accelerator): readonly string[] {
  const figures = publishedTables().flatMap((table) => table.figures);
  return [
    ...new Set(figures.filter(({ over }) => over === accelerator.name).map((figure) => figure.accelerator)),
  ];
}
