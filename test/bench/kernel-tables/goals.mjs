// Lines of figures as the tables print them, and the goals with what was reached of each, for the end.
import { geomean } from '../cells.mjs';

export const fixed = (number, digits = 2) => (Number.isFinite(number) ? number.toFixed(digits) : '-').padStart(7);
export const row = (name, values) => console.log(`${name.padEnd(14)} ${values.map((value) => fixed(value)).join(' ')}`);

const known = (values) => values.filter((value) => !Number.isNaN(value));
export const geomeanOf = (values) => geomean(known(values));
// NaN where there is none: the least of nothing is no figure.
export const leastOf = (values) => (known(values).length === 0 ? Number.NaN : Math.min(...known(values)));
export const mostOf = (values) => (known(values).length === 0 ? Number.NaN : Math.max(...known(values)));

// One line a shape, and of each column the geomean and the least; figures(cell) of each shape and sparsity, with cold
// weights beside it where `coldCell` is given. Returns the figures by sparsity.
export function table(title, of, sparsities, goals, cell, figure, coldCell) {
  const columnsOf = (cells) => sparsities.map((sparsity) => of.map((shape) => figure(cells(shape, sparsity))));
  const columns = columnsOf(cell);
  // No shape of that kind was chosen, or no library here has the op.
  if (!columns.flat().some(Number.isFinite)) return columns;
  console.log(`\n${title}`);
  row('sparsity', sparsities);
  for (const [index, [name]] of of.entries()) row(name, columns.map((column) => column[index]));
  row('geomean', columns.map(geomeanOf));
  row('least', columns.map(leastOf));
  if (coldCell !== undefined) {
    const cold = columnsOf(coldCell);
    row('cold, geomean', cold.map(geomeanOf));
    row('cold, least', cold.map(leastOf));
  }
  if (goals.length > 0) row('goal', goals);
  return columns;
}

const judged = [];
// Notes what was reached of a goal: a figure, or one for each of `goals`; those that were not measured are left out.
// `at`: the sparsities of several figures; `atMost`: the goal is not to be exceeded.
export function judge(what, reached, goals, { at = [], atMost = false } = {}) {
  const all = [reached].flat().map((figure, index) => ({ figure, goal: [goals].flat()[index], sparsity: at[index] }));
  const there = all.filter(({ figure, goal }) => !Number.isNaN(figure) && Number.isFinite(goal));
  if (there.length === 0) return;
  const where = at.length === 0 ? '' : `, at ${there.map(({ sparsity }) => sparsity).join(' / ')}`;
  judged.push({ what: `${what}${where}`, there, atMost });
}

// One line a goal. isBinding: whether this machine is one that the goals are for.
export function printGoals(isBinding, isPart) {
  if (judged.length === 0) return;
  const list = (numbers, digits) => numbers.map((number) => (Number.isFinite(number) ? Number(number.toFixed(digits)) : 'never')).join(' / ');
  const lines = judged.map(({ what, there, atMost }) => {
    const met = there.every(({ figure, goal }) => (atMost ? figure <= goal : figure >= goal));
    const goals = there.map(({ goal }) => goal);
    // Two figures may look alike where one is short by less than what is shown.
    return [what, list(there.map(({ figure }) => figure), met ? 2 : 3), `${atMost ? 'at most ' : ''}${list(goals, 3)}`, isBinding ? (met ? 'met' : 'short') : '-'];
  });
  const heads = ['what', 'reached', 'goal', ''];
  const widths = heads.map((head, at) => Math.max(head.length, ...lines.map((line) => line[at].length)));
  const whose = isBinding ? '' : '; they are those of a core with AVX-512, this one has none and is not judged by them';
  console.log(`\ngoals${isPart ? ', of the part that was asked for' : ''}${whose}`);
  for (const line of [heads, ...lines]) console.log(`  ${line.map((text, at) => text.padEnd(widths[at])).join('  ').trimEnd()}`);
}
