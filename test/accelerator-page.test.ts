/** The page of every accelerator that comes along says all that its file and its engine class say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acceleratorFile, acceleratorNames } from '../src/accelerator/accelerator.ts';
import { acceleratorPage } from '../src/accelerator/page.ts';
import { loadNative } from '../src/native.ts';

it.each(acceleratorNames())(
  'the page of %s has every source, parameter, term and price of its file',
  (name) => {
    const { text } = acceleratorFile(name);
    const { markdown, accelerator, stated, prices, formula } = acceleratorPage(acceleratorFile(name));
    const sources = [...text.matchAll(/\bsource: "([^"]*)"/g)].map((match) => match[1]!);
    expect(sources.length).toBeGreaterThan(1);
    for (const source of sources) expect(markdown).toContain(source);
    for (const word of [accelerator.title, accelerator.baseline, accelerator.evidence, accelerator.against])
      expect(markdown).toContain(word);
    for (const { name: number, expression, when, from } of formula)
      for (const said of [number, expression, when, from]) expect(markdown).toContain(said);
    const engine = loadNative()
      .native.describeEngines()
      .find((one) => one.name === accelerator.engine);
    if (engine === undefined) {
      const names = stated.map((one) => one.name);
      for (const level of accelerator.design!.levels)
        expect(names.some((one) => one.startsWith(`levels ${level.name} `))).toBe(true);
    } else {
      expect(markdown).toContain(engine.summary);
      const file = /native\/accelerator\/\w+\.cc/.exec(markdown)![0];
      expect(readFileSync(join(import.meta.dirname, '..', file), 'utf8')).toContain(`"${engine.name}"`);
      for (const term of engine.terms) expect(markdown).toContain(term);
      for (const [at, { name: parameter, unit }] of engine.parameters.entries()) {
        const one = stated.find((other) => other.name === parameter)!;
        expect([one.unit, Number(one.value)]).toEqual([unit, accelerator.parameters[at]]);
      }
    }
    expect(prices).toHaveLength(accelerator.energy?.priced.length ?? 0);
  },
);

it.each(acceleratorNames())('the page of %s says what its zeros do and what it is held against', (name) => {
  const { markdown, accelerator, formula, validations } = acceleratorPage(acceleratorFile(name));
  for (const fact of ['Source', 'Skips', 'Gates', 'Speed-ups are over', 'Evidence', 'Energy'])
    expect(markdown).toMatch(new RegExp(`^- ${fact}: \\S`, 'm'));
  expect(markdown).toContain('## Formula');
  expect(formula.find((line) => line.name === 'cycles')?.expression).toMatch(/\S/);
  expect(formula.some(({ from }) => from !== '')).toBe(true);
  for (const { name: number, expression, from } of formula)
    expect(`${expression}${from}`, number).not.toBe('');
  if (validations.length === 0) {
    const isBaseline = markdown.includes('Published gains of ');
    expect(accelerator.evidence === 'formula' || isBaseline).toBe(true);
    if (!isBaseline) expect(markdown).toContain('No published figure is held against this accelerator.');
    return;
  }
  expect(validations.length).toBeGreaterThan(0);
  for (const { rows, table } of validations) {
    expect(markdown).toContain(`Source: ${table.source}.`);
    for (const { ours, published, error } of rows) {
      expect(published).toBeGreaterThan(0);
      expect(error).toBeCloseTo(ours / published - 1, 9);
    }
  }
  expect(markdown).toContain('| of | ours | published | error % | accepted % |');
});

it('what their zeros do is what the models are known to do', () => {
  const facts = (name: string): string[] =>
    ['Skips', 'Gates'].map(
      (fact) =>
        new RegExp(`^- ${fact}: (.*)$`, 'm').exec(acceleratorPage(acceleratorFile(name)).markdown)![1]!,
    );
  expect(facts('dcnn')).toEqual([
    'no zeros, each takes as long as a nonzero',
    'nothing: no zeros save energy that do not save time',
  ]);
  expect(facts('dcnn-opt')).toEqual([
    'no zeros, each takes as long as a nonzero',
    'zeros of activations, which save energy and no time, at arithmetic',
  ]);
  expect(facts('eie')[0]).toBe('zeros of weights and of activations');
  expect(facts('sigma')[0]).toBe('zeros of weights or of activations, not of both at once');
  expect(facts('cambricon-x')[0]).toBe('zeros of weights');
  expect(facts('sparten-one-sided')).toEqual([
    'zeros of activations',
    'zeros of weights, which save energy and no time, at off-chip',
  ]);
  expect(facts('highlight')[1]).toBe('not known, since no table prices its actions');
  expect(facts('bitmask-gating')[0]).toMatch(/^no zeros/);
  expect(facts('coordinate-skipping')[0]).toBe('zeros of weights and of activations');
});
