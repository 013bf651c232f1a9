// Packs what is published: compiled TypeScript, the C++ sources, and binaries for every platform in prebuilds/. It is
// put together in a folder of its own, so that nothing that happens to lie in a checkout can get in.
//
//   node .ci/pack.mjs [folder]     build, put this machine's binaries into prebuilds/, write sparsemark-<version>.tgz
//   node .ci/pack.mjs --binaries   only fill prebuilds/<platform>; CI does that on each platform and packs once
//   node .ci/pack.mjs --as-built   do not build first
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const options = process.argv.slice(2).filter((word) => word.startsWith('--'));
const [folder = root] = process.argv.slice(2).filter((word) => !word.startsWith('--'));

function stop(message) {
  process.stderr.write(`sparsemark: ${message}\n`);
  process.exit(42);
}

function call(command, args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error === undefined && status === 0) return stdout;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  return stop(
    `Expected ${command} ${args[0]} to succeed, received ${error?.message ?? `exit code ${status}`}.`,
  );
}

/** Copies build/Release of this machine to prebuilds/<platform>; refuses what must not be measured with. */
function addBinaries() {
  const built = join(root, 'build', 'Release');
  if (!existsSync(join(built, 'sparsemark.node'))) {
    stop('Expected build/Release/sparsemark.node, received no such file. Build it: npm run build.');
  }
  const { type, sanitizer } = createRequire(import.meta.url)(join(built, 'sparsemark.node')).describeBuild();
  if (type !== 'Release' || sanitizer !== '') {
    stop(
      `Expected a Release build without sanitizers to pack, received ${[type, sanitizer].join(' ').trim()}.`,
    );
  }
  // The same name as src/native.ts looks for.
  const musl =
    process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  const place = join(root, 'prebuilds', `${process.platform}-${process.arch}${musl ? '-musl' : ''}`);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const name of readdirSync(built).filter((file) =>
    /^sparsemark\.node$|^sparsemark-runner$|^libsparsemark-.*\.(so|dylib)$/.test(file),
  )) {
    cpSync(join(built, name), join(place, name));
    // macOS: stripping would cost the file its signature, and there is nothing to win in a Release build.
    if (process.platform === 'linux') call('strip', ['--strip-unneeded', join(place, name)]);
  }
  return place;
}

if (!options.includes('--as-built')) call(process.execPath, [join(root, '.ci', 'set-up.mjs')]);
const place = addBinaries();
if (options.includes('--binaries')) {
  process.stdout.write(`${place}\n`);
  process.exit(0);
}

const staging = mkdtempSync(join(tmpdir(), 'sparsemark-pack-'));
try {
  const {
    devDependencies: _,
    scripts: __,
    ...manifest
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const name of [...manifest.files, 'README.md', 'LICENSE']) {
    if (name !== 'dist') cpSync(join(root, name), join(staging, name), { recursive: true });
  }
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // The sources are not in the package, so their maps would point nowhere.
  call(process.execPath, [
    tsc,
    '-p',
    'tsconfig.build.json',
    '--sourceMap',
    'false',
    '--outDir',
    join(staging, 'dist'),
  ]);
  mkdirSync(resolve(folder), { recursive: true });
  const [packed] = JSON.parse(
    call('npm', ['pack', '--json', '--pack-destination', resolve(folder)], staging),
  );
  process.stdout.write(`${join(resolve(folder), packed.filename)}\n`);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
