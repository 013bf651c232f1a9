// What the command line of kernels.mjs asks for, and the workloads of it.
import { parseArgs } from 'node:util';
import { workloadOf } from '../cells.mjs';
import { shapes } from '../shapes.mjs';

export const fail = (message) => {
  console.error(message);
  process.exit(42);
};
function argumentsOf() {
  const text = { type: 'string' };
  try {
    return parseArgs({
      allowPositionals: true,
      options: { shape: text, sparsity: text, every: text, minutes: text, cold: { type: 'boolean' } },
    });
  } catch (error) {
    return fail(`Expected names of tables, --shape, --sparsity, --every, --minutes and --cold, received others. ${error.message}`);
  }
}
const { values: options, positionals } = argumentsOf();
export const asked = positionals;

export const named = options.shape?.split(',');
export const isNamed = (name) => named === undefined || named.some((text) => name.includes(text));
export const wanted = options.sparsity?.split(',').map(Number);
if (wanted?.some((sparsity) => !(sparsity > 0 && sparsity < 1))) {
  fail(`Expected sparsities between 0 and 1 for --sparsity, received "${options.sparsity}".`);
}
// All tables stand with cold weights beside hot ones; of tables by name it is asked for.
export const cold = options.cold ?? asked.length === 0;
export const every = Number(options.every ?? 1);
if (!Number.isInteger(every) || every < 1) fail(`Expected a whole number from 1 for --every, received "${options.every}".`);
export const minutes = options.minutes === undefined ? null : Number(options.minutes);
if (minutes !== null && !(minutes > 0)) fail(`Expected minutes above 0 for --minutes, received "${options.minutes}".`);
export const isPart = named !== undefined || wanted !== undefined || every > 1;

export const chosen = shapes.filter(([name]) => isNamed(name));
export const wide = chosen.filter(([, , , n]) => n >= 16);
export const five = wanted ?? [0.5, 0.7, 0.8, 0.9, 0.95];

export const uniform = { name: 'uniform', parameters: {}, label: 'uniform' };
export const workload = ([layer, m, k, n], sparsity, { pattern = uniform, op, cache } = {}) =>
  workloadOf({ layer, m, k, n, density: Number((1 - sparsity).toFixed(4)), pattern, op, cache });

// Sparsity from which on sparse is to beat dense; null: no goal.
export const crossoverGoal = (n) => (n >= 49 ? 0.45 : n >= 16 ? 0.5 : n >= 8 ? 0.65 : null);
