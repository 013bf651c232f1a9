/** The comparison file: JSON Lines, raw rounds and nothing derived. Untrusted as a result file is, and checked alike. */
import { z } from 'zod';
import type { ComparedCell, Comparison, ComparisonHeader } from '../terms/comparison.ts';
import { type Place, SparsemarkError } from '../terms.ts';
import { readLines, writeWhole } from './file.ts';
import { endSchema, limits, runHeaderSchema } from './schema.ts';

/** Version of the comparison file. A reader refuses a newer one. */
export const comparisonVersion = 3;

const name = z.string().min(1).max(limits.nameLength);
const id = z.string().min(1).max(limits.idLength);
const text = z.string().max(limits.textLength);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const positiveCount = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const fraction = z.number().gt(0).lt(10);
const run = runHeaderSchema.shape;
const side = z.strictObject({
  label: text,
  gitCommit: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .nullable(),
  library: run.libraries.element,
});
/** Version of a self-test's file. */
export const selftestVersion = 1;
/** A self-test of the gate, in a comparison's header and in a file of its own. */
export const selftestSchema = z.strictObject({
  selftestVersion: z.literal(selftestVersion),
  machine: name,
  startedAt: run.startedAt,
  elapsedSeconds: z.number().min(0),
  version: name,
  suite: name,
  cellCount: positiveCount,
  threshold: fraction,
  margin: z.number().min(0).lt(10),
  budgetSeconds: z.number().gt(0),
  seed: count,
  rows: z
    .array(
      z.strictObject({
        kind: z.enum(['same', 'relinked', 'slower']),
        injectedSlowdown: z.number().min(0).lt(10),
        runs: positiveCount,
        failed: count,
        voided: count,
        inconclusive: count,
      }),
    )
    .max(limits.listLength),
});
const headerSchema = z.strictObject({
  comparisonVersion: z.literal(comparisonVersion),
  runId: run.runId,
  startedAt: run.startedAt,
  command: run.command,
  suite: run.suite,
  machine: run.machine,
  build: run.build,
  base: side,
  head: side,
  protocol: z.strictObject({
    threads: run.protocol.shape.threads,
    pinnedCpus: run.protocol.shape.pinnedCpus,
    crews: positiveCount.optional(),
    filter: text.nullable(),
    isa: name.nullable(),
    formats: z.array(name).max(limits.listLength).nullable(),
    budgetSeconds: z.number().min(0),
    batchTargetNs: z.number().min(0),
    sampleTargetNs: z.number().min(0),
    turnTargetNs: z.number().min(0),
    seed: count,
    threshold: fraction,
    margin: z.number().min(0).lt(10),
    confidence: z.number().gt(0).lt(1),
    roundsPerLayout: positiveCount,
    maxRounds: positiveCount,
    relinked: z.boolean(),
    correctedFor: positiveCount.optional(),
    injectedSlowdown: fraction.optional(),
  }),
  selftest: selftestSchema.nullable(),
});
const samples = z.array(z.number().gt(0)).max(limits.samples);
const attempt = z.strictObject({
  evaluationsPerBatch: positiveCount,
  batchesPerTurn: positiveCount,
  turnsPerSample: positiveCount,
  warmupsPerTurn: count,
  layouts: z.array(z.strictObject({ baseNs: samples, headNs: samples })).max(limits.listLength),
});
const cellFields = {
  id,
  workload: id,
  kernel: name,
  format: name,
  isa: name,
  threads: positiveCount,
  dense: z.boolean(),
  control: z.boolean(),
};
const kind = <Kind extends string>(value: Kind) => ({ kind: z.literal(value) });
const lineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...kind('comparison'), ...headerSchema.shape }),
  z.discriminatedUnion('status', [
    z.strictObject({
      ...kind('cell'),
      ...cellFields,
      status: z.literal('measured'),
      attempts: z.array(attempt).min(1).max(2),
      guard: attempt.optional(),
    }),
    z.strictObject({
      ...kind('cell'),
      ...cellFields,
      status: z.enum(['skipped', 'missing', 'wrong', 'new']),
      reason: text,
    }),
  ]),
  z.strictObject({ ...kind('end'), ...endSchema.shape }),
]);
type Line =
  | ({ readonly kind: 'comparison' } & ComparisonHeader)
  | ({ readonly kind: 'cell' } & ComparedCell)
  | ({ readonly kind: 'end' } & NonNullable<Comparison['end']>);

function bad(fault: string, place: Place): SparsemarkError {
  const advice = 'Compare again, or take the file from where it was written: it is damaged or was edited.';
  return new SparsemarkError('BAD_RESULT', `${fault} ${advice}`, place);
}

/** What a file of lines holds by its first one, where that tells. Throws as `readLines`. */
export function kindOfFile(path: string): 'comparison' | 'run' | null {
  for (const line of readLines(path, limits)) {
    const [, kind] = /^\s*\{\s*"kind"\s*:\s*"(comparison|run)"/.exec(line) ?? [];
    return (kind as 'comparison' | 'run' | undefined) ?? null;
  }
  return null;
}

function checkLine(value: unknown, place: Place): Line {
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.length === 0 ? 'the line' : issue.path.join('.');
    throw bad(`Expected a valid ${field} for a comparison, received: ${issue.message}.`, place);
  }
  const line = parsed.data as Line;
  if (line.kind === 'comparison' && line.protocol.margin >= line.protocol.threshold) {
    const { margin, threshold } = line.protocol;
    throw bad(`Expected a margin below the threshold ${threshold}, received ${margin}.`, place);
  }
  if (line.kind !== 'cell') return line;
  const wanted = `${line.workload}/${line.kernel}-${line.isa}-t${line.threads}`;
  if (line.id.replace(/^control-\d+:/, '') !== wanted || /^control-\d+:/.test(line.id) !== line.control)
    throw bad(`Expected the id "${wanted}" for a cell, received "${line.id}".`, place);
  if (line.status === 'measured') {
    const guarded = line.guard === undefined ? line.attempts : [...line.attempts, line.guard];
    const layouts = guarded.flatMap((each) => each.layouts);
    const odd = layouts.find(({ baseNs, headNs }) => baseNs.length !== headNs.length);
    if (odd !== undefined) {
      const received = `${odd.baseNs.length} and ${odd.headNs.length}`;
      throw bad(`Expected as many samples of base as of head for ${line.id}, received ${received}.`, place);
    }
  }
  return line;
}

/** Reads a comparison file. Throws MISSING_FILE, and BAD_RESULT with file and line where it is not valid. */
export function readComparison(path: string): Comparison {
  let header: ComparisonHeader | null = null;
  let end: Comparison['end'] = null;
  const cells = new Map<string, ComparedCell>();
  let number = 0;
  for (const text of readLines(path, limits)) {
    number += 1;
    if (text === '') continue;
    const place = { file: path, line: number };
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw bad(`Expected a JSON object for a line, received: ${(cause as Error).message}.`, place);
    }
    const line = checkLine(value, place);
    if ((line.kind === 'comparison') !== (header === null))
      throw bad('Expected one header (kind "comparison"), and as the first line.', place);
    if (end !== null) throw bad(`Expected nothing after the end, received a line "${line.kind}".`, place);
    const { kind, ...rest } = line;
    if (kind === 'comparison') header = rest as ComparisonHeader;
    else if (kind === 'end') end = rest as NonNullable<Comparison['end']>;
    else {
      const cell = rest as ComparedCell;
      if (cells.has(cell.id)) throw bad(`Expected each cell once, received ${cell.id} again.`, place);
      cells.set(cell.id, cell);
    }
  }
  if (header === null)
    throw bad('Expected a header (kind "comparison") as the first line, received an empty file.', {
      file: path,
    });
  return { header, cells: [...cells.values()], end };
}

/** Writes a comparison file as a whole, each line checked as on reading. Throws BAD_RESULT, DISK_FULL, IO. */
export function writeComparison(path: string, { header, cells, end }: Comparison): void {
  const lines: Line[] = [
    { kind: 'comparison', ...header },
    ...cells.map((cell): Line => ({ kind: 'cell', ...cell })),
  ];
  if (end !== null) lines.push({ kind: 'end', ...end });
  writeWhole(
    path,
    lines.map((line) => `${JSON.stringify(checkLine(line, {}))}\n`),
  );
}
