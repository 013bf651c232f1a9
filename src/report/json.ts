/** The report as JSON: derived figures for programs. The raw data are the result file itself. */
import type { Curve } from './curves.ts';
import type { Figures, Group } from './derive.ts';
import { plainText } from './escape.ts';
import { estimateNotes } from './estimates/tables.ts';
import type { EstimateView } from './estimates/view.ts';
import { type Finding, maskSeedsOf } from './finding.ts';
import { metrics } from './metrics.ts';
import { provenanceOf } from './provenance.ts';
import type { Report } from './report.ts';
import { sentenceOf } from './sentence.ts';

/** Sentence, crossovers, groups, networks and baselines of each Result. "never" stands for an infinite break-even. */
export const json: Report = {
  name: 'json',
  description: 'derived figures for programs',
  extension: 'json',
  render: (findings, _, estimates) => {
    const report = {
      reportVersion: 1,
      results: findings.map(findingObject),
      ...(estimates.accelerators.length + estimates.hidden.length > 0 && {
        estimates: estimatesObject(estimates),
      }),
    };
    return `${JSON.stringify(report, printable, 2)}\n`;
  },
};

/** Programs print what they read, so escape sequences end here too. */
function printable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? plainText(value) : value;
}

function estimatesObject(view: EstimateView) {
  return {
    accelerators: view.accelerators,
    hidden: view.hidden,
    notes: estimateNotes(view),
    rows: view.rows.map(({ accelerator, record, timeNs, speedup, utilisation, distrusted }) => ({
      ...record,
      ...{ evidence: accelerator.evidence, timeNs, speedup, utilisation, trustworthy: !distrusted },
    })),
  };
}

function findingObject(finding: Finding) {
  const { header, end } = finding.result;
  return {
    machine: finding.machineName,
    fingerprint: header.machine.fingerprint,
    runId: header.runId,
    suite: {
      name: header.suite.name,
      version: header.suite.version,
      released: header.suite.released,
      digest: header.suite.digest,
    },
    complete: end?.complete ?? false,
    sentence: sentenceOf(finding),
    provenance: provenanceOf(finding),
    crossovers: finding.curves.map(curveObject),
    groups: finding.groups.map(groupObject),
    networks: finding.networks,
    denseKernels: finding.denseKernels,
    withoutTime: finding.troubles,
  };
}

function curveObject({ setting, kernel, points, crossover }: Curve) {
  const speedups = points.map((point) => ({
    density: point.density,
    kernel: point.kernel,
    speedup: point.speedup,
  }));
  return { setting, kernel, crossover, points: speedups };
}

function groupObject(group: Group) {
  const { setting, density, kernel, library, format, dense, baselines, settled, cells } = group;
  const caseIds = cells.map((cell) => cell.measured.id);
  return {
    setting: setting.id,
    density,
    kernel,
    library,
    format,
    dense,
    baselines,
    settled,
    maskSeeds: maskSeedsOf(group),
    ...figuresObject(group),
    caseIds,
  };
}

function figuresObject(figures: Figures): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { name, value, interval } of metrics) {
    const own = value(figures);
    object[name] = own === Number.POSITIVE_INFINITY ? 'never' : own;
    if (interval !== undefined) object[`${name}Interval`] = interval(figures);
  }
  return object;
}
