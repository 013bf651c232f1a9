/** The cost model held against every published figure of suites/accelerators/published/, and bad tables. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acceleratorFile, acceleratorNames, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { acceleratorPage } from '../src/accelerator/page.ts';
import { parsePublished, publishedTables } from '../src/accelerator/published.ts';
import { validationsIn, validationsOf } from '../src/accelerator/validation.ts';

const tables = publishedTables();
const figures = tables.flatMap((table) =>
  [...new Set(table.figures.map(({ accelerator }) => accelerator))].flatMap((name) =>
    validationsIn(table, loadAccelerator(name)).map((validation) => ({
      ...{ table: table.name, name, what: validation.what, validation },
    })),
  ),
);

describe('published figures', () => {
  it('every figure of every table is compared', () => {
    expect(tables.length).toBeGreaterThan(9);
    expect(figures.length).toBe(tables.reduce((sum, { figures: own }) => sum + own.length, 0));
  });

  it.each(figures)('$table: $what of $name', ({ validation: { rows, figure } }) => {
    expect(rows.length).toBeGreaterThan(0);
    for (const { of, ours, published, error, bound } of rows) {
      expect(Number.isFinite(ours) && ours > 0 && published > 0, of).toBe(true);
      if (bound === null) continue;
      expect(error, `${of}: ${ours}, published ${published}`).toBeGreaterThanOrEqual(bound[0]);
      expect(error, `${of}: ${ours}, published ${published}`).toBeLessThanOrEqual(bound[1]);
    }
    const mean = rows.reduce((sum, { error }) => sum + Math.abs(error), 0) / rows.length;
    if (figure.meanBound !== null) expect(mean).toBeLessThanOrEqual(figure.meanBound);
  });

  it('the page of an accelerator shows ours, the published value and the error of each', () => {
    for (const name of acceleratorNames()) {
      const { markdown, validations } = acceleratorPage(acceleratorFile(name));
      for (const { what, table, rows } of validations) {
        for (const text of [what, table.title, table.source]) expect(markdown).toContain(text);
        for (const { of } of rows) expect(markdown).toContain(`| ${of} | `);
      }
    }
    expect(acceleratorPage(acceleratorFile('scnn')).markdown).toContain(
      '| AlexNet | 2.287 | 2.37 | -3.5 | -15.0 to +15.0 |',
    );
  });

  it('evidence is not claimed without a figure', () => {
    for (const name of acceleratorNames()) {
      const accelerator = loadAccelerator(name);
      const asserted = validationsOf(accelerator).some(({ rows }) =>
        rows.some(({ bound }) => bound !== null),
      );
      if (['replayed', 'validated'].includes(accelerator.evidence)) expect(asserted, name).toBe(true);
    }
  });
});

describe('bad tables', () => {
  const path = ['suites', 'accelerators', 'published', 'eie.yaml'];
  const text = readFileSync(join(import.meta.dirname, '..', ...path), 'utf8');
  it.each([
    ['an unknown key', text.replace('meanBound:', 'meanBond:'), /Did you mean "meanBound"/],
    ['a row with a cell too few', text.replace(', 0.1]', ']'), /11 values/],
    ['a density above 1', text.replace('0.09', '9'), /a number in 0\.\.1/],
    ['a column that is none', text.replace('published: actualUs', 'published: actual'), /"actualUs"/],
    ['neither a bound nor a note', text.replace(/ {4}(bound|note): .*\n/g, ''), /"bound" or a "note"/],
    ['half a size', text.replace('9216', '9216.5'), /an integer/],
    [
      'a sum over networks that there are none of',
      text.replace('    bound:', '    sumBy: network\n    bound:'),
      /a network/,
    ],
  ])('%s is refused with its place', (_, changed, message) => {
    expect(changed).not.toBe(text);
    expect(() => parsePublished(changed, 'mine.yaml')).toThrow(message);
    expect(() => parsePublished(changed, 'mine.yaml')).toThrow(/^mine.yaml:\d+:\d+: /);
  });

  it('a quantity that the accelerator lacks, and a value that its source does not give, are named', () => {
    const of = (changed: string) => () =>
      validationsIn(parsePublished(changed, 'mine.yaml'), loadAccelerator('eie'));
    expect(of(text.replace('timeUs', 'timeNs'))).toThrow(/Did you mean "timeMs"|Did you mean "timeUs"/);
    expect(of(text.replace('30.3', 'none'))).toThrow(/column actualUs for the layer Alex-6/);
  });
});
