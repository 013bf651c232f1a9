/** Estimates of the generic engine: a design with its mapping, given or searched, and what passes each level. */
import { loadNative } from '../native.ts';
import {
  type Accelerator,
  dataSpaces,
  type Estimate,
  type EstimatedLayer,
  type GenericDesign,
  type LevelTraffic,
} from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { energyOf } from './energy.ts';
import { declined, layerFields, writeLayer } from './layer-rows.ts';
import { mappingFields, mappingOf, mappingRow, mismatch } from './mapping.ts';

/** Numbers of an estimate's row, as `native/accelerator/generic.h` has them. */
export const genericFields = 265;
const head = 13;
const levelFields = 42;
const flowFields = 13;
/** Where in a flow metadata bits of gated reads stand, and behind them those of skipped ones. */
const splitMetadata = 11;

function trafficOf(design: GenericDesign, row: Float64Array): readonly LevelTraffic[] {
  return design.levels.map(({ name, keeps }, at) => {
    const own = row.subarray(head + at * levelFields, head + (at + 1) * levelFields);
    const spaces = keeps.map((space) => {
      const from = 3 + dataSpaces.indexOf(space) * flowFields;
      const [fills, serves, drains, updates, clears] = own.subarray(from, from + 5);
      const [reads, gatedReads, writes, gatedWrites, metadataReadBits, metadataWriteBits] = own.subarray(
        from + 5,
        from + splitMetadata,
      );
      return {
        space,
        dense: {
          ...{ fills: fills!, serves: serves!, drains: drains! },
          ...{ updates: updates!, clears: clears! },
        },
        ...{ reads: reads!, gatedReads: gatedReads!, writes: writes!, gatedWrites: gatedWrites! },
        ...{ metadataReadBits: metadataReadBits!, metadataWriteBits: metadataWriteBits! },
      };
    });
    return { level: name, cycles: own[0]!, bits: own[1]!, heldBits: own[2]!, spaces };
  });
}

/** What an energy table may price of a level of a design, and of its multipliers. */
export const genericActions = {
  level: [
    ...['read', 'write', 'gated_read', 'gated_write', 'metadata_read', 'metadata_write'],
    ...['gated_metadata_read', 'skipped_metadata_read'],
  ],
  compute: ['mac', 'mac_gated', 'mac_skipped'],
} as const;

/** How often each action happens: accesses of a level's width, multiplications by what becomes of them. */
function actionsOf(
  design: GenericDesign,
  traffic: readonly LevelTraffic[],
  row: Float64Array,
): Record<string, number> {
  const actions: Record<string, number> = {};
  for (const [at, { level, spaces }] of traffic.entries()) {
    const { widthBits, metadataWidthBits } = design.levels[at]!;
    const bits = { read: 0, write: 0, gated_read: 0, gated_write: 0 };
    const metadata = {
      metadata_read: 0,
      metadata_write: 0,
      gated_metadata_read: 0,
      skipped_metadata_read: 0,
    };
    for (const { space, reads, writes, gatedReads, gatedWrites, ...of } of spaces) {
      const valueBits = design.row[4 + at * 26 + 8 + 6 * dataSpaces.indexOf(space)]!;
      const from = head + at * levelFields + 3 + dataSpaces.indexOf(space) * flowFields + splitMetadata;
      const [gatedBits, skippedBits] = [row[from]!, row[from + 1]!];
      bits.read += reads * valueBits;
      bits.write += writes * valueBits;
      bits.gated_read += gatedReads * valueBits;
      bits.gated_write += gatedWrites * valueBits;
      metadata.metadata_read += of.metadataReadBits - gatedBits;
      metadata.metadata_write += of.metadataWriteBits;
      metadata.gated_metadata_read += gatedBits;
      metadata.skipped_metadata_read += skippedBits;
    }
    for (const [name, of] of Object.entries(bits)) actions[`${level}.${name}`] = of / widthBits;
    for (const [name, of] of Object.entries(metadata)) actions[`${level}.${name}`] = of / metadataWidthBits;
  }
  actions['compute.mac'] = row[7]!;
  actions['compute.mac_gated'] = row[8]!;
  actions['compute.mac_skipped'] = row[9]!;
  return actions;
}

/** Actions as a table prices them: metadata of gated reads as those of others, where it has no price for them. */
function asPriced({ energy }: Accelerator, actions: Record<string, number>): Record<string, number> {
  const priced = new Set(energy?.priced.map(({ action }) => action));
  const together = Object.entries(actions).map(([name, count]) => {
    const gated = name.replace(/\.metadata_read$/, '.gated_metadata_read');
    return [name, gated === name || priced.has(gated) ? count : count + actions[gated]!];
  });
  return Object.fromEntries(together);
}

/** Why a design declines a layer. */
function refusal(
  accelerator: Accelerator,
  design: GenericDesign,
  row: Float64Array,
  why: string,
  layer: Pick<EstimatedLayer, 'name' | 'place'>,
): Error {
  const level = design.levels[row[12]!];
  if (level === undefined) return declined(accelerator, row[0]!, why, layer);
  return declined(accelerator, row[0]!, `${why}: ${level.name}`, {
    ...layer,
    ...(level.place && { place: level.place }),
  });
}

/**
 * Estimates of layers on a generic design, each with its mapping; dense cycles are those of the best mapping that the
 * same bounded search finds for the layer without zeros on the design with its sparsity off. Throws BAD_ACCELERATOR.
 */
export function estimateGeneric(
  accelerator: Accelerator,
  layers: readonly EstimatedLayer[],
): readonly Estimate[] {
  const design = accelerator.design!;
  return layers.map((layer) => {
    const layerRow = new Float64Array(layerFields);
    writeLayer(layer, layerRow, 0);
    const { mapping } = design;
    const wrong = mapping === null ? null : mismatch(mapping, layer.shape);
    if (wrong !== null) {
      throw new SparsemarkError(
        'BAD_ACCELERATOR',
        `Expected factors of ${wrong.dimension} that multiply to ${wrong.bound} for the mapping of ${accelerator.name}, received ${wrong.product}. Write "rest" for one of them, or leave the mapping out to have one searched for ${layer.name}.`,
        design.mappingPlace,
      );
    }
    const chosen = mapping === null ? new Float64Array(mappingFields) : mappingRow(mapping, layer.shape);
    const row = new Float64Array(genericFields);
    const { native } = loadNative();
    const why = native.estimateGeneric(design.row, layerRow, chosen, row, design.mostEvaluations, true);
    if (row[0] !== 0) throw refusal(accelerator, design, row, why, layer);
    const traffic = trafficOf(design, row);
    const actions = actionsOf(design, traffic, row);
    const [, cycles, denseCycles, macs, effectualMacs, multipliers, computeCycles] = row;
    const levels = Object.fromEntries(traffic.map(({ level, cycles }) => [`${level}Cycles`, cycles]));
    return {
      accelerator: accelerator.name,
      layer: layer.name,
      mode: 'statistical',
      evidence: accelerator.evidence,
      cycles: cycles!,
      timeNs: (1000 * cycles!) / accelerator.clockMhz,
      denseCycles: denseCycles!,
      macs: macs!,
      effectualMacs: effectualMacs!,
      multipliers: multipliers!,
      utilisation: cycles === 0 ? 0 : effectualMacs! / (cycles! * multipliers!),
      terms: { computeCycles: computeCycles!, ...levels },
      actions,
      energy: energyOf(accelerator, asPriced(accelerator, actions)),
      mapping: mappingOf(chosen, design.levels, { evaluations: row[10]!, complete: row[11] === 1 }),
      traffic,
    };
  });
}

/** Rows of the batch call (`sweep`) for a generic design: the head of each estimate, without a baseline of its own. */
export function sweepGeneric(
  accelerator: Accelerator,
  layers: Float64Array,
  mappings: Float64Array = new Float64Array((layers.length / layerFields) * mappingFields),
): Float64Array {
  const design = accelerator.design!;
  const rows = new Float64Array((layers.length / layerFields) * genericFields);
  const { native } = loadNative();
  const why = native.estimateGeneric(design.row, layers, mappings, rows, design.mostEvaluations, false);
  for (let at = 0; at < rows.length; at += genericFields) {
    if (rows[at] !== 0) {
      const row = rows.subarray(at, at + genericFields);
      throw refusal(accelerator, design, row, why, { name: `layer ${at / genericFields}` });
    }
  }
  return rows;
}
