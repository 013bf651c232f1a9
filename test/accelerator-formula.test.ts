/** Every engine's formula: it names what `--explain` shows and nothing else, and gives the engine's own numbers. */
import { describe, expect, it } from 'vitest';
import { acceleratorNames, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { engineOf, estimate, layerFields, writeLayer } from '../src/accelerator/estimate.ts';
import { formulaOf } from '../src/accelerator/formula.ts';
import { loadNative } from '../src/native.ts';
import type { Accelerator, EstimatedLayer, FormulaLine } from '../src/terms/accelerator.ts';

const engines = loadNative().native.describeEngines();

/** Sizes and densities of a layer, by the names of its row in native/accelerator/layer.h. */
const layerNames = [
  ...['m', 'n', 'k', 'channels', 'height', 'width', 'kernelHeight', 'kernelWidth', 'stride'],
  ...['outHeight', 'outWidth', 'batch', 'groups', 'weightDensity', 'weightCorrelation'],
  ...['activationDensity', 'activationCorrelation'],
];
const ofEstimate = ['cycles', 'denseCycles', 'effectualMacs'];
const functions = ['ceil', 'floor', 'min', 'max', 'log2', 'log', 'and', 'or'];
/** An expected value, and what it is over. */
const expectation = ['E', 'x'];

const wordsOf = (text: string): readonly string[] => text.match(/[A-Za-z]\w*/g) ?? [];

/** Words of a line that neither its layer, its parameters, --explain nor arithmetic know. */
function unknownWords(line: FormulaLine, names: readonly string[]): readonly string[] {
  const known = new Set([...layerNames, ...ofEstimate, ...functions, ...expectation, ...names]);
  return [line.name, line.when, line.expression].flatMap(wordsOf).filter((word) => !known.has(word));
}

/** What is wrong with a formula of an engine; nothing with a good one. */
function faultsOf(
  formula: readonly FormulaLine[],
  terms: readonly string[],
  parameters: readonly string[],
): readonly string[] {
  const numbers = ['cycles', 'denseCycles', ...terms];
  return [
    ...['cycles', ...terms]
      .filter((name) => !formula.some((line) => line.name === name))
      .map((name) => `no line of ${name}`),
    ...formula.filter(({ name }) => !numbers.includes(name)).map(({ name }) => `${name} is no term`),
    ...formula
      .filter(({ expression, from }) => expression === '' && from === '')
      .map(({ name }) => `${name} is not said`),
    ...formula.flatMap((line) => unknownWords(line, [...terms, ...parameters])).map((word) => `${word}?`),
    // What it comes down to must be arithmetic of what is shown.
    ...formula
      .filter(({ name, expression }) => name === 'cycles' && !isArithmetic(expression))
      .map(() => 'cycles is no arithmetic'),
  ];
}

const isArithmetic = (expression: string): boolean => expression !== '' && !/\bE\[/.test(expression);

function evaluate(expression: string, values: Readonly<Record<string, number>>): number {
  const code = expression.replace(/\band\b/g, '&&').replace(/\bor\b/g, '||');
  const { ceil, floor, min, max, log, log2 } = Math;
  const named = { ...values, ceil, floor, min, max, log, log2 };
  return Number(new Function(...Object.keys(named), `return ${code};`)(...Object.values(named)));
}

describe('what a formula says', () => {
  it.each(engines)('$name has a line for its cycles and for each term, of what is shown', (engine) => {
    const parameters = engine.parameters.map(({ name }) => name);
    expect(faultsOf(engine.formula, engine.terms, parameters)).toEqual([]);
  });

  it('a generic design has them of all of its levels', () => {
    for (const name of acceleratorNames()) {
      const accelerator = loadAccelerator(name);
      if (accelerator.design === null) continue;
      const [found] = estimate(accelerator, [gemm(64, 32, 128)]);
      expect(faultsOf(formulaOf(accelerator).lines, Object.keys(found!.terms), [])).toEqual([]);
    }
  });

  it('a line that is missing, and words that nothing shows, are found', () => {
    const { formula, terms, parameters } = engines.find(({ name }) => name === 'dense-array')!;
    const names = parameters.map(({ name }) => name);
    expect(faultsOf([], terms, names)).toEqual(['cycles', ...terms].map((name) => `no line of ${name}`));
    expect(faultsOf(formula.slice(1), terms, names)).toEqual(['no line of cycles']);
    const changed = formula.map((line) => ({
      ...line,
      expression: line.expression.replace('pixelsATile', 'pixelsOfATile'),
    }));
    expect(faultsOf(changed, terms, names)).toContain('pixelsOfATile?');
    expect(faultsOf([...formula, { ...formula[0]!, name: 'steps' }], terms, names)).toContain(
      'steps is no term',
    );
  });
});

function gemm(m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer {
  const shape = { m, n, k };
  return { name: 'layer', shape, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 };
}

function conv(filters: number, channels: number, stride: number, groups = 1): EstimatedLayer {
  const [height, kernelHeight, padding] = [29, 3, 0];
  const outHeight = Math.floor((height - kernelHeight) / stride) + 1;
  const geometry = {
    ...{
      batch: 2,
      channels,
      height,
      width: height,
      kernelHeight,
      kernelWidth: kernelHeight,
      stride,
      padding,
    },
    ...{ outHeight, outWidth: outHeight },
  };
  const shape = { m: filters, n: 2 * outHeight * outHeight, k: 9 * channels, conv: geometry };
  return { name: 'conv', shape, groups, weightDensity: 0.3, activationDensity: 0.6, weightCorrelation: 0 };
}

const layers = [
  gemm(300, 70, 1000),
  gemm(300, 70, 1000, 0.5, 0.5),
  gemm(64, 1, 500, 0.1, 0.4),
  gemm(513, 130, 2048, 0.25, 0.8),
  gemm(17, 33, 65, 0.9, 0.05),
  conv(48, 20, 1),
  conv(33, 24, 2),
  conv(1, 1, 1, 32),
];

/** Of the lines whose condition holds, those that are arithmetic, and what they come to. */
function computed(accelerator: Accelerator, layer: EstimatedLayer) {
  const [found] = estimate(accelerator, [layer]);
  const row = new Float64Array(layerFields);
  writeLayer(layer, row, 0);
  const parameters =
    accelerator.design === null
      ? engineOf(accelerator).engine.parameters.map(({ name }, at) => [name, accelerator.parameters[at]!])
      : [];
  const { cycles, denseCycles, effectualMacs, terms } = found!;
  const shown: Record<string, number> = { cycles, denseCycles, effectualMacs, ...terms };
  const values: Record<string, number> = {
    ...Object.fromEntries(layerNames.map((name, at) => [name, row[at]!])),
    ...Object.fromEntries(parameters),
    ...shown,
  };
  const holding = formulaOf(accelerator).lines.filter(
    ({ when }) => when === '' || evaluate(when, values) !== 0,
  );
  return {
    names: holding.map(({ name }) => name),
    checked: holding
      .filter(({ expression }) => isArithmetic(expression))
      .map(({ name, expression }) => ({
        ...{ name, expression, says: evaluate(expression, values), is: shown[name]! },
      })),
  };
}

describe('what a formula comes to', () => {
  it.each(acceleratorNames())('%s: every line that is arithmetic gives the number that is shown', (name) => {
    const accelerator = loadAccelerator(name);
    // A generic design searches its mappings.
    for (const layer of accelerator.design === null ? layers : layers.slice(0, 3)) {
      const { names, checked } = computed(accelerator, layer);
      // Of each number one line holds.
      expect(new Set(names).size, names.join(' ')).toBe(names.length);
      expect(names).toContain('cycles');
      for (const { name: of, expression, says, is } of checked) {
        const scale = Math.max(Math.abs(is), 1e-12);
        expect(Math.abs(says - is) / scale, `${of} = ${expression}: ${says}, shown ${is}`).toBeLessThan(1e-9);
      }
    }
  });
});
