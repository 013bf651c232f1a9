// Structured masks: blocks and 2:4.
import { wide, workload } from './choice.mjs';
import { geomeanOf, judge, table } from './goals.mjs';
import { ofRoof, overDense, run } from './ratios.mjs';

const block = (rows, cols) => ({ name: 'block', parameters: { rows, cols }, label: `block-${rows}x${cols}` });
const nm = { name: 'nm', parameters: { n: 2, m: 4 }, label: 'nm-2:4' };
const sparsities = [0.5, 0.9];
const denseGoals = [1.75, 8];
const roofGoal = 0.82;

export async function blockTables() {
  const roofs = [];
  for (const [rows, cols] of [[4, 4], [16, 1]]) {
    const pattern = block(rows, cols);
    const format = `bsr-${rows}x${cols}`;
    const of = await run(wide.flatMap((shape) => sparsities.map((sparsity) => workload(shape, sparsity, { pattern }))), [format]);
    const cell = (shape, sparsity) => of(workload(shape, sparsity, { pattern }), format);
    const dense = table(`${format} over dense, ${pattern.label}`, wide, sparsities, denseGoals, cell, overDense);
    judge(`${rows}x${cols} blocks over dense`, dense.map(geomeanOf), denseGoals, { at: sparsities });
    roofs.push(table(`${format}, fraction of the roofline`, wide, sparsities, sparsities.map(() => roofGoal), cell, ofRoof).flat());
  }
  judge('blocks of the roofline, 4x4 / 16x1', roofs.map(geomeanOf), [roofGoal, roofGoal]);
}

export async function nmTable() {
  const some = wide.filter(([, , , n]) => n >= 64);
  const of = await run(some.map((shape) => workload(shape, 0.5, { pattern: nm })), ['nm-2:4']);
  const columns = table('nm-2:4 over dense', some, [0.5], [1.5], (shape, sparsity) => of(workload(shape, sparsity, { pattern: nm }), 'nm-2:4'), overDense);
  judge('2:4 over dense, n >= 64', geomeanOf(columns.flat()), 1.5);
}
