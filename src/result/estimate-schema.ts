/** The lines of a result file that hold estimates, as zod schemas; they mirror terms/estimates.ts. */
import { z } from 'zod';
import { dataSpaces, dimensions, evidenceClasses } from '../terms/accelerator.ts';
import { amount, count, key, list, name, positive, positiveCount, shape, share, text } from './field.ts';

const numbers = z.record(key, z.number());

/** Fields of an accelerator's record. */
export const acceleratorFields = {
  name,
  title: text,
  source: text,
  engine: name,
  clockMhz: positive,
  parameters: numbers,
  energyTable: name.nullable(),
  evidence: z.enum(evidenceClasses),
  against: text,
  baseline: text,
  formula: list(z.strictObject({ name: text, when: text, expression: text, from: text })).exactOptional(),
};

const layer = z.strictObject({
  // A topology may leave its layers without a name.
  name: text,
  shape,
  groups: positiveCount,
  weightDensity: share,
  activationDensity: share,
  weightCorrelation: share,
  weightBlock: z.strictObject({ kept: positiveCount, size: positiveCount }).exactOptional(),
});

const energy = z.strictObject({
  table: name,
  unit: z.enum(['pJ', 'MAC']),
  total: amount,
  levels: list(z.strictObject({ level: name, accesses: amount, bits: amount, energy: amount })),
});

const difference = z.strictObject({
  relative: z.number(),
  trustworthy: z.boolean(),
  statistics: z.strictObject({
    rowCv: amount,
    uniformRowCv: amount,
    colCv: amount,
    uniformColCv: amount,
    gapCv: amount,
    uniformGapCv: amount,
    correlation: z.number().min(-1.0000001).max(1.0000001),
  }),
  reasons: list(text),
});

const sample = z.strictObject({
  axis: z.enum(['rows', 'columns']),
  blocks: positiveCount,
  of: positiveCount,
  confidence: share,
  cyclesInterval: z.tuple([amount, amount]),
});

const loops = list(
  z.strictObject({ dimension: z.enum(dimensions), factor: z.union([positiveCount, z.literal('rest')]) }),
);
const mapping = z.strictObject({
  levels: list(z.strictObject({ level: name, temporal: loops, spatial: loops })),
  evaluations: count,
  complete: z.boolean(),
});

const traffic = list(
  z.strictObject({
    level: name,
    cycles: amount,
    bits: amount,
    heldBits: amount,
    spaces: list(
      z.strictObject({
        space: z.enum(dataSpaces),
        dense: z.strictObject({
          ...{ fills: amount, serves: amount, drains: amount, updates: amount, clears: amount },
        }),
        ...{ reads: amount, gatedReads: amount, writes: amount, gatedWrites: amount },
        ...{ metadataReadBits: amount, metadataWriteBits: amount },
      }),
    ),
  }),
);

/** Fields of an estimate's record. */
export const estimateFields = {
  accelerator: name,
  layer,
  mode: z.enum(['statistical', 'actual']),
  pattern: name.nullable(),
  seed: count.nullable(),
  cycles: amount,
  denseCycles: amount,
  macs: amount,
  effectualMacs: amount,
  multipliers: positive,
  terms: numbers,
  actions: numbers,
  energy: energy.nullable(),
  mapping: mapping.nullable(),
  rates: list(z.strictObject({ level: name, bytes: amount, bytesPerSecond: positive })),
  traffic: traffic.exactOptional(),
  difference: difference.exactOptional(),
  sample: sample.exactOptional(),
};

export const acceleratorRecordSchema = z.strictObject(acceleratorFields);
export const estimateRecordSchema = z.strictObject(estimateFields);
