/** A machine as an accelerator: its own measured ceilings, so that an estimate stands beside a measurement. */
import { type Machine, SparsemarkError } from '../terms.ts';

/** The name that a machine goes by among accelerators; no file has it. */
export const measuredCpuName = 'this-cpu';

/** Values in f32 of the widest vectors that the ceilings were measured with. */
function lanesOf({ isa }: Machine): number {
  return isa.includes('avx512') ? 16 : isa.includes('avx2') ? 8 : 4;
}

/**
 * The accelerator file of one core of a machine: every number with where it was measured. `measured`: when or in which
 * file. Throws USAGE where the machine has no ceilings of one thread.
 */
export function measuredCpuText(machine: Machine, measured: string): string {
  const ceilings = machine.ceilings.find(({ threads }) => threads === 1);
  if (ceilings === undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected ceilings of one thread for ${measuredCpuName}, received a machine without (${measured}). Give the result of a run on one thread with --ceilings, or leave it out to measure this machine.`,
    );
  }
  const digits = (value: number): number => Number(value.toPrecision(4));
  const source = JSON.stringify(`measured: ${measured}`);
  const quantity = (name: string, value: number, unit: string, from: string): string =>
    `  ${name}: { value: ${value}, unit: ${unit}, source: ${from} }`;
  const rate = (name: string, value: number): string => quantity(name, digits(value), 'GB/s', source);
  const caches = JSON.stringify("the machine's own description");
  const { l2Bytes, l3Bytes } = machine.caches;
  return [
    'version: 1',
    `name: ${measuredCpuName}`,
    `title: ${JSON.stringify(`one core of ${machine.cpuBrand}, by its measured ceilings`)}`,
    `source: ${JSON.stringify(`ceilings as a run measures them (${measured}), model of the least time of a kernel on compressed sparse rows`)}`,
    'baseline: "the same core, dense: its FMA peak or its transfer"',
    'engine: measured-cpu',
    'clock: { value: 1000, unit: MHz, source: "a cycle of this class is a nanosecond" }',
    'parameters:',
    quantity('fmaGflops', digits(ceilings.fmaGflops), 'GFLOP/s', source),
    rate('l1GBs', ceilings.l1GBs),
    rate('l2GBs', ceilings.l2GBs),
    rate('l3GBs', ceilings.l3GBs),
    rate('dramGBs', ceilings.dramGBs),
    quantity('gatherGelems', digits(ceilings.gatherGelems ?? 0), 'Gelem/s', source),
    quantity('l2Bytes', l2Bytes, 'B', caches),
    quantity('l3Bytes', l3Bytes, 'B', caches),
    quantity('lanes', lanesOf(machine), 'values', '"widest instruction set: f32 of a vector"'),
    quantity('accumulators', 8, 'vectors', '"strips of 8 vectors, as our kernels take them at most"'),
    quantity('indexBytes', 4, 'B', '"columns of 32 bits, the format csr"'),
    'evidence:',
    '  class: validated',
    '  against: "the same formula and ceilings on one core of Zen 3: see the page of zen3-core; on other CPUs nothing"',
    '',
  ].join('\n');
}
