/** The house keeps its arrows: who may import whom, which names there are, how long a file may be. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Files below a folder, as paths from the root; [] where there is no such folder. */
function filesUnder(folder: string, ending: RegExp): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return (readdirSync(path, { recursive: true }) as string[])
    .map((name) => join(folder, name))
    .filter((name) => ending.test(name) && statSync(join(root, name)).isFile())
    .sort();
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Import {
  readonly from: string;
  /** Path from the root for a relative import, else the package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Import, re-export and dynamic import lines of a TypeScript file. */
function importsOf(from: string, text: string = read(from)): Import[] {
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?(?:[\w*{][^;'"]*?\s+from\s+)?['"]([^'"]+)['"]/gm;
  for (const [, type, to] of text.matchAll(statement))
    found.push({ from, to: to!, typeOnly: type !== undefined });
  for (const [, to] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g))
    found.push({ from, to: to!, typeOnly: false });
  return found.map((entry) =>
    entry.to.startsWith('.') ? { ...entry, to: join(dirname(from), entry.to) } : entry,
  );
}

/** Includes in quotes, as paths from the root. */
function includesOf(from: string): string[] {
  return [...read(from).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map(([, to]) => {
    const beside = join(dirname(from), to!);
    // A header beside the file, else one by its path below native/ (test programs).
    return existsSync(join(root, beside)) ? beside : join('native', to!);
  });
}

const sources = filesUnder('src', /\.ts$/);
const imports = sources.flatMap((path) => importsOf(path));
const room = (path: string): string => {
  const [top, name, ...rest] = path.split('/');
  return top === 'src' && rest.length > 0 ? name! : (top === 'src' ? name! : '').replace(/\.ts$/, '');
};

/** Import lines that break a rule, as text for a readable failure. */
function offences(rule: (entry: Import) => boolean): string[] {
  return imports.filter(rule).map(({ from, to, typeOnly }) => `${from} -> ${to}${typeOnly ? ' (type)' : ''}`);
}

describe('arrows in TypeScript', () => {
  it('the parser of import lines sees every kind of them', () => {
    const text = [
      "import { a } from './a.ts';",
      "import type { B } from '../b.ts';",
      "import * as C from 'c';",
      "import d, { type E } from 'node:d';",
      "import {\n  f,\n  g,\n} from './f.ts';",
      "import './h.ts';",
      "export { i } from './i.ts';",
      "export * from './j.ts';",
      "const k = await import('./k.ts');",
      "const text = 'nothing';",
    ].join('\n');
    expect(importsOf('src/x/y.ts', text).map(({ to, typeOnly }) => `${to}${typeOnly ? '!' : ''}`)).toEqual([
      'src/x/a.ts',
      'src/b.ts!',
      'c',
      'node:d',
      'src/x/f.ts',
      'src/x/h.ts',
      'src/x/i.ts',
      'src/x/j.ts',
      'src/x/k.ts',
    ]);
    expect(imports.length).toBeGreaterThan(100);
  });

  // Rooms that a room may import from, at run time. Files of src itself (terms, statistics, native) are rooms too.
  const open: Record<string, readonly string[]> = {
    terms: [],
    statistics: ['terms'],
    native: ['terms'],
    workload: ['terms', 'statistics'],
    result: ['terms', 'statistics'],
    report: ['terms', 'statistics'],
    accelerator: ['terms', 'statistics', 'native', 'workload', 'result'],
    measure: ['terms', 'statistics', 'native', 'workload', 'result'],
    command: ['terms', 'statistics', 'workload', 'result', 'report', 'accelerator', 'measure'],
    cli: ['terms', 'report', 'command'],
    index: ['terms', 'statistics', 'workload', 'result', 'report', 'accelerator', 'measure'],
  };

  it('every room is known here', () => {
    expect([...new Set(sources.map(room))].filter((name) => open[name] === undefined)).toEqual([]);
  });

  it.each(Object.keys(open))('%s imports only what is below it', (name) => {
    expect(
      offences(
        ({ from, to }) =>
          room(from) === name &&
          to.startsWith('src/') &&
          room(to) !== name &&
          !open[name]!.includes(room(to)),
      ),
    ).toEqual([]);
  });

  it('a machine without a compiler can expand, validate, compare and report', () => {
    expect(
      offences(
        ({ from, to }) =>
          ['workload', 'result', 'report'].includes(room(from)) &&
          ['native', 'measure', 'accelerator'].includes(room(to)),
      ),
    ).toEqual([]);
    expect(offences(({ from, to }) => room(from) === 'report' && room(to) === 'workload')).toEqual([]);
  });

  it('measure and accelerator do not know each other', () => {
    expect(
      offences(
        ({ from, to }) =>
          (room(from) === 'measure' && room(to) === 'accelerator') ||
          (room(from) === 'accelerator' && room(to) === 'measure'),
      ),
    ).toEqual([]);
  });

  it('terms.ts imports nothing', () => {
    expect(offences(({ from }) => from === 'src/terms.ts')).toEqual([]);
  });

  it('only native.ts loads a binary', () => {
    const loaders = sources.filter(
      (path) => /\.node['"`]|process\.dlopen/.test(read(path)) && path !== 'src/native.ts',
    );
    expect(loaders).toEqual([]);
    // build.ts resolves cmake-js with createRequire; it requires nothing.
    const requirers = sources.filter((path) => /createRequire\([^)]*\)\(/.test(read(path)));
    expect(requirers).toEqual(['src/native.ts']);
  });

  it('only cli.ts prints and exits', () => {
    const speaks = /\bconsole\.|process\.(?:stdout|stderr|exit\b|exitCode)/;
    // The worker is a process of its own: it ends with its parent.
    const may = new Set(['src/cli.ts', 'src/measure/worker.ts']);
    // An example in a doc comment may print.
    const code = (path: string): string => read(path).replace(/\/\*[\s\S]*?\*\//g, '');
    expect(sources.filter((path) => !may.has(path) && speaks.test(code(path)))).toEqual([]);
    expect(read('src/measure/worker.ts')).not.toMatch(/\bconsole\.|process\.(?:stdout|stderr)/);
  });

  it('imports of our own files end in .ts, and every file is there', () => {
    expect(
      offences(({ to }) => to.startsWith('src/') && !(to.endsWith('.ts') && existsSync(join(root, to)))),
    ).toEqual([]);
  });

  it('packages are imported only where package.json has them', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    expect(
      offences(({ to }) => {
        if (to.startsWith('src/') || to.startsWith('node:')) return false;
        const name = to
          .split('/')
          .slice(0, to.startsWith('@') ? 2 : 1)
          .join('/');
        return dependencies[name] === undefined;
      }),
    ).toEqual([]);
  });
});

describe('arrows in C++', () => {
  const native = filesUnder('native', /\.(?:cc|h|inc)$/);
  const includes = native.flatMap((from) => includesOf(from).map((to) => ({ from, to })));
  const broken = (rule: (entry: { from: string; to: string }) => boolean): string[] =>
    includes.filter(rule).map(({ from, to }) => `${from} -> ${to}`);
  const within = (path: string, folder: string): boolean => path.startsWith(`native/${folder}/`);

  it('every include in quotes is a file of ours', () => {
    expect(includes.length).toBeGreaterThan(30);
    expect(broken(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  it('matrix.h and sparsemark.h include nothing of ours, simd only itself', () => {
    expect(broken(({ from }) => ['native/matrix.h', 'native/sparsemark.h'].includes(from))).toEqual([]);
    expect(broken(({ from, to }) => within(from, 'simd') && !within(to, 'simd'))).toEqual([]);
  });

  it('kernels include kernel.h, simd and headers of their own room', () => {
    // The room's list asks which CPU this is; its library puts formats and kernels behind the door.
    const declared: Record<string, readonly string[]> = {
      'native/kernels/kernel.h': ['native/matrix.h'],
      'native/kernels/list.cc': ['native/timing/cpu.h'],
      'native/kernels/library.cc': ['native/formats/format.h', 'native/sparsemark.h'],
    };
    expect(
      broken(
        ({ from, to }) =>
          within(from, 'kernels') &&
          !within(to, 'kernels') &&
          !within(to, 'simd') &&
          !(declared[from] ?? []).includes(to),
      ),
    ).toEqual([]);
  });

  it('formats include format.h and matrix.h', () => {
    expect(
      broken(({ from, to }) => within(from, 'formats') && !within(to, 'formats') && to !== 'native/matrix.h'),
    ).toEqual([]);
  });

  it('a backend knows the door, not our kernels', () => {
    expect(
      broken(
        ({ from, to }) =>
          within(from, 'backends') &&
          !within(to, 'backends') &&
          !['native/matrix.h', 'native/sparsemark.h'].includes(to),
      ),
    ).toEqual([]);
  });

  it('the measuring side knows no kernel and no format', () => {
    expect(
      broken(
        ({ from, to }) =>
          (within(from, 'timing') || /^native\/(?:door|addon)\.(?:cc|h)$/.test(from)) &&
          (within(to, 'kernels') || within(to, 'formats') || within(to, 'backends')),
      ),
    ).toEqual([]);
  });

  it('accelerator may use formats, never kernels', () => {
    expect(
      broken(
        ({ from, to }) => within(from, 'accelerator') && (within(to, 'kernels') || within(to, 'backends')),
      ),
    ).toEqual([]);
  });

  it('only addon.cc knows Node, with the arguments that it reads', () => {
    const everywhere = [...native, ...filesUnder('test/native', /\.(?:c|cc|h)$/)];
    expect(everywhere.filter((path) => /napi\.h|node_api\.h|js_native_api/.test(read(path)))).toEqual([
      'native/arguments.h',
      'native/descriptions.h',
    ]);
    for (const header of ['"arguments.h"', '"descriptions.h"'])
      expect(everywhere.filter((path) => read(path).includes(header))).toEqual(['native/addon.cc']);
  });

  it('every format and kernel of the lists is defined once, and nothing is defined that no list has', () => {
    for (const kind of ['format', 'kernel']) {
      // Lists that a list includes belong to it.
      const lists = filesUnder(`native/${kind}s`, /\.inc$/).map(read);
      const entry = new RegExp(`^SPARSEMARK_${kind.toUpperCase()}\\((\\w+)\\)`, 'gm');
      const list = lists.flatMap((text) => [...text.matchAll(entry)].map(([, symbol]) => symbol!));
      expect(list.length, kind).toBeGreaterThan(1);
      expect(new Set(list).size, `${kind}s listed twice`).toBe(list.length);
      const texts = filesUnder(`native/${kind}s`, /\.cc$/)
        .filter((path) => basename(path) !== 'list.cc' && basename(path) !== 'library.cc')
        .map(read);
      const homeless = list.filter(
        (symbol) => !texts.some((text) => new RegExp(`\\b${symbol}\\b`).test(text)),
      );
      expect(homeless, `${kind}s without a file`).toEqual([]);
      // A definition is written out, or made by the file's own macro from its first argument.
      const defined = texts.flatMap((text) =>
        [
          ...text.matchAll(
            new RegExp(`^(?:extern )?const ${kind === 'format' ? 'Format' : 'Kernel'} (\\w+)\\b`, 'gm'),
          ),
        ].map(([, symbol]) => symbol!),
      );
      expect(
        defined.filter((symbol) => !list.includes(symbol)),
        `${kind}s that no list has`,
      ).toEqual([]);
    }
  });
});

describe('the listing', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)));
  const ours = tracked.filter((path) => path !== 'package-lock.json');

  it('the top level holds what the design names', () => {
    const allowed = new Set([
      ...[
        'package.json',
        'package-lock.json',
        'CMakeLists.txt',
        'native',
        'src',
        'suites',
        'results',
        'test',
      ],
      ...[
        'README.md',
        'CONTRIBUTING.md',
        'LICENSE',
        'CHANGELOG.md',
        'CITATION.cff',
        'action.yml',
        '.ci',
        '.github',
      ],
      // Tool settings.
      ...['biome.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts'],
      ...['.clang-format', '.clang-tidy', '.gitignore', '.gitattributes', '.editorconfig', '.npmrc'],
    ]);
    expect(
      [...new Set(tracked.map((path) => path.split('/')[0]!))].filter((name) => !allowed.has(name)),
    ).toEqual([]);
  });

  it('rooms and files are named by nouns of the field', () => {
    const vague = /^(?:utils?|helpers?|common|misc|managers?|lib|shared|stuff|tools?)$/i;
    const named = (path: string): boolean =>
      path.split('/').some((part) => vague.test(part.replace(/\..*$/, '')));
    expect(ours.filter(named)).toEqual([]);
  });

  // The dictionary is a table too.
  it('no file is longer than about 400 lines, tables excepted', () => {
    const table =
      /^(?:src\/terms\.ts|src\/workload\/patterns\/dlmc-statistics\.ts|suites\/|test\/golden\/|results\/)|\.(?:csv|inc|svg|png|jsonl)$/;
    const long = ours
      .filter((path) => !table.test(path) && /\.(?:ts|mjs|cc|h|c|txt|md|yml|yaml)$/.test(path))
      .map((path) => ({ path, lines: read(path).split('\n').length }))
      .filter(({ lines }) => lines > 450);
    expect(long).toEqual([]);
  });

  it('nothing generated is committed but the result schema', () => {
    const generated =
      /^(?:node_modules|dist|build|prebuilds|coverage|results\/local)\/|\.(?:o|a|so|dylib|node|tgz|tsbuildinfo|js|d\.ts|map)$/;
    expect(tracked.filter((path) => generated.test(path))).toEqual([]);
    expect(tracked).toContain('results/schema.json');
  });

  it('no line betrays the machine or the maker of it', () => {
    // Written in pieces, so that this file does not find itself.
    const places = ['home', 'root', 'Users'].map((name) => `(?<![\\w.~])/${name}/`);
    const betrays = new RegExp(places.join('|'));
    const found = ours.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, index) => (betrays.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it('the lock file names no download host', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved":\s*"http/);
  });

  it('a suite file beside every shape table it names', () => {
    const named = filesUnder('suites', /\.yaml$/).flatMap((path) =>
      [...read(path).matchAll(/\bfile:\s*([\w-]+\.csv)/g)].map(([, file]) => `suites/shapes/${file}`),
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('what a package ships', () => {
  it('every entry of package.json that must exist in a checkout exists', () => {
    const { bin, exports } = JSON.parse(read('package.json')) as {
      bin: Record<string, string>;
      exports: Record<string, unknown>;
    };
    // dist/x.js and dist/x.d.ts come from src/x.ts.
    const targets = [...Object.values(bin), ...JSON.stringify(exports).matchAll(/"(\.\/dist\/[^"]+)"/g)].map(
      (entry) => (typeof entry === 'string' ? entry : entry[1]!),
    );
    const missingSources = targets
      .map((target) => relative('dist', target).replace(/(?:\.d)?\.[jt]s$/, '.ts'))
      .filter((path) => !existsSync(join(root, 'src', path)));
    expect(missingSources).toEqual([]);
  });
});
