/** The list of engines. A new one is a file and a line here. */
import type { Engine } from './engine.ts';
import { github } from './github.ts';
import { kubernetes } from './kubernetes.ts';
import { slurm } from './slurm.ts';

/** All engines. */
export const engines: readonly Engine[] = [slurm, kubernetes, github];
