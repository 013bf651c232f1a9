/** Figures and names in words for people. Text of a file is not escaped here: each report escapes for its own format. */
import type { Crossover } from '../statistics.ts';
import type { Setting } from './derive.ts';
import type { Network } from './networks.ts';
import { formatExactPercent, formatPercent } from './numbers.ts';

/**
 * A pattern's label in words: `uniform` -> `unstructured`, `block-4x4` -> `4x4 blocks`, `nm-2:4` -> `2:4`,
 * `dlmc-rn50-magnitude` -> `ResNet-50 magnitude`, `dlmc-like-rn50-magnitude` -> `unstructured (ResNet-50 magnitude)`. Other labels
 * stay.
 */
export function patternWords(label: string): string {
  if (label === 'uniform') return 'unstructured';
  const block = /^block-(\d+x\d+)$/.exec(label);
  if (block !== null) return `${block[1]} blocks`;
  const nm = /^nm-(\d+:\d+)$/.exec(label);
  if (nm !== null) return nm[1]!;
  const dlmc = /^dlmc-(like-)?(rn50|transformer)-(\w+)$/.exec(label);
  if (dlmc === null) return label;
  const model = modelWords(dlmc[2]!);
  return dlmc[1] === undefined ? `${model} ${dlmc[3]}` : `unstructured (${model} ${dlmc[3]})`;
}

/**
 * The words of some patterns as short as tells them apart: of a single `unstructured (...)` what is in brackets is left
 * out, of several it alone is kept (`like Transformer magnitude`).
 */
export function shortPatternWords(labels: Iterable<string>): Map<string, string> {
  const words = new Map([...labels].map((label) => [label, patternWords(label)]));
  const bracket = /^unstructured(?: \((.+)\))?$/;
  const several = [...words.values()].filter((each) => bracket.test(each)).length > 1;
  for (const [label, each] of words) {
    const inner = bracket.exec(each)?.[1];
    if (inner !== undefined) words.set(label, several ? `like ${inner}` : 'unstructured');
  }
  return words;
}

/** A count with its noun: `1 commit`, `2 commits`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A model's name for people: `rn50` -> `ResNet-50`, `transformer` -> `Transformer`; others stay. */
export function modelWords(model: string): string {
  return { rn50: 'ResNet-50', transformer: 'Transformer' }[model] ?? model;
}

/** Which layers a network's time is of: `all 54 layers`, `all 96 layers of the suite`, `12 layers measured`. */
export function layersWords({ layers, extent }: Pick<Network, 'layers' | 'extent'>): string {
  const count = `${layers} ${layers === 1 ? 'layer' : 'layers'}`;
  switch (extent) {
    case 'network':
      return `all ${count}`;
    case 'suite':
      return `all ${count} of the suite`;
    case 'part':
      return `${count} measured`;
  }
}

/** The heading of a setting: `spmm 512 x 2048 x 128, weights hot, unstructured, 1 thread`. */
export function settingWords(setting: Setting): string {
  const { op, dtype, m, k, n, cache, label, activationDensity, threads } = setting;
  const activations =
    activationDensity === null
      ? ''
      : `, activations ${Number((100 * (1 - activationDensity)).toPrecision(6))} % zeros`;
  const type =
    dtype === 'f32' ? '' : dtype === 'bf16' ? ' in bf16 (saves bytes, never compute)' : ` in ${dtype}`;
  return `${op}${type} ${m} x ${k} x ${n}, weights ${cache}, ${patternWords(label)}${activations}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

/** A crossover as sparsity: `from 62 % (60-64)`, `always (50-95 %)`, `never (50-95 %)`, `several: ...`. */
export function crossoverWords(crossover: Crossover): string {
  const lowest = formatExactPercent(1 - crossover.range[1]);
  const highest = formatExactPercent(1 - crossover.range[0]);
  const range = lowest === highest ? `at ${lowest} %` : `${lowest}-${highest} %`;
  switch (crossover.kind) {
    case 'always':
      return `always (${range})`;
    case 'never':
      return `never (${range})`;
    case 'several': {
      const places = crossover.crossings.map(({ density, pays }) =>
        pays === 'below' ? `from ${sparsityText(density)} %` : `up to ${sparsityText(density)} %`,
      );
      return `several: ${places.reverse().join(', ')}`;
    }
    case 'at': {
      const low = `${crossover.open.high ? '<' : ''}${sparsityText(crossover.interval[1])}`;
      const high = `${crossover.open.low ? '>' : ''}${sparsityText(crossover.interval[0])}`;
      return `from ${sparsityText(crossover.density)} % (${low}-${high})`;
    }
  }
}

/** Sparsity of a density in per cent; with a decimal from 90 % on, where one matters. */
export function sparsityText(density: number): string {
  const sparsity = 1 - density;
  return sparsity < 0.9 ? formatPercent(sparsity) : `${Number((100 * sparsity).toFixed(1))}`;
}
