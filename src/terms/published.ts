/** The words of validation: figures that somebody published, and ours beside them. */
import type { EstimatedLayer } from './accelerator.ts';

/** A layer of a published table: its network, where it has one, and the table's further columns. */
export interface PublishedLayer {
  readonly layer: EstimatedLayer;
  readonly network: string | null;
  readonly columns: Readonly<Record<string, number>>;
}

/** Largest errors, relative to the published value, that are accepted. */
export type ErrorBound = readonly [least: number, most: number];

/** What a published figure is of, and where its values are. */
export interface PublishedFigure {
  /** Name of the accelerator. */
  readonly accelerator: string;
  /** Terms and actions of the engine class, or quantities of every estimate, that add up to it. */
  readonly quantity: readonly string[];
  /** Ours is divided by it. */
  readonly scale: number;
  readonly unit: string;
  /** A speed-up, or gain, over that accelerator, or itself without zeros: its quantity over ours. null: none. */
  readonly over: string | null;
  /** Of weights and activations, instead of the layers' own; null: their own. */
  readonly density: number | null;
  /** Whether it is our quantity over that of the same layer without zeros. */
  readonly relative: boolean;
  /** Whether layers of a network are summed. */
  readonly summed: boolean;
  /** Names of the layers that it is of; null: all. */
  readonly only: readonly string[] | null;
  /** Parameters of the accelerator that a column gives. */
  readonly parameters: Readonly<Record<string, string>>;
  /** A column of the layers, one number, or one a network. */
  readonly published: string | number | Readonly<Record<string, number>>;
  /** What ours is rounded to before it is compared; null: as it is. */
  readonly step: number | null;
  /** Of every value, or the name of a column of errors; null: shown, not asserted. */
  readonly bound: ErrorBound | string | null;
  /** Of the mean of the errors' sizes; null: not asserted. */
  readonly meanBound: number | null;
  /** What to know of the figure; '' for nothing. */
  readonly note: string;
}

/** What `over` calls the accelerator itself on the same layers without zeros. */
export const itselfWithoutZeros = 'itself without zeros';

/** One table of published figures: a file of `suites/accelerators/published/`. */
export interface PublishedTable {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly layers: readonly PublishedLayer[];
  readonly figures: readonly PublishedFigure[];
}

/** One published value with ours. */
export interface ValidationRow {
  /** Layer, or network that is summed. */
  readonly of: string;
  readonly ours: number;
  readonly published: number;
  /** Ours over the published value, less one. */
  readonly error: number;
  /** Errors that a test accepts; null: none is asserted. */
  readonly bound: ErrorBound | null;
}

/** All values of one published figure. */
export interface Validation {
  readonly table: Pick<PublishedTable, 'name' | 'title' | 'source'>;
  readonly figure: PublishedFigure;
  /** The figure in words, with the baseline of a speed-up. */
  readonly what: string;
  readonly rows: readonly ValidationRow[];
}
