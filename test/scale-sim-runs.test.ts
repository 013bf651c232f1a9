/**
 * Systolic arrays held against runs of SCALE-Sim itself: version 3, github.com/scalesim-project/SCALE-Sim at 1d62b68,
 * `scalesim/scale.py -c <array>.cfg -t test/golden/scale-sim/<topology>.csv -i conv|gemm -s N` with memories of 64 KB
 * and InterfaceBandwidth CALC. Version 2 (scale-sim-v2 at 22f88b1) prints the same where it was run: 32 x 16 with
 * every dataflow, 8 x 8 with os.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { computeReport, sparseReport } from '../src/accelerator/compute-report.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { parseScaleSim } from '../src/accelerator/scale-sim.ts';
import { parseTopology } from '../src/accelerator/topology.ts';
import { loadNative } from '../src/native.ts';

const read = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'golden', 'scale-sim', name), 'utf8');
const engine = loadNative()
  .native.describeEngines()
  .find(({ name }) => name === 'systolic')!;

const [header, ...lines] = read('runs.csv')
  .trim()
  .split('\n')
  .map((line) => line.split(','));
type Run = Readonly<Record<string, string>>;
const runs: readonly Run[] = lines.map((cells) =>
  Object.fromEntries(header!.map((name, at) => [name, cells[at]!])),
);
const ofRun = (run: Run): string =>
  `${run.rows} x ${run.cols}, ${run.dataflow}, ${run.stored}, ${run.topology}`;
const groups = [...new Set(runs.map(ofRun))];

const configuration = ({ rows, cols, dataflow, stored }: Run): string => `[architecture_presets]
ArrayHeight: ${rows}
ArrayWidth: ${cols}
Dataflow: ${dataflow}
[sparsity]
SparsitySupport: ${stored !== 'dense'}
SparseRep: ${stored === 'dense' ? 'csr' : stored}
[run_presets]
InterfaceBandwidth: CALC
`;

/** What its os counts beyond the outputs: the sides of the array, once a fold. */
const sidesOfFolds = (run: Run, folds: number): number =>
  run.dataflow === 'os' ? folds * (Number(run.rows) + Number(run.cols)) : 0;

/** Cells of a report behind the row's number. */
const cellsOf = (report: string): string[][] =>
  report
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map((cell) => cell.trim()));

describe('arrays, dataflows and N:M weights as SCALE-Sim runs them', () => {
  it('the runs are there', () => {
    expect(runs).toHaveLength(266);
    expect(groups).toHaveLength(28);
  });

  it.each(groups)('%s', (group) => {
    const own = runs.filter((run) => ofRun(run) === group);
    const accelerator = parseScaleSim(configuration(own[0]!), 'a.cfg', engine);
    const layers = parseTopology(read(`${own[0]!.topology}.csv`), 't.csv', 1);
    expect(layers.map(({ name }) => name)).toEqual(own.map(({ layer }) => layer));
    const estimates = estimate(accelerator, layers);
    for (const [at, run] of own.entries()) {
      const [layer, found] = [layers[at]!, estimates[at]!];
      const rows = [{ layer, estimate: found }];
      const [cells] = cellsOf(computeReport(accelerator, rows));
      const { inputRead, weightRead, outputWrite } = found.actions;
      const ofGroup = (count: number): number => count / layer.groups;
      const folds = found.terms.folds!;
      const sparse = sparseReport(accelerator, rows);
      const ours = {
        ...{ cycles: cells![2], utilisation: cells![4], mapping: cells![5], compute: cells![6] },
        ...{ inputReads: ofGroup(inputRead!), weightReads: ofGroup(weightRead!) },
        outputWrites: ofGroup(outputWrite!) + sidesOfFolds(run, folds),
        ...(sparse !== null && {
          ...{ originalWords: cellsOf(sparse)[0]![2], storedWords: cellsOf(sparse)[0]![3] },
          metadataWords: cellsOf(sparse)[0]![4],
        }),
      };
      for (const [name, value] of Object.entries(ours)) {
        const theirs = Number(run[name]);
        // Sums over folds there, products here: 13 digits. Counts are equal.
        const bound = ['utilisation', 'mapping', 'compute', 'inputReads'].includes(name) ? 1e-13 * theirs : 0;
        expect(
          Math.abs(Number(value) - theirs),
          `${run.layer}: ${name} ${value}, SCALE-Sim ${theirs}`,
        ).toBeLessThanOrEqual(bound);
      }
    }
  });
});
