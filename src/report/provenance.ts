/** Where the figures of a report come from, in one line under its sentence. */
import { type Finding, maskSeedsOf } from './finding.ts';

/**
 * Suite with its version and digest, and the mask seeds that an interval rests on:
 * `suite quick 1.0 (released), 3 mask seeds, digest 98d776702217`. A range where intervals differ in it (`1-3 mask
 * seeds`), no such part where nothing was measured. The text is plain and not escaped.
 */
export function provenanceOf(finding: Finding): string {
  const { name, version, released, digest } = finding.result.header.suite;
  const suite = `suite ${name} ${version} (${released ? 'released' : 'not released'})`;
  return [suite, ...seedsText(finding), `digest ${digest.slice(0, 12)}`].join(', ');
}

function seedsText(finding: Finding): string[] {
  const groups = finding.groups.filter((group) => !group.dense);
  if (groups.length === 0) return [];
  const counts = groups.map(maskSeedsOf);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least !== most) return [`${least}-${most} mask seeds`];
  return [`${most} mask ${most === 1 ? 'seed' : 'seeds'}`];
}
