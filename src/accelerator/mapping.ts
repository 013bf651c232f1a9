/** Mappings of a layer onto a generic design: from a file, as rows of numbers, and as text. */
import {
  type Dimension,
  dimensions,
  type GenericDesign,
  type Mapping,
  type MappingLevel,
} from '../terms/accelerator.ts';
import type { Shape } from '../terms.ts';
import type { YamlReader, YamlValue } from '../workload/yaml-reader.ts';

/** Numbers of a mapping's row, as `native/accelerator/generic_design.h` has them. */
export const mappingFields = 54;
const loopFields = 9;

type Loops = MappingLevel['temporal'];

function readLoops(reader: YamlReader, value: YamlValue | undefined): Loops {
  if (value === undefined) return [];
  return [...reader.record(value, dimensions)].map(([name, factor]) => ({
    dimension: name as Dimension,
    factor: reader.scalar(factor) === 'rest' ? ('rest' as const) : reader.integer(factor, 1, 2 ** 53 - 1),
  }));
}

/**
 * Read a mapping: a list of levels with their temporal loops, the outermost first, and their spatial ones. A factor is
 * a number, or once a dimension `rest`. `meshes`: instances below each level. Throws what the reader throws.
 */
export function readMapping(
  reader: YamlReader,
  value: YamlValue,
  levels: GenericDesign['levels'],
  meshes: readonly number[],
): readonly MappingLevel[] {
  const found = new Map<string, MappingLevel>();
  const rests = new Map<Dimension, number>();
  for (const item of reader.list(value)) {
    const fields = reader.record(item, ['level', 'temporal', 'spatial']);
    const named = fields.get('level') ?? reader.fail(item, 'a key "level"', 'Say whose loops they are.');
    const level = reader.choice(
      named,
      levels.map(({ name }) => name),
    );
    if (found.has(level)) reader.fail(named, 'each level once', 'Merge its loops.');
    const [temporal, spatial] = [fields.get('temporal'), fields.get('spatial')].map((loops) =>
      readLoops(reader, loops),
    ) as [Loops, Loops];
    for (const { dimension, factor } of [...temporal, ...spatial])
      if (factor === 'rest') {
        rests.set(dimension, (rests.get(dimension) ?? 0) + 1);
        if (rests.get(dimension)! > 1)
          reader.fail(item, `one "rest" of ${dimension}`, 'Give the other factors as numbers.');
      }
    const room = meshes[levels.findIndex(({ name }) => name === level)]!;
    const used = spatial.reduce((product, { factor }) => product * (factor === 'rest' ? 1 : factor), 1);
    if (used > room)
      reader.fail(fields.get('spatial')!, `factors of at most ${room} in all`, 'The array is no larger.');
    found.set(level, { level, temporal, spatial });
  }
  return levels.map(({ name }) => found.get(name) ?? { level: name, temporal: [], spatial: [] });
}

/** Why given factors are not a layer's: its dimension and what they multiply to; null where they are. */
export function mismatch(
  mapping: readonly MappingLevel[],
  shape: Shape,
): { readonly dimension: Dimension; readonly product: number; readonly bound: number } | null {
  const bounds = { M: shape.m, N: shape.n, K: shape.k };
  for (const dimension of dimensions) {
    const factors = mapping
      .flatMap(({ temporal, spatial }) => [...temporal, ...spatial])
      .filter((loop) => loop.dimension === dimension)
      .map(({ factor }) => factor);
    const product = factors.reduce<number>((all, factor) => all * (factor === 'rest' ? 1 : factor), 1);
    const bound = bounds[dimension];
    if (!factors.includes('rest') && product !== bound) return { dimension, product, bound };
  }
  return null;
}

/** The row of a mapping for a layer: `rest` is what the other factors leave, rounded up. */
export function mappingRow(mapping: readonly MappingLevel[], shape: Shape): Float64Array {
  const bounds = { M: shape.m, N: shape.n, K: shape.k };
  const given = { M: 1, N: 1, K: 1 };
  const loops = mapping.flatMap(({ temporal, spatial }) => [...temporal, ...spatial]);
  for (const { dimension, factor } of loops) if (factor !== 'rest') given[dimension] *= factor;
  const row = new Float64Array(mappingFields).fill(1);
  for (let at = 0; at < mappingFields; at += loopFields) row.set([0, 1, 2], at + 3);
  for (const [at, { temporal, spatial }] of mapping.entries()) {
    const sized = (list: Loops, from: number): void => {
      for (const { dimension, factor } of list)
        row[at * loopFields + from + dimensions.indexOf(dimension)] =
          factor === 'rest' ? Math.ceil(bounds[dimension] / given[dimension]) : factor;
    };
    sized(temporal, 0);
    sized(spatial, 6);
    const named = temporal.map(({ dimension }) => dimension);
    const order = [...named, ...dimensions.filter((dimension) => !named.includes(dimension))];
    row.set(
      order.map((dimension) => dimensions.indexOf(dimension)),
      at * loopFields + 3,
    );
  }
  return row;
}

/** A row as a mapping: loops of one step are left out. */
export function mappingOf(
  row: Float64Array,
  levels: GenericDesign['levels'],
  found: Pick<Mapping, 'evaluations' | 'complete'>,
): Mapping {
  const loops = (order: readonly number[], factors: Float64Array): Loops =>
    order.map((d) => ({ dimension: dimensions[d]!, factor: factors[d]! })).filter(({ factor }) => factor > 1);
  return {
    levels: levels.map(({ name }, at) => {
      const own = row.subarray(at * loopFields, (at + 1) * loopFields);
      return {
        level: name,
        temporal: loops([...own.subarray(3, 6)], own.subarray(0, 3)),
        spatial: loops([0, 1, 2], own.subarray(6, 9)),
      };
    }),
    ...found,
  };
}

/** `DRAM: N 4, M 2 | array: M 16 x K 8`, the outermost level first. */
export function mappingText({ levels, evaluations, complete }: Mapping): string {
  const parts = levels.map(({ level, temporal, spatial }) => {
    const steps = temporal.map(({ dimension, factor }) => `${dimension} ${factor}`).join(', ') || 'no loop';
    const array = spatial.map(({ dimension, factor }) => `${dimension} ${factor}`).join(' x ');
    return `${level}: ${steps}${array === '' ? '' : `, over the array ${array}`}`;
  });
  const how =
    evaluations === 0
      ? 'given'
      : `the best of ${evaluations} ${complete ? '' : 'at the bound of the search'}`;
  return `${parts.join(' | ')} (${how.trim()})`;
}
