/**
 * Head's times in Google Benchmark's JSON (schema version 1), the median of each cell. Read and compared by
 * `tools/compare.py benchmarks` of google/benchmark@267a111.
 */
import { plainText } from '../escape.ts';
import type { ComparisonReport } from './report.ts';

export const googleBenchmark: ComparisonReport = {
  name: 'google-benchmark',
  description: "head's times as Google Benchmark writes them",
  render: (view) => {
    const cells = view.judgement.cells.filter(({ headNs }) => headNs !== null);
    const benchmarks = cells.map(({ of, headNs, estimate }, index) => ({
      name: plainText(of.id),
      family_index: index,
      per_family_instance_index: 0,
      run_name: plainText(of.id),
      run_type: 'iteration',
      repetitions: 1,
      repetition_index: 0,
      threads: of.threads,
      iterations: estimate?.rounds ?? 1,
      real_time: headNs,
      cpu_time: headNs,
      time_unit: 'ns',
    }));
    const context = {
      date: view.startedAt,
      host_name: view.machine.fingerprint,
      executable: plainText(view.head.label),
      num_cpus: view.machine.cores,
      library_build_type: 'release',
      json_schema_version: 1,
    };
    return `${JSON.stringify({ context, benchmarks }, null, 2)}\n`;
  },
};
