/**
 * The Deep Learning Matrix Collection in the data cache: which matrices there are, their n, their network's quality.
 *
 * Layout: dlmc/<model>/<method>/<sparsity>/<layer>.smtx, dlmc/rn50_batchsizes.txt (`layer,n`), dlmc/dlmc.csv.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SparsemarkError, type Workload, type WorkloadRecord } from '../terms.ts';
import { readMatrixHead } from './import/index.ts';

/** Models of the collection. */
export const dlmcModels = ['rn50', 'transformer'] as const;
export type DlmcModel = (typeof dlmcModels)[number];

/** Pruning methods as patterns and ids name them, with their folders in the collection. */
export const dlmcMethods: ReadonlyMap<string, string> = new Map([
  ['magnitude', 'magnitude_pruning'],
  ['random', 'random_pruning'],
  ['variational', 'variational_dropout'],
  ['l0', 'l0_regularization'],
  ['extended', 'extended_magnitude_pruning'],
]);

/** One matrix of the collection. */
export interface DlmcMatrix {
  /** Path below the data cache, with slashes. */
  readonly path: string;
  readonly model: DlmcModel;
  readonly method: string;
  /** The sparsity that the level's folder names. */
  readonly level: number;
  /** Name of the layer, without the endings in which the methods' files differ. */
  readonly layer: string;
  /** Number of the layer in its model, from 1: the same whichever part of the collection is there. */
  readonly ordinal: number;
  readonly rows: number;
  readonly cols: number;
  /** n of the layer at batch 1; null where it depends on the text's length. */
  readonly n: number | null;
}

/** The error for data that is not in the cache. */
function missing(what: string): SparsemarkError {
  return new SparsemarkError(
    'MISSING_DATA',
    `Expected ${what} in the data cache for collection dlmc, received nothing. Add it with: sparsemark data add dlmc <dlmc.tar.gz or folder>. SPARSEMARK_DATA names another cache folder.`,
  );
}

/** n of every ResNet-50 layer, in the order of their names. Throws MISSING_DATA, BAD_MATRIX with the line. */
function readBatchSizes(dataFolder: string): ReadonlyMap<string, number> {
  const shown = 'dlmc/rn50_batchsizes.txt';
  const file = join(dataFolder, shown);
  if (!existsSync(file)) throw missing(shown);
  const sizes: [string, number][] = [];
  for (const [at, line] of readFileSync(file, 'utf8').split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const match = /^([A-Za-z0-9_]+),([1-9][0-9]{0,8})$/.exec(line.trim());
    if (match === null) {
      throw new SparsemarkError(
        'BAD_MATRIX',
        `Expected "layer,n" for a line, received "${line.slice(0, 60)}". Add the collection again.`,
        { file: shown, line: at + 1 },
      );
    }
    sizes.push([match[1]!, Number(match[2])]);
  }
  return new Map(sizes.sort(([name], [other]) => (name < other ? -1 : 1)));
}

const attentionParts = ['q', 'k', 'v', 'output_transform'];
const encoderParts = [...attentionParts.map((part) => `self_${part}`), 'ffn_conv1', 'ffn_conv2'];
const decoderParts = [...encoderParts, ...attentionParts.map((part) => `encdec_${part}`)];
const stackLayers = 6;

/** Number of a Transformer's matrix by its name: encoder, decoder, then the embedding. Null for an unknown name. */
function transformerOrdinal(layer: string): number | null {
  if (layer === 'symbol_modality_33288_512_shared') {
    return stackLayers * (encoderParts.length + decoderParts.length) + 1;
  }
  const match = /^body_(encoder|decoder)_layer_([0-5])_(.+)$/.exec(layer);
  if (match === null) return null;
  const part = match[3]!.replace(/^(self|encdec)_attention_multihead_attention_/, '$1_');
  const parts = match[1] === 'encoder' ? encoderParts : decoderParts;
  const at = parts.indexOf(part);
  if (at < 0) return null;
  const before = match[1] === 'encoder' ? 0 : stackLayers * encoderParts.length;
  return before + Number(match[2]) * parts.length + at + 1;
}

/** A file's name without what differs between methods: `..._q_fully_connected` and `..._q` are the same layer. */
function layerOf(fileName: string): string {
  return fileName.replace(/\.smtx$/, '').replace(/(?:_fully_connected|_weights_0_aux|_)$/, '');
}

function foldersIn(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

/**
 * Matrices of a model that are in the cache, by method, level (rising) and layer. Reads the head of each file.
 * Throws MISSING_DATA where there are none, BAD_MATRIX where a file is damaged.
 */
export function dlmcMatrices(
  dataFolder: string,
  model: DlmcModel,
  methods: readonly string[] = [...dlmcMethods.keys()],
): readonly DlmcMatrix[] {
  const found: DlmcMatrix[] = [];
  const batchSizes = model === 'rn50' ? readBatchSizes(dataFolder) : null;
  const rn50Names = batchSizes === null ? [] : [...batchSizes.keys()];
  for (const method of methods) {
    const folder = join(dataFolder, 'dlmc', model, dlmcMethods.get(method)!);
    const levels = foldersIn(folder).filter((name) => /^0\.[0-9]+$/.test(name));
    for (const level of levels.sort((one, other) => Number(one) - Number(other))) {
      for (const name of foldersIn(join(folder, level)).filter((entry) => entry.endsWith('.smtx'))) {
        const layer = layerOf(name);
        const ordinal = model === 'rn50' ? rn50Names.indexOf(layer) + 1 : transformerOrdinal(layer);
        // A file that is no layer of the model has neither n nor number: it is not part of the collection.
        if (ordinal === null || ordinal === 0) continue;
        const path = `dlmc/${model}/${dlmcMethods.get(method)}/${level}/${name}`;
        const { rows, cols } = readMatrixHead(join(dataFolder, path), path);
        const n = batchSizes?.get(layer) ?? null;
        found.push({ path, model, method, level: Number(level), layer, ordinal, rows, cols, n });
      }
    }
  }
  if (found.length === 0) throw missing(`matrices of dlmc/${model}`);
  return found;
}

/** Quality of the network that a matrix belongs to. */
export type Quality = NonNullable<WorkloadRecord['quality']>;

/** Levels whose cell of transformer/variational_dropout holds ResNet-50's accuracy (75 is no BLEU). */
const wrongQuality = /^dlmc\/transformer\/variational_dropout\/0\.(?:5|8|9|95|98)\//;

/**
 * Quality by matrix path, from a dlmc.csv: top-1 % of ResNet-50, BLEU of the Transformer. The table's wrong cells,
 * transformer/variational_dropout at 0.5, 0.8, 0.9, 0.95 and 0.98, are left out. Throws BAD_MATRIX for another table.
 */
export function dlmcQuality(csvPath: string, shownPath: string = csvPath): ReadonlyMap<string, Quality> {
  const [header = '', ...lines] = readFileSync(csvPath, 'utf8').split(/\r?\n/);
  if (!header.startsWith('model,quality,path,')) {
    throw new SparsemarkError(
      'BAD_MATRIX',
      `Expected columns model,quality,path,... for the table, received "${header.slice(0, 60)}". Add the collection again.`,
      { file: shownPath, line: 1 },
    );
  }
  const qualities = new Map<string, Quality>();
  for (const line of lines) {
    const [model = '', quality = '', path = ''] = line.split(',');
    const value = Number(quality);
    if (quality === '' || !Number.isFinite(value) || wrongQuality.test(path)) continue;
    qualities.set(path, { model, metric: model === 'rn50' ? 'top-1 %' : 'BLEU', value });
  }
  return qualities;
}

const qualitiesByFolder = new Map<string, ReadonlyMap<string, Quality>>();

/** Quality of the network that a workload's matrix comes from; null where it is not known. */
export function qualityOf(workload: Workload, dataFolder: string): Quality | null {
  const { name, parameters } = workload.pattern;
  if (name !== 'file' || parameters.from !== 'data') return null;
  const known = qualitiesByFolder.get(dataFolder);
  if (known !== undefined) return known.get(String(parameters.path)) ?? null;
  const csv = join(dataFolder, 'dlmc', 'dlmc.csv');
  const qualities = existsSync(csv) ? dlmcQuality(csv, 'dlmc/dlmc.csv') : new Map<string, Quality>();
  qualitiesByFolder.set(dataFolder, qualities);
  return qualities.get(String(parameters.path)) ?? null;
}
