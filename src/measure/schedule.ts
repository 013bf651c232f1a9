/** Which cases a workload has, and in which order they are measured. */

import { caseId } from '../result/result.ts';
import {
  type Case,
  type Kernel,
  type Library,
  SparsemarkError,
  type Suite,
  type Workload,
} from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';

/** Instruction sets from the narrowest to the widest; `auto` is a library's own choice. */
const widths = ['scalar', 'neon', 'neonfp16', 'avx2', 'avx512', 'avx512vnni', 'avx512fp16'];

/** A case with the kernel that it runs. */
export interface Cell {
  readonly case: Case;
  readonly kernel: Kernel;
  /** A tuned plan that it runs with; absent: the library's own. */
  readonly plan?: string;
  /** Why it is not measured: it is recorded as unsupported. Absent where it is. */
  readonly refusal?: string;
}

const noArithmetic =
  'this CPU has no arithmetic of 16 bits (AVX512-FP16, or FEAT_FP16 of Arm), and what imitates it says nothing of speed: --isa scalar measures that';

/** Whether a kernel only imitates what the CPU lacks. Of a library's own choice, `auto`, the library answers for. */
const imitates = ({ dtype, isa }: Kernel): boolean => dtype === 'f16' && isa === 'scalar';

/** Formats that a suite asks for in a workload's pattern. */
export function formatsOf(suite: Pick<Suite, 'formats'>, workload: Workload): readonly string[] {
  return suite.formats[workload.pattern.label] ?? suite.formats['*'] ?? [];
}

/** What narrows a run down. */
export interface Selection {
  /** Only this instruction set (`auto` kernels stay); null: the widest that each kernel has. */
  readonly isa: string | null;
  /** Only these formats beside dense; null: the suite's. */
  readonly formats: readonly string[] | null;
  readonly threads: readonly number[];
}

/**
 * Checks every name that a run asks for against what the opened libraries have, before anything is measured: a name
 * that nobody knows would silently measure nothing. Throws USAGE for --format and --isa, BAD_SUITE for a suite's format.
 */
export function checkNames(
  suite: Pick<Suite, 'name' | 'formats'>,
  workloads: readonly Workload[],
  libraries: readonly Library[],
  selection: Selection,
): void {
  const formats = [...new Set(libraries.flatMap((library) => library.formats))];
  const refuse = (
    code: 'USAGE' | 'BAD_SUITE',
    what: string,
    name: string,
    known: readonly string[],
  ): void => {
    if (known.includes(name)) return;
    throw new SparsemarkError(
      code,
      `Expected one of ${known.join(', ')} for ${what}, received "${name}". Did you mean "${nearestName(name, known)}"?`,
    );
  };
  for (const name of selection.formats ?? []) refuse('USAGE', '--format', name, formats);
  if (selection.formats === null) {
    const asked = new Set(workloads.flatMap((workload) => formatsOf(suite, workload)));
    for (const name of asked) refuse('BAD_SUITE', `the formats of suite ${suite.name}`, name, formats);
  }
  if (selection.isa !== null) {
    const own = libraries.find((library) => library.name === 'native') ?? libraries[0];
    const isas = [...new Set(own?.kernels.map(({ isa }) => isa).filter((isa) => isa !== 'auto'))];
    refuse('USAGE', '--isa', selection.isa, isas);
  }
}

/**
 * The cells of one workload: of each library the dense kernels, and the kernels of the formats asked for. A library
 * that is not ours brings formats of its own, which no suite can name: all of its kernels are taken.
 */
export function cellsOf(
  suite: Pick<Suite, 'formats'>,
  workload: Workload,
  libraries: readonly Library[],
  selection: Selection,
): readonly Cell[] {
  const formats = selection.formats ?? formatsOf(suite, workload);
  const own = libraries.find((library) => library.name === 'native');
  const cells: Cell[] = [];
  for (const library of libraries) {
    const wanted = library.kernels.filter(
      (kernel) =>
        kernel.op === workload.op &&
        kernel.dtype === workload.dtype &&
        (kernel.dense || formats.includes(kernel.format) || !(own?.formats.includes(kernel.format) ?? false)),
    );
    for (const kernel of wanted) {
      if (!isaChosen(kernel, wanted, selection.isa)) continue;
      for (const threads of selection.threads) {
        if (kernel.maxThreads !== 0 && threads > kernel.maxThreads) continue;
        const part = {
          workload: workload.id,
          library: library.name,
          kernel: kernel.name,
          format: kernel.format,
          isa: kernel.isa,
          threads,
          dense: kernel.dense,
        };
        const refusal = selection.isa === null && imitates(kernel) ? { refusal: noArithmetic } : {};
        cells.push({ case: { id: caseId(part), ...part }, kernel, ...refusal });
      }
    }
  }
  return cells;
}

function isaChosen(kernel: Kernel, all: readonly Kernel[], isa: string | null): boolean {
  if (kernel.isa === 'auto') return true;
  if (isa !== null) return kernel.isa === isa;
  const widest = all
    .filter((other) => other.name === kernel.name)
    .reduce((best, other) => Math.max(best, widths.indexOf(other.isa)), -1);
  return widths.indexOf(kernel.isa) === widest;
}

/**
 * The order of a round. Rounds come in pairs: a random order and its reverse, so that each case stands as often early
 * as late and a slow drift of the machine falls on all alike.
 */
export function roundOrder<T>(
  items: readonly T[],
  round: number,
  shuffle: (count: number) => readonly number[],
): T[] {
  const order = shuffle(items.length).map((index) => items[index]!);
  return round % 2 === 0 ? order : order.reverse();
}
