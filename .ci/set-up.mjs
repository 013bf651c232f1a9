// Everything between a fresh clone and a command that runs: packages, addon, TypeScript. A step whose inputs have
// not changed since it last succeeded is not done again. Needs nothing but Node: the packages may not be there yet.
//
//   node .ci/set-up.mjs             packages, addon, TypeScript
//   node .ci/set-up.mjs --test      and the C++ test program with sanitizers
//   node .ci/set-up.mjs --packages  packages alone
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const jobs = String(Math.min(8, availableParallelism()));

function stop(message) {
  process.stderr.write(`sparsemark: ${message}\n`);
  process.exit(42);
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

function digestOf(paths, ...more) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((name) => filesUnder(join(root, name)))) {
    hash.update(path).update(readFileSync(path));
  }
  for (const text of more) hash.update(text);
  return hash.digest('hex');
}

// Runs a step unless its stamp says that the same inputs were processed before; `more` are inputs that are no files.
function step(title, stamp, inputs, outputs, run, ...more) {
  const stampPath = join(root, stamp);
  const digest = digestOf(inputs, process.version, process.env.CC ?? '', process.env.CXX ?? '', ...more);
  const done = existsSync(stampPath) && readFileSync(stampPath, 'utf8') === digest;
  if (done && outputs.every((path) => existsSync(join(root, path)))) return;
  process.stderr.write(`sparsemark: ${title} ...\n`);
  const start = performance.now();
  run();
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, digest);
  process.stderr.write(`sparsemark: ${title} done in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

// Output is shown only when the command fails: a set-up that works is three lines.
function call(what, command, args, advice, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error === undefined && status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  stop(
    `${what} failed${error === undefined ? ` with exit code ${status}` : `: ${error.message}`}. ${advice}`,
  );
}

// npm puts node_modules/.bin first in PATH; a program of the system's own is preferred to the one from npm.
function findProgram(name) {
  const own = join(root, 'node_modules', '.bin');
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((path) => path !== '' && !path.startsWith(own));
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  stop(`Expected Node 20.11 or newer, received ${process.versions.node}. Install a newer Node.`);
}
if (process.platform === 'win32') {
  stop('Expected Linux or macOS, received Windows, on which sparsemark has not been tried. Use WSL.');
}

step(
  'installing packages',
  'node_modules/.sparsemark-stamp',
  ['package-lock.json'],
  ['node_modules/typescript'],
  () => call('npm ci', 'npm', ['ci', '--no-audit', '--no-fund'], 'See the messages above.'),
);

if (process.argv.includes('--packages')) process.exit(0);

const cmake = findProgram('cmake') ?? join(root, 'node_modules', '.bin', 'cmake');
const cmakeJs = join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js');
const nativeInputs = ['native', 'CMakeLists.txt', 'package.json'];
const compilerAdvice =
  'It needs a C++20 compiler (Debian: apt-get install g++ make; macOS: xcode-select --install); CMake comes from npm where the system has none.';
step('building the addon', 'build/.sparsemark-stamp', nativeInputs, ['build/Release/sparsemark.node'], () =>
  call(
    'the native build',
    process.execPath,
    [cmakeJs, 'build', '-c', cmake, '--parallel', jobs],
    compilerAdvice,
  ),
);

step(
  'compiling TypeScript',
  'dist/.sparsemark-stamp',
  ['src', 'tsconfig.json', 'tsconfig.build.json'],
  ['dist/cli.js'],
  () =>
    call(
      'tsc',
      process.execPath,
      [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
      'See the messages above.',
    ),
);

if (process.argv.includes('--test')) {
  // The kernels that this machine can run: the others would run nowhere.
  const isas = createRequire(import.meta.url)(join(root, 'build', 'Release', 'sparsemark.node'))
    .describeCpu()
    .isa.join(';');
  // The kernel libraries of the tests are small C files, which the tests build themselves.
  step(
    'building the C++ test program with sanitizers',
    'build/asan/.sparsemark-stamp',
    [...nativeInputs, 'test/native'],
    ['build/asan/test/native/sparsemark-test'],
    () => {
      const options = ['-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DSPARSEMARK_SANITIZE=address,undefined'];
      options.push('-DSPARSEMARK_TESTS=ON', `-DSPARSEMARK_ISAS=${isas}`);
      // Make waits for the last file of each target. A folder that was made for it stays with it.
      const generator = findProgram('ninja') === undefined ? {} : { CMAKE_GENERATOR: 'Ninja' };
      call('cmake', cmake, ['-S', '.', '-B', 'build/asan', ...options], compilerAdvice, generator);
      call(
        'the build of the C++ test program',
        cmake,
        ['--build', 'build/asan', '--target', 'sparsemark-test', '--parallel', jobs],
        compilerAdvice,
      );
    },
    isas,
  );
}
