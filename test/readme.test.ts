/** README's kernel table: written between its marks from a result, and nothing else. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
// @ts-expect-error a script without types
import { blockOf, marks, withBlock } from './bench/readme.mjs';
import { fakeResult } from './fakes.ts';

const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');

describe('the kernel table of the README', () => {
  it('goes between the marks, the same twice, and touches nothing else', () => {
    const { block, chart } = blockOf(fakeResult());
    const once = withBlock(readme, block);
    expect(once).not.toBe(readme);
    expect(withBlock(once, block)).toBe(once);
    const outside = (text: string): string =>
      text.slice(0, text.indexOf(marks[0])) + text.slice(text.indexOf(marks[1]));
    expect(outside(once)).toBe(outside(readme));
    expect(chart).toMatch(/^<\?xml.*<svg/s);
  });

  it('names machine, compiler, version, date and command, and has the rows of the report', () => {
    const result = fakeResult();
    const { block } = blockOf(result);
    const { machine, build, startedAt, command } = result.header;
    for (const fact of [machine.cpuBrand, build.compiler, build.version, startedAt.slice(0, 10), command])
      expect(block).toContain(fact);
    expect(block).toMatch(/^> On this /m);
    expect(block.split('\n').filter((line: string) => /^\| \d/.test(line)).length).toBeGreaterThan(1);
  });

  it('is refused without its marks', () => {
    expect(() => withBlock('no marks', 'x')).toThrow(/Expected the mark .* once/);
    expect(() => withBlock(`${marks[0]} ${marks[0]} ${marks[1]}`, 'x')).toThrow(/received several/);
  });
});
