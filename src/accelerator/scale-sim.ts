/** Systolic arrays from SCALE-Sim's configuration files (.cfg): what decides cycles without stalls; the rest by name. */
import type { EngineClass } from '../native.ts';
import type { Accelerator, EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { failAt, type IniValue, readIni, refuseUnknown } from './ini.ts';

/** How SCALE-Sim stores N:M weights; of no influence on cycles. */
export const sparseRepresentations = ['csr', 'csc', 'ellpack_block'] as const;
export type SparseRepresentation = (typeof sparseRepresentations)[number];

const dataflows = ['os', 'ws', 'is'] as const;
const banks = ['SRAMBankBandwidth', 'SRAMBankNum', 'SRAMBankPort'];

/** Sections and options of versions 2 and 3. */
const known = {
  general: ['run_name'],
  architecture_presets: [
    ...['ArrayHeight', 'ArrayWidth', 'IfmapSramSzkB', 'FilterSramSzkB', 'OfmapSramSzkB', 'IfmapOffset'],
    ...['FilterOffset', 'OfmapOffset', 'Bandwidth', 'Dataflow', 'MemoryBanks', 'OnChipMemoryBanks'],
    ...['OnChipMemoryBankPorts', 'ReadRequestBuffer', 'WriteRequestBuffer'],
  ],
  layout: ['Ifmap', 'Filter'].flatMap((of) => [`${of}CustomLayout`, ...banks.map((bank) => `${of}${bank}`)]),
  sparsity: ['SparsitySupport', 'SparseRep', 'OptimizedMapping', 'BlockSize', 'RandomNumberGeneratorSeed'],
  run_presets: ['InterfaceBandwidth', 'UseRamulatorTrace'],
  network_presets: ['TopologyCsvLoc'],
} as const;

/** Numbers that are read, and change no cycle as long as nothing stalls. */
const idle = ['IfmapSramSzkB', 'FilterSramSzkB', 'OfmapSramSzkB', 'ReadRequestBuffer', 'WriteRequestBuffer'];

/** Whether a path is one of SCALE-Sim's configurations. */
export const isScaleSim = (path: string): boolean => path.endsWith('.cfg');

/**
 * Read a configuration. It has no clock: 1 GHz is taken. With `SparsitySupport` the weights of each layer are stored as
 * its N:M column says. Throws BAD_ACCELERATOR with file and line for what is not modelled: bandwidths of the user's
 * (`USER`), Ramulator, custom layouts, mappings optimised at random, N:M weights that move.
 */
export function parseScaleSim(text: string, file: string, engine: EngineClass): Accelerator {
  const sections = readIni(text, file);
  refuseUnknown(sections, known, file);
  const given = (section: keyof typeof known, option: string): IniValue | undefined =>
    sections.get(section)?.options.get(option.toLowerCase());
  const need = (section: keyof typeof known, option: string): IniValue => {
    const value = given(section, option);
    if (value !== undefined) return value;
    const without = sections.get(section);
    // Of a section that is not there, the end of the file is where it is missing.
    const { line, column } = without ?? { line: text.trimEnd().split(/\r\n|\r|\n/).length, column: 1 };
    const where = without === undefined ? `section [${section}], which is not there` : `section [${section}]`;
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected an option ${option} for ${where}, received none. SCALE-Sim needs it too.`,
      { file, line, column },
    );
  };
  const whole = (value: IniValue, most: number): number => {
    const number = Number(value.text);
    if (/^\d+$/.test(value.text) && number >= 1 && number <= most) return number;
    return failAt(
      file,
      value,
      `a whole number in 1..${most}`,
      'Correct it; a comment needs a line of its own.',
    );
  };
  const one = <T extends string>(value: IniValue, choices: readonly T[]): T =>
    choices.find((choice) => choice === value.text) ??
    failAt(file, value, `one of ${choices.join(', ')}`, 'Write it exactly so.');
  const flag = (section: keyof typeof known, option: string): IniValue | null => {
    const value = given(section, option);
    if (value === undefined || ['false', 'no', 'off', '0'].includes(value.text.toLowerCase())) return null;
    if (['true', 'yes', 'on', '1'].includes(value.text.toLowerCase())) return value;
    return failAt(file, value, 'true or false', 'Correct it.');
  };
  const refuseFlag = (section: keyof typeof known, option: string, what: string): void => {
    const set = flag(section, option);
    if (set !== null) failAt(file, set, 'false', `${what} is not modelled.`);
  };
  const rows = whole(need('architecture_presets', 'ArrayHeight'), 65536);
  const cols = whole(need('architecture_presets', 'ArrayWidth'), 65536);
  const dataflow = one(need('architecture_presets', 'Dataflow'), dataflows);
  for (const option of idle) {
    const value = given('architecture_presets', option);
    if (value !== undefined) whole(value, 2 ** 40);
  }
  const bandwidth = need('run_presets', 'InterfaceBandwidth');
  if (one(bandwidth, ['CALC', 'USER']) === 'USER')
    failAt(
      file,
      bandwidth,
      'CALC',
      'Stalls for want of bandwidth are not modelled; write CALC for the cycles without them.',
    );
  refuseFlag('run_presets', 'UseRamulatorTrace', 'Memory traced by Ramulator');
  for (const of of ['Ifmap', 'Filter'])
    refuseFlag('layout', `${of}CustomLayout`, 'A layout with conflicts of banks');
  const sparse = flag('sparsity', 'SparsitySupport');
  if (sparse !== null) {
    one(need('sparsity', 'SparseRep'), sparseRepresentations);
    refuseFlag('sparsity', 'OptimizedMapping', 'A mapping of N:M ratios drawn at random a filter');
    if (dataflow !== 'ws')
      failAt(file, sparse, 'false for a dataflow other than ws', 'N:M weights that move are not modelled.');
  }
  const runName = given('general', 'run_name')?.text ?? '';
  const stem = runName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const parameters: Readonly<Record<string, number>> = {
    ...{ rows, cols, dataflow: dataflows.indexOf(dataflow), kept: 0, block: 1 },
  };
  return {
    name: stem || 'scale-sim',
    title: `systolic array of ${rows} x ${cols}, ${dataflow}${sparse === null ? '' : ", N:M weights as each layer's"}`,
    source: `SCALE-Sim configuration ${file}`,
    baseline: sparse === null ? 'itself: it skips nothing' : 'itself, weights not compressed',
    engine: engine.name,
    clockMhz: 1000,
    parameters: engine.parameters.map(({ name }) => parameters[name]!),
    weightBlocks: sparse === null ? null : (given('sparsity', 'SparseRep')!.text as SparseRepresentation),
    design: null,
    energy: null,
    evidence: 'replayed',
    against:
      "SCALE-Sim's own tests and runs of other arrays: compute cycles exact; stalls, prefetching and sizes of memories are not modelled; the clock of 1 GHz is chosen",
  };
}

/** Rows of parameters, one a layer, where weights are stored in blocks of the layers' own; undefined where they are not. */
export function parametersOfLayers(
  accelerator: Accelerator,
  engine: EngineClass,
  layers: readonly EstimatedLayer[],
): Float64Array | undefined {
  if (accelerator.weightBlocks == null) return undefined;
  const rows = layers.map(({ weightBlock }) =>
    engine.parameters.map(({ name }, at) => {
      if (weightBlock === undefined || weightBlock.kept === weightBlock.size)
        return accelerator.parameters[at]!;
      if (name === 'kept') return weightBlock.kept;
      return name === 'block' ? weightBlock.size : accelerator.parameters[at]!;
    }),
  );
  return Float64Array.from(rows.flat());
}
