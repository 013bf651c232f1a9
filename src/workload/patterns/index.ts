/** The list of patterns. A new pattern is a file beside this one and a line here. */
import { type ParameterValue, type PatternSpec, SparsemarkError } from '../../terms.ts';
import { nearestName } from '../nearest-name.ts';
import { randomStream } from '../random.ts';
import { banded } from './banded.ts';
import { bankBalanced } from './bank-balanced.ts';
import { block } from './block.ts';
import { blockAttention } from './block-attention.ts';
import { dlmcLike } from './dlmc-like.ts';
import { file } from './file.ts';
import { gatherScatter } from './gather-scatter.ts';
import { nm } from './nm.ts';
import type { GeneratedPattern, Mask, ParameterRule, Parameters, Pattern } from './pattern.ts';
import { powerLaw } from './power-law.ts';
import { rowBalanced } from './row-balanced.ts';
import { triangular } from './triangular.ts';
import { uniform } from './uniform.ts';
import { window } from './window.ts';

export type {
  FilePattern,
  GeneratedPattern,
  Mask,
  MaskRequest,
  ParameterRule,
  Parameters,
  Pattern,
} from './pattern.ts';

/** All patterns, by name. */
export const patterns: ReadonlyMap<string, Pattern> = new Map<string, Pattern>(
  [
    uniform,
    rowBalanced,
    nm,
    bankBalanced,
    block,
    gatherScatter,
    banded,
    triangular,
    window,
    blockAttention,
    powerLaw,
    dlmcLike,
    file,
  ].map((pattern: Pattern): [string, Pattern] => [pattern.name, pattern]),
);

/** The pattern of that name. Throws BAD_SUITE with the nearest name. */
export function patternNamed(name: string): Pattern {
  const pattern = patterns.get(name);
  if (pattern !== undefined) return pattern;
  const names = [...patterns.keys()];
  throw new SparsemarkError(
    'BAD_SUITE',
    `Expected one of ${names.join(', ')} for pattern, received "${name}". Did you mean "${nearestName(name, names)}"?`,
  );
}

/** What a parameter's rule allows, in words. */
export function allowedBy(rule: ParameterRule): string {
  if (rule.type === 'integer') return `an integer in ${rule.min}..${rule.max}`;
  if (rule.type === 'number') return `a number in ${rule.min}..${rule.max}`;
  if (rule.type === 'choice') return `one of ${rule.choices.join(', ')}`;
  return rule.type === 'boolean' ? 'true or false' : 'a text';
}

/** Whether a value keeps its parameter's rule. */
export function keepsRule(rule: ParameterRule, value: unknown): value is ParameterValue {
  if (rule.type === 'integer') {
    return Number.isInteger(value) && (value as number) >= rule.min && (value as number) <= rule.max;
  }
  if (rule.type === 'number') return typeof value === 'number' && value >= rule.min && value <= rule.max;
  if (rule.type === 'choice') return typeof value === 'string' && rule.choices.includes(value);
  if (rule.type === 'boolean') return typeof value === 'boolean';
  return typeof value === 'string' && value !== '';
}

/**
 * A pattern with its parameters, defaults filled in and its label made. Throws BAD_SUITE for an unknown pattern or
 * parameter, a value outside its rule, or a parameter that is missing.
 */
export function patternSpec(name: string, given: Readonly<Record<string, unknown>> = {}): PatternSpec {
  const pattern = patternNamed(name);
  const known = Object.keys(pattern.parameters);
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const advice =
      known.length === 0
        ? 'It has none.'
        : `Did you mean "${nearestName(key, known)}"? It has ${known.join(', ')}.`;
    throw new SparsemarkError(
      'BAD_SUITE',
      `Expected a parameter of pattern ${name} for "${key}", received an unknown name. ${advice}`,
    );
  }
  const parameters: Record<string, ParameterValue> = {};
  for (const [key, rule] of Object.entries(pattern.parameters)) {
    const value = given[key] ?? rule.default;
    if (!keepsRule(rule, value)) {
      const received = value === undefined ? 'nothing' : JSON.stringify(value);
      throw new SparsemarkError(
        'BAD_SUITE',
        `Expected ${allowedBy(rule)} for parameter ${key} of pattern ${name}, received ${received}. Correct it in the suite.`,
      );
    }
    parameters[key] = value;
  }
  return { name, parameters, label: pattern.label(parameters) };
}

/** A size with the parameters of a pattern: what decides whether they fit. */
interface SizedPattern {
  readonly rows: number;
  readonly cols: number;
  readonly parameters: Parameters;
}

/** Largest difference between an asked density and a pattern's fixed one: suites write four decimals. */
const fixedDensityTolerance = 0.00005;

/** Why a pattern cannot be made at a size and density, as a whole message, or null if it can. */
export function refusalOf(spec: PatternSpec, rows: number, cols: number, density: number): string | null {
  const pattern = patternNamed(spec.name);
  const sized: SizedPattern = { rows, cols, parameters: spec.parameters };
  const refusal = pattern.refuse?.(sized) ?? null;
  if (refusal !== null) return refusal;
  const fixed = pattern.fixedDensity?.(sized);
  if (fixed !== undefined && Math.abs(fixed - density) > fixedDensityTolerance) {
    return `Expected density ${fixed} for pattern ${spec.label} at ${rows} x ${cols}, received ${density}. Leave densities out: this pattern has only one.`;
  }
  return null;
}

/** The pattern's only density at a size, or null where any may be asked for. Call after `refusalOf`'s size checks. */
export function fixedDensityOf(spec: PatternSpec, rows: number, cols: number): number | null {
  return patternNamed(spec.name).fixedDensity?.({ rows, cols, parameters: spec.parameters }) ?? null;
}

/** The mask of a generated pattern. Same arguments, same bits. Throws BAD_SUITE where the pattern does not fit. */
export function generateMask(
  spec: PatternSpec & { readonly name: string },
  request: { readonly rows: number; readonly cols: number; readonly density: number; readonly seed: number },
): Mask {
  const { rows, cols, density, seed } = request;
  const refusal = refusalOf(spec, rows, cols, density);
  if (refusal !== null) throw new SparsemarkError('BAD_SUITE', refusal);
  const pattern = patternNamed(spec.name) as GeneratedPattern;
  const random = randomStream(seed, `mask/${spec.label}/${rows}x${cols}/${density}`);
  return pattern.generate({ rows, cols, density, parameters: spec.parameters }, random);
}
