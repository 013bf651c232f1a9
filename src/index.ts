/**
 * sparsemark as a library: the same walk as the command, step by step.
 *
 * ```js
 * import { loadSuite, renderReport, reportNamed, runDefaults, runSuite } from 'sparsemark';
 *
 * const suite = loadSuite('quick');
 * const workloads = suite.workloads.filter(({ op, cache, density }) => op === 'spmv' && cache === 'hot' && density === 0.1);
 * const { path, result } = await runSuite({
 *   ...runDefaults,
 *   suite: { ...suite, refine: false },
 *   workloads,
 *   libraries: [],
 *   budgetSeconds: 5,
 *   out: 'layer.jsonl',
 * });
 * console.log(renderReport(reportNamed('markdown'), [result]));
 * console.log(`kept in ${path}`);
 * ```
 *
 * Only `runSuite` loads the addon; everything else works on a machine that has none. Every error that a caller can
 * cause is a `SparsemarkError` with a `code`.
 */
import type { RunOptions } from './measure/run.ts';

export { acceleratorNames, loadAccelerator, parseAccelerator } from './accelerator/accelerator.ts';
export { count, estimateBoth } from './accelerator/count.ts';
export { withErt } from './accelerator/ert.ts';
export {
  estimate,
  estimateFields,
  layerFields,
  layersOf,
  matricesOf,
  sweep,
  writeLayer,
} from './accelerator/estimate.ts';
export { explore, parseAxis } from './accelerator/explore.ts';
export { masksOf, readMask } from './accelerator/masks.ts';
export { parseProblem } from './accelerator/timeloop.ts';
export { parseTopology } from './accelerator/topology.ts';
export type { Absent } from './measure/libraries.ts';
export { type RunEvent, type RunOptions, runSuite } from './measure/run.ts';
export type { Selection } from './measure/schedule.ts';
export { type Derived, type DeriveOptions, derive } from './report/derive.ts';
export { type Finding, findingsOf } from './report/finding.ts';
export {
  type Report,
  type ReportFile,
  type ReportOptions,
  renderReport,
  reportNamed,
  reports,
} from './report/index.ts';
export { sentenceOf } from './report/sentence.ts';
export { changePoints } from './result/change-points.ts';
export { type History, readHistory, seriesOf } from './result/history.ts';
export { readResult, readRun, writeResult } from './result/result.ts';
export { buildFault, publishable } from './result/submission.ts';
export type * from './terms.ts';
export { exitCodes, SparsemarkError } from './terms.ts';
export { addDlmc, dataFolderOf, listData } from './workload/data.ts';
export { type FolderOptions, workloadsFromFolder } from './workload/folder.ts';
export { type ImportedMatrix, readMatrix } from './workload/import/index.ts';
export { checkAnswer, type Op, opNamed, ops } from './workload/ops/index.ts';
export { patternNamed, patterns } from './workload/patterns/index.ts';
export { makeProblem } from './workload/problem.ts';
export { listSuites, loadSuite, type SuiteOptions, type SuiteSummary } from './workload/suite.ts';

/** Options of `runSuite` that seldom need another value: one thread, every library, all formats of the suite. */
export const runDefaults: Omit<RunOptions, 'suite' | 'workloads' | 'out'> = {
  selection: { isa: null, formats: null, threads: [1] },
  cpus: null,
  budgetSeconds: 3600,
  filter: null,
  kernels: [],
  libraries: null,
  timeoutSeconds: 60,
  resume: false,
  command: 'runSuite',
  signal: new AbortController().signal,
  onEvent: () => {},
};
