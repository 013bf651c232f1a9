/** Values of arguments: read from their text, or refused with what was expected. */
import { InvalidArgumentError } from 'commander';

/** Numbers with commas between; `what` says which are valid. */
export function numbers(
  what: string,
  valid: (value: number) => boolean,
): (text: string) => readonly number[] {
  return (text) =>
    text.split(',').map((part) => {
      const value = Number(part);
      if (part.trim() === '' || !valid(value))
        throw new InvalidArgumentError(`Expected ${what}, received "${text}".`);
      return value;
    });
}

/** One number. */
export function number(what: string, valid: (value: number) => boolean): (text: string) => number {
  const read = numbers(what, valid);
  return (text) => {
    const [value, ...more] = read(text);
    if (value === undefined || more.length > 0)
      throw new InvalidArgumentError(`Expected ${what}, received "${text}".`);
    return value;
  };
}

/** Names with commas between. */
export const names = (text: string): readonly string[] => text.split(',').map((name) => name.trim());
/** Whether it is a whole number of at least 1. */
export const positive = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= 2 ** 31 - 1;

/** hot, cold or both. */
export function cacheStates(text: string): readonly ('hot' | 'cold')[] {
  return names(text).map((name) => {
    if (name === 'hot' || name === 'cold') return name;
    throw new InvalidArgumentError(`Expected hot, cold or both with a comma, received "${text}".`);
  });
}

/** Part i of n. */
export function shardName(text: string): { readonly index: number; readonly count: number } {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index === undefined || count === undefined || index < 1 || index > count || count > 1e5)
    throw new InvalidArgumentError(`Expected i/n with 1 <= i <= n <= 100000, received "${text}".`);
  return { index, count };
}

const percentage = number('per cent above 0 and below 1000', (value) => value > 0 && value < 1000);
/** Per cent as a share. */
export const share = (text: string): number => percentage(text) / 100;
