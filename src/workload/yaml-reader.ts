/** Reading YAML strictly: every complaint names file, line and column, and the nearest valid name where there is one. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type ErrorCode, type Place, SparsemarkError } from '../terms.ts';
import { nearestName } from './nearest-name.ts';

/** A value of the document with the name that errors call it by. */
export interface YamlValue {
  readonly name: string;
  readonly node: Node | null;
}

/** A mapping's entries in their order. */
export type YamlEntries = ReadonlyMap<string, YamlValue>;

/** Reader of one document. Every method throws the reader's error code with the place of the value. */
export interface YamlReader {
  /** The whole document as a value. */
  readonly root: YamlValue;
  /** Throw "Expected <what> for <name>, received <value>. <advice>" at the value's place. */
  fail(value: YamlValue, what: string, advice: string): never;
  /** Throw with a message made elsewhere, at the value's place. */
  failWith(value: YamlValue, message: string): never;
  /** A mapping with any keys; `empty`: what becomes of those without a value. */
  entries(value: YamlValue, empty?: 'refused' | 'left out'): YamlEntries;
  /** A mapping whose keys are all among `known`; `empty` as in `entries`. */
  record(value: YamlValue, known: readonly string[], empty?: 'refused' | 'left out'): YamlEntries;
  /** A non-empty list, or a single value as a list of one. */
  list(value: YamlValue): readonly YamlValue[];
  text(value: YamlValue): string;
  boolean(value: YamlValue): boolean;
  /** A finite number in min..max. */
  number(value: YamlValue, min: number, max: number): number;
  /** An integer in min..max. */
  integer(value: YamlValue, min: number, max: number): number;
  choice<T extends string>(value: YamlValue, choices: readonly T[]): T;
  /** A scalar as it is: text, number, boolean. */
  scalar(value: YamlValue): string | number | boolean;
  isList(value: YamlValue): boolean;
  isMapping(value: YamlValue): boolean;
  /** Where a value begins. */
  placeOf(value: YamlValue): Place;
  /** `!Tag` of a value; null where it has none. */
  tag(value: YamlValue): string | null;
}

/** A value as an error shows it. */
function shown(node: Node | null): string {
  if (node === null) return 'nothing';
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  const text =
    typeof node.value === 'string' ? JSON.stringify(node.value) : String(node.source ?? node.value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Open a YAML text. `tags`: of its own mappings. Throws `code` for a syntax error, another tag or a duplicate key. */
export function readYaml(
  text: string,
  file: string,
  code: ErrorCode,
  tags: readonly string[] = [],
): YamlReader {
  const lines = new LineCounter();
  const document: Document.Parsed = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    version: '1.2',
    customTags: tags.map((tag) => ({
      tag: `!${tag}`,
      collection: 'map' as const,
      resolve: (map: YAMLMap | YAMLSeq) => map,
    })),
  });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const duplicate = problem.code === 'DUPLICATE_KEY';
    const reason = problem.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
    const message = duplicate
      ? `Expected each key once for the mapping, received ${JSON.stringify(keyAt(text, problem.pos[0]))} twice. Remove one.`
      : `Expected YAML for the file, received a syntax error: ${reason}. Correct the line.`;
    throw new SparsemarkError(code, message, place(problem.pos[0]));
  }

  function resolved(node: unknown): Node | null {
    if (isAlias(node)) return (node.resolve(document) as Node | undefined) ?? null;
    return (node as Node | null) ?? null;
  }
  /** Of a document without anything, its beginning. */
  function placeOf({ node }: YamlValue): Place {
    const offset = node?.range?.[0];
    return offset === undefined ? { file, line: 1, column: 1 } : place(offset);
  }
  function failWith(value: YamlValue, message: string): never {
    throw new SparsemarkError(code, message, placeOf(value));
  }
  function fail(value: YamlValue, what: string, advice: string): never {
    failWith(value, `Expected ${what} for ${value.name}, received ${shown(value.node)}. ${advice}`);
  }
  function keyOf(map: YAMLMap, key: unknown, name: string): string {
    if (isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number')) {
      return typeof key.value === 'string' ? key.value : String(key.source);
    }
    return fail(
      { name: `a key of ${name}`, node: resolved(key) ?? map },
      'a plain name',
      'Write a simple key.',
    );
  }
  function entries(value: YamlValue, empty: 'refused' | 'left out' = 'refused'): YamlEntries {
    const { node, name } = value;
    if (!isMap(node)) return fail(value, 'a mapping (key: value)', 'Correct it.');
    const result = new Map<string, YamlValue>();
    for (const item of node.items) {
      const key = keyOf(node, item.key, name);
      const child = resolved(item.value);
      // An empty value has no place of its own worth showing: the key's stands in.
      if (child === null || (isScalar(child) && child.value === null)) {
        if (empty === 'left out') continue;
        failWith(
          { name: key, node: item.key as Node },
          `Expected a value for ${key}, received nothing. Give ${key} a value or remove it.`,
        );
      }
      result.set(key, { name: name === 'the file' ? key : `${name}.${key}`, node: child });
    }
    return result;
  }
  function record(
    value: YamlValue,
    known: readonly string[],
    empty: 'refused' | 'left out' = 'refused',
  ): YamlEntries {
    const result = entries(value, empty);
    const map = value.node as YAMLMap;
    for (const item of map.items) {
      const key = keyOf(map, item.key, value.name);
      if (known.includes(key)) continue;
      failWith(
        { name: key, node: item.key as Node },
        `Expected one of ${known.join(', ')} for a key of ${value.name}, received "${key}". Did you mean "${nearestName(key, known)}"?`,
      );
    }
    return result;
  }
  function list(value: YamlValue): readonly YamlValue[] {
    if (!isSeq(value.node)) return [value];
    if (value.node.items.length === 0) fail(value, 'at least one element', 'Add one or remove the key.');
    return value.node.items.map((item, at) => ({ name: `${value.name}[${at}]`, node: resolved(item) }));
  }
  function scalar(value: YamlValue): string | number | boolean {
    const content = isScalar(value.node) ? value.node.value : null;
    if (typeof content === 'string' || typeof content === 'number' || typeof content === 'boolean')
      return content;
    return fail(value, 'a single value', 'Correct it.');
  }
  function text_(value: YamlValue): string {
    const content = scalar(value);
    if (typeof content === 'string' && content.trim() !== '') return content.trim();
    return fail(value, 'a text', 'Put it in quotes.');
  }
  function number(value: YamlValue, min: number, max: number): number {
    const content = scalar(value);
    if (typeof content === 'number' && content >= min && content <= max) return content;
    return fail(value, `a number in ${min}..${max}`, 'Correct it.');
  }
  function integer(value: YamlValue, min: number, max: number): number {
    const content = scalar(value);
    if (Number.isInteger(content) && (content as number) >= min && (content as number) <= max)
      return content as number;
    return fail(value, `an integer in ${min}..${max}`, 'Correct it.');
  }
  function boolean(value: YamlValue): boolean {
    const content = scalar(value);
    return typeof content === 'boolean' ? content : fail(value, 'true or false', 'Correct it.');
  }
  function choice<T extends string>(value: YamlValue, choices: readonly T[]): T {
    const content = scalar(value);
    const found = choices.find((name) => name === content);
    if (found !== undefined) return found;
    return fail(
      value,
      `one of ${choices.join(', ')}`,
      `Did you mean "${nearestName(String(content), choices)}"?`,
    );
  }
  return {
    root: { name: 'the file', node: document.contents },
    fail,
    failWith,
    placeOf,
    entries,
    record,
    list,
    text: text_,
    boolean,
    number,
    integer,
    choice,
    scalar,
    isList: (value) => isSeq(value.node),
    isMapping: (value) => isMap(value.node),
    tag: ({ node }) => node?.tag ?? null,
  };
}

/** The key that begins at an offset of the text. */
function keyAt(text: string, offset: number): string {
  return /^[^:\n]*/.exec(text.slice(offset))![0].trim();
}
