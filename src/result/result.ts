/**
 * The result file: JSON Lines, one kind of thing a line, raw and nothing derived. Files are untrusted: they are
 * shared, edited and submitted, so each line is checked against the schema and against itself.
 */
import type { AcceleratorRecord, EstimateRecord, Estimates } from '../terms/estimates.ts';
import type { Case, Measurement, Place, Result, RunHeader, WorkloadRecord } from '../terms.ts';
import { SparsemarkError } from '../terms.ts';
import { readLines, writeWhole } from './file.ts';
import { limits, lineSchema, type ResultLine, schemaVersion } from './schema.ts';

/**
 * Checks one line against the schema and against itself (case id, samples against rounds, nonzeros against shape).
 * Throws BAD_RESULT that names the field; `place` says where the line stands.
 */
export function checkLine(value: unknown, place: Place = {}): ResultLine {
  refuseNewer(value, place);
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.length === 0 ? 'the line' : issue.path.join('.');
    throw bad(`Expected a valid ${field} for a result line, received: ${issue.message}.`, place);
  }
  const line = parsed.data as ResultLine;
  const fault = faultOf(line);
  if (fault !== null) throw bad(fault, place);
  return line;
}

/** What is wrong with a line in itself, or null. */
function faultOf(line: ResultLine): string | null {
  switch (line.kind) {
    case 'measurement':
      return caseFault(line);
    case 'workload':
      return workloadFault(line);
    case 'estimate':
      return estimateFault(line);
    default:
      return null;
  }
}

function refuseNewer(value: unknown, place: Place): void {
  if (typeof value !== 'object' || value === null || !('schemaVersion' in value)) return;
  const version = value.schemaVersion;
  if (typeof version !== 'number' || version <= schemaVersion) return;
  throw new SparsemarkError(
    'BAD_RESULT',
    `Expected a result of schema version ${schemaVersion} or older, received version ${version}. ` +
      'Update sparsemark (npm install sparsemark@latest) to read it.',
    place,
  );
}

/** The id of a case from its parts, as terms.ts has it. */
export function caseId(part: Omit<Case, 'id' | 'format' | 'dense'>): string {
  return `${part.workload}/${part.library}-${part.kernel}-${part.isa}-t${part.threads}`;
}

function caseFault(measurement: Measurement): string | null {
  const expected = caseId(measurement);
  if (measurement.id !== expected)
    return `Expected the id "${expected}" for a case, received "${measurement.id}".`;
  if (measurement.status !== 'measured') return null;
  const sum = measurement.rounds.reduce((total, size) => total + size, 0);
  const samples = measurement.samplesNs.length;
  if (sum === samples) return null;
  return `Expected rounds that sum to ${samples} samples for ${measurement.id}, received a sum of ${sum}.`;
}

function workloadFault(record: WorkloadRecord): string | null {
  const elements = record.shape.m * record.shape.k;
  if (record.nnz > elements) {
    return `Expected at most ${elements} nonzeros for ${record.id}, received ${record.nnz}.`;
  }
  if (Math.abs(record.achievedDensity - record.nnz / elements) > 1e-6) {
    return `Expected the density ${record.nnz / elements} for ${record.id}, received ${record.achievedDensity}.`;
  }
  return null;
}

/** No model can do more effectual multiplications than there are, nor more at once than it has multipliers. */
function estimateFault({ accelerator, layer, ...of }: EstimateRecord): string | null {
  const what = `${layer.name} on ${accelerator}`;
  if (of.effectualMacs > of.macs * (1 + 1e-9))
    return `Expected at most ${of.macs} effectual multiplications for ${what}, received ${of.effectualMacs}.`;
  const levels = of.energy?.levels.reduce((sum, { energy }) => sum + energy, 0) ?? 0;
  if (of.energy !== null && Math.abs(levels - of.energy.total) > 1e-9 * Math.max(levels, of.energy.total))
    return `Expected levels that sum to an energy of ${of.energy.total} for ${what}, received ${levels}.`;
  return null;
}

function bad(fault: string, place: Place): SparsemarkError {
  const advice = 'Measure again, or take the file from where it was written: it is damaged or was edited.';
  return new SparsemarkError('BAD_RESULT', `${fault} ${advice}`, place);
}

/** Text of a line as it stands in a result file, without the line end. */
export function lineText(line: ResultLine): string {
  return JSON.stringify(line);
}

/**
 * Puts lines together to a Result: one header first, each measurement after the record of its workload, no id
 * twice, nothing behind the end. Throws BAD_RESULT with the line's number.
 */
export function assemble(
  lines: Iterable<readonly [line: ResultLine, place: Place]>,
): Result & Partial<Estimates> {
  let header: RunHeader | null = null;
  let end: Result['end'] = null;
  const workloads = new Map<string, WorkloadRecord>();
  const measurements = new Map<string, Measurement>();
  const accelerators = new Map<string, AcceleratorRecord>();
  const estimates: EstimateRecord[] = [];
  let place: Place = {};
  for (const [line, at] of lines) {
    place = at;
    if (end !== null)
      throw bad(`Expected nothing after the end of the run, received a line "${line.kind}".`, place);
    if ((line.kind === 'run') !== (header === null)) {
      throw bad(`Expected one header (kind "run") as the first line, received a line "${line.kind}".`, place);
    }
    switch (line.kind) {
      case 'run': {
        const { kind: _, ...rest } = line;
        header = rest;
        break;
      }
      case 'workload': {
        const { kind: _, ...rest } = line;
        if (workloads.has(rest.id))
          throw bad(`Expected each workload once, received ${rest.id} again.`, place);
        workloads.set(rest.id, rest);
        break;
      }
      case 'measurement': {
        const { kind: _, ...rest } = line;
        if (!workloads.has(rest.workload)) {
          throw bad(
            `Expected the workload's record before its measurements, received ${rest.id} without it.`,
            place,
          );
        }
        if (measurements.has(rest.id))
          throw bad(`Expected each case once, received ${rest.id} again.`, place);
        measurements.set(rest.id, rest as Measurement);
        break;
      }
      case 'finished':
        if (!workloads.has(line.workload)) {
          throw bad(`Expected a known workload for "finished", received ${line.workload}.`, place);
        }
        break;
      case 'accelerator': {
        const { kind: _, ...rest } = line;
        if (accelerators.has(rest.name))
          throw bad(`Expected each accelerator once, received ${rest.name} again.`, place);
        accelerators.set(rest.name, rest);
        break;
      }
      case 'estimate': {
        const { kind: _, ...rest } = line;
        if (!accelerators.has(rest.accelerator)) {
          throw bad(
            `Expected the accelerator's record before its estimates, received one of ${rest.accelerator} without it.`,
            place,
          );
        }
        estimates.push(rest);
        break;
      }
      case 'end': {
        const { kind: _, ...rest } = line;
        end = rest;
      }
    }
  }
  if (header === null)
    throw bad('Expected a header (kind "run") as the first line, received an empty file.', place);
  return {
    header,
    workloads: [...workloads.values()],
    measurements: [...measurements.values()],
    end,
    ...(accelerators.size > 0 && { accelerators: [...accelerators.values()], estimates }),
  };
}

/**
 * Reads a result file. Throws MISSING_FILE, and BAD_RESULT with file and line where it is not valid, too large,
 * inconsistent in itself, or written by a newer version.
 */
export function readResult(path: string): Result & Partial<Estimates> {
  return assemble(parsedLines(path));
}

/**
 * Reads a result file that has to be a run: what is merged, compared, followed or taken for the cost of shards was
 * measured. Throws as `readResult`, and USAGE for estimates.
 */
export function readRun(path: string): Result {
  const result = readResult(path);
  if (result.accelerators === undefined) return result;
  throw new SparsemarkError(
    'USAGE',
    'Expected a measured run, received estimates, which no machine has measured. Show them: sparsemark report.',
    { file: path },
  );
}

function* parsedLines(path: string): Generator<readonly [ResultLine, Place]> {
  let number = 0;
  for (const text of readLines(path, limits)) {
    number++;
    if (text === '') continue;
    const place = { file: path, line: number };
    yield [checkLine(parseJson(text, place), place), place];
  }
}

function parseJson(text: string, place: Place): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bad(`Expected a JSON object for a result line, received: ${(cause as Error).message}.`, place);
  }
}

/**
 * Writes a result file as a whole: beside its place, synced, then renamed, so that no reader ever sees half of it.
 * Each line is checked as on reading. Throws BAD_RESULT, DISK_FULL, IO.
 */
export function writeResult(path: string, result: Result & Partial<Estimates>): void {
  const lines: ResultLine[] = [{ kind: 'run', ...result.header }];
  const byWorkload = new Map<string, Measurement[]>();
  for (const measurement of result.measurements) {
    const own = byWorkload.get(measurement.workload);
    if (own === undefined) byWorkload.set(measurement.workload, [measurement]);
    else own.push(measurement);
  }
  for (const record of result.workloads) {
    lines.push({ kind: 'workload', ...record });
    for (const measurement of byWorkload.get(record.id) ?? [])
      lines.push({ kind: 'measurement', ...measurement });
    byWorkload.delete(record.id);
  }
  const [stray] = byWorkload.keys();
  if (stray !== undefined) throw bad(`Expected a record for each workload, received none for ${stray}.`, {});
  for (const accelerator of result.accelerators ?? []) lines.push({ kind: 'accelerator', ...accelerator });
  for (const estimate of result.estimates ?? []) lines.push({ kind: 'estimate', ...estimate });
  if (result.end !== null) lines.push({ kind: 'end', ...result.end });
  writeWhole(
    path,
    lines.map((line) => `${lineText(checkLine(line))}\n`),
  );
}
