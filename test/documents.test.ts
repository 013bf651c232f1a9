/** What the documents say is there: commands, options, scripts, files, names. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ops } from '../src/workload/ops/index.ts';
import { patterns } from '../src/workload/patterns/index.ts';
import { listSuites } from '../src/workload/suite.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'suites/README.md',
  'results/README.md',
  'native/formats/gather-scatter.md',
];
const text = new Map(documents.map((name) => [name, readFileSync(join(root, name), 'utf8')]));

/** Lines of the shell blocks, comments cut off, and code in the running text that begins with our command. */
function commandsOf(document: string): string[] {
  const blocks = [...document.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.split('\n'));
  const inline = [...document.matchAll(/`((?:npx )?sparsemark [^`]+|npm [^`]+)`/g)].map(([, code]) => code!);
  return [...blocks, ...inline]
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** Words of a command line; a quoted word is one. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

/** Words after our command's name, or null for another command. */
function ourWords(line: string): string[] | null {
  const words = wordsOf(line);
  const at = words[0] === 'npx' ? 1 : 0;
  if (words[at] === 'sparsemark') return words.slice(at + 1);
  if (words[0] === 'node' && words[1] === 'dist/cli.js') return words.slice(2);
  return null;
}

const all = documents.flatMap((name) => commandsOf(text.get(name)!).map((line) => ({ name, line })));
const ours = all.flatMap(({ name, line }) => {
  const words = ourWords(line);
  return words === null ? [] : [{ name, line, words }];
});

/** The help of each subcommand that the documents name, by its words. */
const helps = new Map<string, string>();
const subcommandOf = (words: readonly string[]): string =>
  ['data', 'track'].includes(words[0] ?? '') ? words.slice(0, 2).join(' ') : (words[0] ?? '');

beforeAll(() => {
  for (const subcommand of new Set(ours.map(({ words }) => subcommandOf(words)))) {
    const args = [join(root, 'dist', 'cli.js'), ...subcommand.split(' '), '--help'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    helps.set(subcommand, status === 0 ? stdout : '');
  }
  // A process a subcommand: seconds, on a machine that is busy otherwise minutes.
}, 300_000);

describe('commands in the documents', () => {
  it('are found', () => {
    expect(ours.length).toBeGreaterThan(20);
    expect(new Set(ours.map(({ words }) => words[0]))).toEqual(
      new Set([
        'run',
        'tune',
        'compare',
        'selftest',
        'list',
        'data',
        'report',
        'merge',
        'shards',
        'estimate',
        'explore',
        'track',
        'doctor',
        'build',
      ]),
    );
  });

  it.each(ours)('$name: $line', ({ words }) => {
    const help = helps.get(subcommandOf(words))!;
    expect(help).toMatch(new RegExp(`^Usage: sparsemark ${subcommandOf(words)}`));
    for (const option of words.filter((word) => word.startsWith('--'))) {
      expect(help).toMatch(new RegExp(`^ +${option}\\b`, 'm'));
    }
    if (words[0] === 'run' && /^[a-z]+$/.test(words[1] ?? '')) {
      expect(listSuites().map(({ name }) => name)).toContain(words[1]);
    }
  });

  it('name scripts of package.json only', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = all.flatMap(({ line }) => {
      const [, script] = /^npm (?:run )?([a-z:]+)/.exec(line) ?? [];
      return script === undefined || ['install', 'ci', 'publish'].includes(script) ? [] : [script];
    });
    expect(named).toEqual(expect.arrayContaining(['start', 'test', 'build']));
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  });
});

describe('files in the documents', () => {
  it.each(documents)('%s: links and paths lead somewhere', (name) => {
    const document = text.get(name)!;
    const links = [...document.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, to]) =>
      join(dirname(name), to!),
    );
    const paths = [
      ...document.matchAll(/`((?:src|native|test|suites|results|\.ci|\.github)\/[\w./-]*)`/g),
    ].map(([, path]) => path!);
    const missing = [...links, ...paths].filter((path) => !existsSync(join(root, path)));
    // Ignored by git and made by the first run.
    expect(missing.filter((path) => path !== 'results/local/')).toEqual([]);
  });

  it('the table of what there is lists everything that there is', () => {
    const rows = new Map(
      [...text.get('README.md')!.matchAll(/^\| ([a-z ]+) \| (.*) \|$/gm)].map(([, head, cell]) => [
        head!,
        [...cell!.matchAll(/`([^`]+)`/g)].map(([, word]) => word!),
      ]),
    );
    const symbols = readFileSync(join(root, 'native', 'formats', 'formats.inc'), 'utf8');
    const formats = [...symbols.matchAll(/^SPARSEMARK_FORMAT\((\w+)\)/gm)].map(([, symbol]) =>
      symbol!
        .replace(/_(?:bf16|f16|int8)$/, '')
        .replace(/^nm_(\d)_(\d)$/, 'nm-$1:$2')
        .replaceAll('_', '-'),
    );
    expect(rows.get('formats')).toEqual([...new Set(formats)]);
    expect(rows.get('ops')).toEqual([...ops.keys()]);
    expect(rows.get('patterns')).toEqual([...patterns.keys()]);
    expect(rows.get('suites')!.toSorted()).toEqual(listSuites().map(({ name }) => name));
  });
});

it('examples import what the library entry exports', async () => {
  const exported = Object.keys(await import('../src/index.ts'));
  for (const [, names] of text.get('README.md')!.matchAll(/import \{([^}]+)\} from 'sparsemark'/g)) {
    for (const name of names!.split(',').map((word) => word.trim())) expect(exported).toContain(name);
  }
});

describe('the citation', () => {
  it('has what CFF 1.2.0 asks for, and the version of the package', () => {
    const citation = parse(readFileSync(join(root, 'CITATION.cff'), 'utf8'));
    const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(citation).toMatchObject({ 'cff-version': '1.2.0', type: 'software', version, license });
    expect(citation.title).not.toBe('');
    expect(citation.message).not.toBe('');
    expect(citation.authors).toEqual([{ name: 'The sparsemark developers' }]);
    for (const reference of citation.references) {
      expect(reference).toMatchObject({
        type: 'article',
        title: expect.any(String),
        year: expect.any(Number),
      });
      expect(reference.authors.length).toBeGreaterThan(0);
    }
  });
});
