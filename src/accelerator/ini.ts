/** Configuration files in the form that Python's configparser reads with its defaults. */
import { SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';

/** A value with its place, counted from 1. */
export interface IniValue {
  /** `[section] Option`, as errors call it. */
  readonly name: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** A section: its options by name in small letters, those of `DEFAULT` included, and where its heading stands. */
export interface IniSection {
  readonly options: ReadonlyMap<string, IniValue>;
  readonly line: number;
  readonly column: number;
}

/** Sections by name. */
export type IniSections = ReadonlyMap<string, IniSection>;

/** Throws `Expected <what> for <name>, received "<text>". <advice>` at a value's line. */
export function failAt(file: string, value: IniValue, what: string, advice: string): never {
  const text = value.text.length > 60 ? `${value.text.slice(0, 60)}...` : value.text;
  throw new SparsemarkError(
    'BAD_ACCELERATOR',
    `Expected ${what} for ${value.name}, received ${JSON.stringify(text)}. ${advice}`,
    { file, line: value.line, column: value.column },
  );
}

/**
 * Read sections. Options end at the first `=` or `:`, whatever the case of their letters; whole lines that begin with
 * `#` or `;` are comments, what stands behind a value is part of it; lines further in than their option go on with its
 * value. References (`%(name)s`) are refused. Throws BAD_ACCELERATOR with file and line, for a second option or section
 * of one name too.
 */
export function readIni(text: string, file: string): IniSections {
  const sections = new Map<string, IniSection>();
  let section: { readonly name: string; readonly options: Map<string, IniValue> } | null = null;
  let last: { readonly key: string; readonly indent: number } | null = null;
  for (const [at, whole] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = at + 1;
    const content = whole.trim();
    const here = (name: string, received: string, column: number): IniValue => ({
      ...{ name, text: received, line, column },
    });
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    const indent = whole.length - whole.trimStart().length;
    const start = indent + 1;
    if (section !== null && last !== null && indent > last.indent) {
      const begun: IniValue = section.options.get(last.key)!;
      section.options.set(last.key, { ...begun, text: `${begun.text}\n${content}` });
      continue;
    }
    const heading = /^\[(.+)\]/.exec(content);
    if (heading !== null) {
      const name = heading[1]!;
      if (sections.has(name))
        failAt(file, here('a section', name, start), 'each section once', 'Merge the two.');
      section = { name, options: new Map() };
      sections.set(name, { options: section.options, line, column: start });
      last = null;
      continue;
    }
    if (section === null)
      return failAt(
        file,
        here('the first line', content, start),
        'a section, [general]',
        'Put one before it.',
      );
    const option = /^(.*?)\s*[=:]\s*(.*)$/.exec(content);
    if (option === null || option[1] === '')
      return failAt(
        file,
        here(`an option of [${section.name}]`, content, start),
        'Name : value',
        'Correct the line.',
      );
    const [, name = '', value = ''] = option;
    const key = name.toLowerCase();
    // Where the value begins; of an option without one, the end of its line.
    const named = here(`[${section.name}] ${name}`, value, start + content.length - value.length);
    if (section.options.has(key)) failAt(file, named, 'each option once', 'Remove one of the two.');
    if (/%(?!%)/.test(value.replaceAll('%%', '')))
      failAt(file, named, 'a value without references', 'Write the value itself; a percent sign is %%.');
    section.options.set(key, { ...named, text: value.replaceAll('%%', '%') });
    last = { key, indent };
  }
  const defaults = sections.get('DEFAULT');
  sections.delete('DEFAULT');
  if (defaults === undefined) return sections;
  return new Map(
    [...sections].map(([name, { options, ...place }]) => [
      name,
      { options: new Map([...defaults.options, ...options]), ...place },
    ]),
  );
}

/** Throws BAD_ACCELERATOR for the first section or option that is not among `known`, by its nearest name. */
export function refuseUnknown(
  sections: IniSections,
  known: Readonly<Record<string, readonly string[]>>,
  file: string,
): void {
  for (const [section, { options, line, column }] of sections) {
    const names = known[section];
    if (names === undefined) {
      throw new SparsemarkError(
        'BAD_ACCELERATOR',
        `Expected one of ${Object.keys(known).join(', ')} for a section, received "${section}". Did you mean "${nearestName(section, Object.keys(known))}"?`,
        { file, line, column },
      );
    }
    for (const [key, value] of options) {
      // A default stands in every section, and is of use in one.
      const places = value.name.startsWith('[DEFAULT] ') ? Object.values(known).flat() : names;
      if (places.some((name) => name.toLowerCase() === key)) continue;
      const given = value.name.slice(value.name.indexOf(']') + 2);
      throw new SparsemarkError(
        'BAD_ACCELERATOR',
        `Expected one of ${names.join(', ')} for an option of [${section}], received "${given}". Did you mean "${nearestName(given, names)}"?`,
        { file, line: value.line, column: 1 },
      );
    }
  }
}
