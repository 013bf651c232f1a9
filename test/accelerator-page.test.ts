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
