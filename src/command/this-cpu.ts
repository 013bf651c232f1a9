/** `this-cpu` among accelerators: a machine by its measured ceilings, this one's or those of a result file. */
import { type AcceleratorFile, acceleratorFile, acceleratorFrom } from '../accelerator/accelerator.ts';
import { measuredCpuName, measuredCpuText } from '../accelerator/measured-cpu.ts';
import { describeMachine } from '../measure/machine.ts';
import { readResult } from '../result/result.ts';
import type { Accelerator } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';

/** The accelerator file of a name; of `this-cpu` one made of the ceilings of that result, or measured in seconds. Throws BAD_ACCELERATOR, MISSING_FILE, BAD_RESULT, USAGE. */
export function acceleratorFileNamed(name: string, ceilings?: string): AcceleratorFile {
  if (name !== measuredCpuName) return acceleratorFile(name);
  if (ceilings === undefined) {
    const measured = `on one thread, ${new Date().toISOString().slice(0, 10)}`;
    return { text: measuredCpuText(describeMachine([1]), measured), file: name };
  }
  const { header } = readResult(ceilings);
  const measured = `by the run ${header.runId} on ${header.machine.cpuBrand}`;
  return { text: measuredCpuText(header.machine, measured), file: name };
}

/** Accelerators by name or path, `this-cpu` among them. Throws USAGE for ceilings that none asks for. */
export function acceleratorsNamed(names: readonly string[], ceilings?: string): readonly Accelerator[] {
  if (ceilings !== undefined && !names.includes(measuredCpuName)) {
    throw new SparsemarkError(
      'USAGE',
      `Expected ${measuredCpuName} among --accelerator for --ceilings, received ${names.join(', ')}. Ask for it, or leave --ceilings out.`,
    );
  }
  return names.map((name) => acceleratorFrom(acceleratorFileNamed(name, ceilings)));
}
