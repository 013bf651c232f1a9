/** Which results may be published: what they themselves can tell. */
import type { Estimates } from '../terms/estimates.ts';
import type { Build, Result } from '../terms.ts';

/** Why no time measured with this build may be published, or null: it must be optimised and free of sanitizers. */
export function buildFault(build: Pick<Build, 'type' | 'sanitizer'>): string | null {
  if (build.sanitizer !== '') {
    return `Expected a build without sanitizers, received ${build.sanitizer}. Build again: npm run build.`;
  }
  if (build.type !== 'Release') {
    return `Expected a Release build, received ${build.type === '' ? 'one of unknown type' : build.type}. Build again: npm run build.`;
  }
  return null;
}

/**
 * Why a result may not be published, or null if nothing in it forbids that. The first reason is given: estimates, the
 * build, uncommitted changes, a suite that may still change, a part of a suite, plans tuned for one machine, a run cut
 * short, no healthy dense baseline.
 */
export function publishable(result: Result & Partial<Estimates>): string | null {
  if ((result.accelerators ?? []).length > 0) {
    return 'Expected measurements, received estimates of hardware that is not here. Anybody can make them again: publish the accelerator files.';
  }
  const { build, health, protocol, suite } = result.header;
  const fault = buildFault(build);
  if (fault !== null) return fault;
  if (build.gitDirty === true) {
    return 'Expected a checkout without changes, received uncommitted changes in native or src. Commit them, then measure again.';
  }
  if (!suite.released) {
    return `Expected a released suite, received ${suite.name} ${suite.version}, which may still change. Compare its results on one machine only.`;
  }
  if (protocol.filter !== null) {
    return `Expected a whole suite, received what the filter "${protocol.filter}" left of it. Run it without.`;
  }
  if (protocol.shard !== undefined) {
    return `Expected a whole suite, received shard ${protocol.shard.index} of ${protocol.shard.count}. Put the shards together: sparsemark merge.`;
  }
  if (protocol.isa !== null) {
    return `Expected the widest instruction set of each kernel, received --isa ${protocol.isa}. Run it without.`;
  }
  if (protocol.formats !== null) {
    return `Expected all formats of the suite, received --format ${protocol.formats.join(',')}. Run it without.`;
  }
  if (protocol.tuned === true) {
    return 'Expected the plans that the libraries choose themselves, received tuned ones too. Run it without --tuned.';
  }
  if (result.end?.complete !== true || result.workloads.length < suite.workloadCount) {
    const why = result.end === null || result.end.complete ? '' : ` (${result.end.stopReason})`;
    return `Expected a complete run, received ${result.workloads.length} workloads of at least ${suite.workloadCount}${why}. Give more time with --budget <seconds>.`;
  }
  if (!health.some(({ healthy }) => healthy)) {
    return 'Expected a healthy dense baseline, received none. See: sparsemark doctor.';
  }
  return null;
}
