/** The words of the cost model: hardware that is not here, and what a layer would cost on it. */
import type { Csr, Place, Shape } from '../terms.ts';

/**
 * What an estimate's accelerator was held against: `replayed`, the authors' own data, by a recurrence or an exact
 * count; `validated`, published figures that the formula was not made from; `calibrated`, figures that it was made
 * from; `formula`, nothing.
 */
export const evidenceClasses = ['replayed', 'validated', 'calibrated', 'formula'] as const;
export type Evidence = (typeof evidenceClasses)[number];

/** Prices of a technology: one table an accelerator, and no table compared with another. */
export interface EnergyTable {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** pJ, or MAC where a price is relative to a multiplication. */
  readonly unit: 'pJ' | 'MAC';
  readonly prices: Readonly<Record<string, number>>;
}

/** What the actions of an accelerator cost, and at which level. */
export interface EnergyModel {
  readonly table: string;
  readonly unit: EnergyTable['unit'];
  readonly priced: readonly {
    readonly level: string;
    /** An action of the engine class. */
    readonly action: string;
    /** Energy of one of them. */
    readonly price: number;
    /** Bits that one of them moves. */
    readonly bits: number;
  }[];
}

/** What a level of an accelerator does for a layer: arithmetic or a memory. */
export interface LevelEstimate {
  readonly level: string;
  readonly accesses: number;
  readonly bits: number;
  readonly energy: number;
}

/** Energy of a layer, in the unit of its table; to be compared within the table alone. */
export interface EnergyEstimate {
  readonly table: string;
  readonly unit: EnergyTable['unit'];
  readonly total: number;
  readonly levels: readonly LevelEstimate[];
}

/** Operands of Z = W A and their dimensions: weights m x k, inputs k x n, outputs m x n. */
export const dataSpaces = ['Weights', 'Inputs', 'Outputs'] as const;
export type DataSpace = (typeof dataSpaces)[number];
export const dimensions = ['M', 'N', 'K'] as const;
export type Dimension = (typeof dimensions)[number];

/** Loops of one level of a generic design: outermost first, then the instances below that work at once. */
export interface MappingLevel {
  readonly level: string;
  /** Factors above 1, the outermost loop first; in an accelerator file `rest` is what the other levels leave. */
  readonly temporal: readonly { readonly dimension: Dimension; readonly factor: number | 'rest' }[];
  readonly spatial: readonly { readonly dimension: Dimension; readonly factor: number | 'rest' }[];
}

/** How a layer runs on a generic design. */
export interface Mapping {
  readonly levels: readonly MappingLevel[];
  /** Mappings that the search evaluated; 0 of one that the file gives. */
  readonly evaluations: number;
  /** Whether the search saw every canonical mapping. */
  readonly complete: boolean;
}

/** Values of one data space that pass a level of a generic design, of all its instances. */
export interface SpaceTraffic {
  readonly space: DataSpace;
  /** Exact counts of a layer without zeros: written from above, read to below, outputs read to above, outputs written from below, outputs begun at zero. */
  readonly dense: Readonly<Record<'fills' | 'serves' | 'drains' | 'updates' | 'clears', number>>;
  /** Expected values, zeros left out as the design does; gated ones take their time. */
  readonly reads: number;
  readonly gatedReads: number;
  readonly writes: number;
  readonly gatedWrites: number;
  readonly metadataReadBits: number;
  readonly metadataWriteBits: number;
}

/** What passes a level of a generic design. */
export interface LevelTraffic {
  readonly level: string;
  /** Cycles that its ports are busy. */
  readonly cycles: number;
  readonly bits: number;
  /** Expected bits of its tiles, in one instance. */
  readonly heldBits: number;
  readonly spaces: readonly SpaceTraffic[];
}

/** A design wholly described by its file: the rows of `native/accelerator/generic_design.h` and their names. */
export interface GenericDesign {
  readonly row: Float64Array;
  readonly levels: readonly {
    readonly name: string;
    /** Bits of values that one access moves, and of metadata. */
    readonly widthBits: number;
    readonly metadataWidthBits: number;
    readonly keeps: readonly DataSpace[];
    /** Where its file has it; absent for one that no file describes. */
    readonly place?: Place;
  }[];
  /** null: searched for each layer. */
  readonly mapping: readonly MappingLevel[] | null;
  /** Where the file has the mapping; absent where it has none. */
  readonly mappingPlace?: Place;
  readonly mostEvaluations: number;
}

/** A line of a formula, as C++ has it beside the code that it describes. */
export interface FormulaLine {
  /** cycles, denseCycles or a term of `--explain`. */
  readonly name: string;
  /** When the line holds; empty for always. */
  readonly when: string;
  /** Of terms, parameters, sizes and densities; empty where `from` alone can say it. E[..] is an expected value. */
  readonly expression: string;
  /** What the expression does not say by itself. */
  readonly from: string;
}

/** Hardware that is not here, as a file of `suites/accelerators/` describes it. */
export interface Accelerator {
  readonly name: string;
  readonly title: string;
  /** Paper or report that describes it. */
  readonly source: string;
  /** Engine class: an entry of `native/accelerator/engines.inc`, or `generic`. */
  readonly engine: string;
  readonly clockMhz: number;
  /** In the order of the engine class; none of the generic engine. */
  readonly parameters: readonly number[];
  /** How N:M weights are stored that each layer names itself; null or absent where the file decides. */
  readonly weightBlocks?: 'csr' | 'csc' | 'ellpack_block' | null;
  /** Of the generic engine; null for an engine class. */
  readonly design: GenericDesign | null;
  /** null where no table is known to price its actions. */
  readonly energy: EnergyModel | null;
  /** Why none prices them, where its file says so. */
  readonly withoutEnergy?: string;
  readonly evidence: Evidence;
  /** What it was held against, with the error. */
  readonly against: string;
  /** Of what hardware `denseCycles` are: the accelerator with its sparsity off, or a baseline that the paper names. */
  readonly baseline: string;
}

/** A layer with its densities, as the cost model takes it. */
export interface EstimatedLayer {
  readonly name: string;
  /** m outputs, n output pixels or columns, k inputs of a sum; of one group. */
  readonly shape: Shape;
  readonly groups: number;
  readonly weightDensity: number;
  readonly activationDensity: number;
  /** Intra-class correlation of the weights' places; 0 for uniform ones. */
  readonly weightCorrelation: number;
  /** Of each `size` weights in a row at the most `kept` are nonzero; absent where nothing says so. */
  readonly weightBlock?: { readonly kept: number; readonly size: number };
  /** Where a file names it; absent for a layer of a suite. */
  readonly place?: Place;
}

/** Where an operand's nonzeros lie: canonical compressed sparse rows without values. */
export type OperandMask = Omit<Csr, 'values'>;

/** Both operands' masks of a layer. */
export interface LayerMasks {
  /** m x k. */
  readonly weights: OperandMask;
  /** k x n; of a convolution channels x (batch, height, width), without its padding. null: none is zero. */
  readonly activations: OperandMask | null;
}

/**
 * Whether the nonzeros of an estimate are `statistical`, expected from densities, or `actual`, counted where they are.
 */
export type EstimateMode = 'statistical' | 'actual';

/** Coefficients of variation of a mask's nonzeros a row, a column, and of the gaps in its rows, beside uniform ones'. */
export interface MaskStatistics {
  readonly rowCv: number;
  readonly uniformRowCv: number;
  readonly colCv: number;
  readonly uniformColCv: number;
  readonly gapCv: number;
  readonly uniformGapCv: number;
  /** Of nonzero weights and nonzero activations an input of the sum. */
  readonly correlation: number;
}

/** How far the statistical estimate of a layer is from the actual one. */
export interface Difference {
  /** Statistical cycles over actual ones, less one. */
  readonly relative: number;
  /** Whether it is 10 % at the most. */
  readonly trustworthy: boolean;
  readonly statistics: MaskStatistics;
  /** What tells the masks from uniform ones, the strongest first, where it is not trustworthy. */
  readonly reasons: readonly string[];
}

/** What a layer would cost on an accelerator. */
export interface Estimate {
  readonly accelerator: string;
  readonly layer: string;
  readonly mode: EstimateMode;
  readonly evidence: Evidence;
  readonly cycles: number;
  readonly timeNs: number;
  /** Cycles of the baseline on the same layer without zeros. */
  readonly denseCycles: number;
  readonly macs: number;
  /** Multiplications of two nonzeros, as expected or as counted. */
  readonly effectualMacs: number;
  /** Multipliers that the utilisation is of. */
  readonly multipliers: number;
  /** Effectual multiplications over those that the multipliers could do in that time. */
  readonly utilisation: number;
  /** What the formula is made of, by name. */
  readonly terms: Readonly<Record<string, number>>;
  /** How often each priced action happens, by name. */
  readonly actions: Readonly<Record<string, number>>;
  /** null where the accelerator names no table. */
  readonly energy: EnergyEstimate | null;
  /** Of a generic design; null for an engine class, whose formula has its own. */
  readonly mapping: Mapping | null;
  readonly traffic: readonly LevelTraffic[] | null;
  /** Of an estimate of which a part was counted. */
  readonly sample?: CountedSample;
}

/** The part of a layer that was counted, and what is known of the whole. */
export interface CountedSample {
  /** Rows of the weights or columns of the activations. */
  readonly axis: 'rows' | 'columns';
  /** Blocks that were counted, of how many. */
  readonly blocks: number;
  readonly of: number;
  readonly confidence: number;
  readonly cyclesInterval: readonly [low: number, high: number];
}
