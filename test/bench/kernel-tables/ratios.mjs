// Measures workloads and gives for each the ratios that the tables show; keeps in mind the cells that are lost.
import { describe, measure } from '../cells.mjs';
import { crossoverGoal } from './choice.mjs';

const none = { timeNs: Number.NaN };
// The fastest cell; NaN for its time where there is none.
const best = (cells) => cells.reduce((one, other) => (one.timeNs <= other.timeNs ? one : other), none);

let header;
// Lines of cells that are lost, each once: tables may share cells.
const lost = new Map();

// Whether this machine is one that the goals are for; they are those of a core with AVX-512.
export const isBinding = () => header === undefined || header.machine.isa.some((name) => name.startsWith('avx512'));

function noteLost(workloads, cells, unhealthy) {
  for (const { id, layer, density, shape, cache } of workloads) {
    if (cache === 'cold' || !cells.has(id)) continue;
    const measured = cells.get(id).filter((cell) => cell.threads === 1 && !(cell.dense && unhealthy.has(cell.library)));
    const ours = best(measured.filter((cell) => cell.library === 'native' && !cell.dense));
    const pruned = 1 - density >= (crossoverGoal(shape.n) ?? 0.5) - 1e-9;
    for (const other of [best(measured.filter((cell) => cell.dense && pruned)), best(measured.filter((cell) => cell.library !== 'native' && !cell.dense))]) {
      if (!(other.timeNs < ours.timeNs)) continue;
      const name = `${id.split('-')[0]} ${layer}, n = ${shape.n}, at ${(1 - density).toFixed(2)}: ${ours.kernel}`;
      lost.set(`${name} at ${(other.timeNs / ours.timeNs).toFixed(2)} of ${other.library}-${other.kernel}`, other.timeNs / ours.timeNs);
    }
  }
}

export function printLost() {
  const worst = [...lost].sort(([, one], [, other]) => one - other);
  console.log(`\ncells in which the fastest kernel of ours is not the fastest of all: ${worst.length}`);
  for (const [line] of worst) console.log(`  ${line}`);
}

// Returns the cell of a workload and a format of ours: our time, the fastest healthy dense one, the best library's, ours
// with two threads, the roofline; NaN for what is not there. options: those of measure.
export async function run(workloads, formats, options) {
  if (workloads.length === 0) return () => ({ ours: none, dense: none, rival: none, twice: none, roofNs: Number.NaN });
  const { header: measuredHeader, cells, left } = await measure(workloads, formats, options);
  const isFirst = header === undefined;
  header = measuredHeader;
  if (isFirst) {
    console.log(describe(header));
    if (!isBinding()) console.log(`Goals are those of a core with AVX-512; this one has ${header.machine.isa.at(-1)}: its ratios are shown beside them, not judged by them.`);
  }
  if (left > 0) console.log(`\n${left} of ${workloads.length} workloads were left out, spread over all of them: the time was spent`);
  const unhealthy = new Set(header.health.filter(({ healthy }) => !healthy).map(({ library }) => library));
  const { fmaGflops, l2GBs, l3GBs } = header.machine.ceilings.find((one) => one.threads === 1);
  // Seconds of facts: the peak, or what is read and written once at the bandwidth of the level that holds it.
  const roofNs = ({ m, k, n }, { nnz, storedBytes }) => {
    const bytes = storedBytes + 4 * n * (k + m);
    const held = bytes <= header.machine.caches.l2Bytes;
    return Math.max((2 * nnz * n) / fmaGflops, bytes / (held ? l2GBs : l3GBs));
  };
  noteLost(workloads, cells, unhealthy);
  return (work, format) => {
    const all = cells.get(work.id) ?? [];
    const measured = all.filter((cell) => cell.threads === 1);
    const ours = best(measured.filter((cell) => cell.library === 'native' && !cell.dense && cell.format === format));
    const dense = best(measured.filter((cell) => cell.dense && !unhealthy.has(cell.library)));
    const rival = best(measured.filter((cell) => cell.library !== 'native' && !cell.dense));
    const twice = best(all.filter((cell) => cell.threads === 2 && cell.library === 'native' && !cell.dense && cell.format === format));
    return { ours, dense, rival, twice, roofNs: roofNs(work.shape, ours) };
  };
}

export const overDense = ({ ours, dense }) => dense.timeNs / ours.timeNs;
export const overRival = ({ ours, rival }) => rival.timeNs / ours.timeNs;
export const ofRoof = ({ ours, roofNs }) => roofNs / ours.timeNs;
// Of a product with a vector: what gathers take, or the roofline.
export const ofVectorLimit = ({ ours, roofNs }) => Math.max(roofNs, (1.125 * ours.nnz) / 5.8) / ours.timeNs;

// The cell of the format that is fastest, as one who has the choice takes it.
export const fastest = (of, work, formats) =>
  formats.map((format) => of(work, format)).reduce((one, other) => (one.ours.timeNs <= other.ours.timeNs ? one : other));
