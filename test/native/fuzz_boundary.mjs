// Calls every function of the addon with wrong, half-wrong and right arguments. A crash ends this process, which is
// why the test runs it as a child. Usage: node --expose-gc fuzz_boundary.mjs <addon> <library> <runs> <seed>
// Prints one line of JSON: per function how often it returned, threw a TypeError, threw an error with a code.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';

const [addonPath, libraryPath, runs, seed] = process.argv.slice(2);
const native = createRequire(import.meta.url)(addonPath);

// Any text may become a socket's name.
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-fuzz-'));
process.chdir(folder);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

// What a mistake can cost in memory.
native.becomeWorker([], 2 * 2 ** 30);

const library = native.openLibrary(libraryPath);
const rowOffsets = Int32Array.of(0, 1, 3);
const colIndices = Int32Array.of(1, 0, 2);
const values = Float32Array.of(1, 2, 3);
const b = new Float32Array(3 * 4).fill(1);
const encode = (format) => native.encode(library, format, 'f32', 2, 3, rowOffsets, colIndices, values);
const kernel = native
  .describeLibrary(library)
  .kernels.findIndex(({ op, format, isa }) => op === 'spmm' && format === 'csr' && isa === 'scalar');
const planned = native
  .describeLibrary(library)
  .kernels.findIndex(({ op, format, isa }) => op === 'spmm' && format === 'packed' && isa === 'scalar');
const operands = { n: 4, threads: 1, b };
const matrix = encode('csr');
const other = encode('dense');
const job = native.prepare(library, [matrix], kernel, operands);
const releasedMatrix = encode('csr');
native.release(releasedMatrix);
const releasedJob = native.prepare(library, [matrix], kernel, operands);
native.release(releasedJob);
const detached = new Float32Array(12);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

const handles = [library, matrix, other, job, releasedMatrix, releasedJob];
const typed = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
const numbers = [
  ...[Number.NaN, Infinity, -Infinity, -1, -0, 0, 0.5, 1, 2, 3, 4, 7, 1e9, 1e308, 5e-324],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 32 + 1, 2 ** 53, 2 ** 63],
];
const number = fc.oneof(fc.constantFrom(...numbers), fc.integer(), fc.double());
const array = fc
  .tuple(fc.constantFrom(...typed), fc.integer({ min: 0, max: 16 }), fc.integer({ min: -3, max: 5 }))
  .map(([Kind, length, fill]) =>
    Kind === BigInt64Array || Kind === BigUint64Array
      ? new Kind(length).fill(BigInt(Math.abs(fill)))
      : new Kind(length).fill(fill),
  );
const odd = fc.constantFrom(
  ...[undefined, null, true, 1n, Symbol('x'), {}, [], new Array(1e9), () => 1, new Date(0), new Map()],
  ...[new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), detached, new Float32Array(new SharedArrayBuffer(48))],
  ...[new Proxy([], {}), Object.create(matrix), new Number(3), Buffer.from('abc'), [matrix, job], [other, matrix]],
  ...[{ ...operands, n: 5 }, { ...operands, b: detached }, { n: 4, threads: 1 }, { ...operands, conv: b }],
  ...[{ ...operands, conv: new Int32Array(10) }, { get n() { throw new TypeError('n'); } }],
  ...[[releasedMatrix], [library], [[matrix]], [matrix, releasedMatrix], ['a'], [0], [-1], [1e9], [1024]],
);
const word = fc.oneof(
  fc.constantFrom('', 'csr', 'dense', 'nosuch', '\0', 'csr\0', '../x', '\ud800', 'x'.repeat(1e6), libraryPath),
  fc.string(),
);
const anything = fc.oneof(number, array, odd, word, fc.constantFrom(...handles), fc.anything());

// Right arguments, to be spoilt in one place: they get past the first checks.
const right = {
  describeBuild: [],
  describeCpu: [],
  measureCeilings: [0],
  becomeWorker: [[], 2 * 2 ** 30],
  openLibrary: [libraryPath],
  describeLibrary: [library],
  encodePlanned: [library, planned, 'vectors=2', 2, 3, rowOffsets, colIndices, values],
  encode: [library, 'csr', 'f32', 2, 3, rowOffsets, colIndices, values],
  describeMatrix: [matrix],
  decode: [matrix],
  prepare: [library, [matrix], kernel, operands],
  describeJob: [job],
  answer: [job],
  evaluate: [job],
  time: [job, 1, 1, new Float64Array(2)],
  release: [releasedMatrix],
  alignedFloats: [100],
  describeEngines: [],
  describeGeneric: [],
  estimateLayers: [1, Float64Array.of(8), new Float64Array(34).fill(1), new Float64Array(60), 2],
  // One level that keeps all three operands of a layer of one point.
  estimateGeneric: [
    Float64Array.from({ length: 160 }, (_, at) => [1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 7, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 8][at] ?? 0),
    new Float64Array(17).fill(1),
    Float64Array.from({ length: 54 }, (_, at) => (at % 9 >= 3 && at % 9 < 6 ? (at % 9) - 3 : 1)),
    new Float64Array(265),
    50,
    false,
  ],
  countLayer: [
    1,
    Float64Array.of(8),
    new Float64Array(17).fill(1),
    [Int32Array.of(0, 1), Int32Array.of(0), Int32Array.of(0, 1), Int32Array.of(0)],
    new Float64Array(30),
  ],
};
// What may last for minutes by right, or would take a handle away that later calls need.
const isBetween = (value, low, high) => typeof value === 'number' && value >= low && value <= high;
const excluded = {
  measureCeilings: ([threads]) => isBetween(threads, 1, 1024) && Number.isInteger(threads),
  time: ([, warmups, evaluations]) => [warmups, evaluations].some((count) => isBetween(count, 1001, 2 ** 31)),
  becomeWorker: ([, bytes]) => isBetween(bytes, 2 ** 28, 2 ** 31 - 2),
  release: ([handle]) => handle === matrix || handle === other || handle === job,
};

const found = {};
for (const [name, argumentsThatFit] of Object.entries(right)) {
  const tally = { returned: 0, typeError: 0, coded: 0 };
  found[name] = tally;
  const call = (args) => {
    if (excluded[name]?.(args)) return;
    try {
      native[name](...args);
      tally.returned += 1;
    } catch (error) {
      if (['BAD_LIBRARY', 'UNSUPPORTED', 'OUT_OF_MEMORY'].includes(error.code)) tally.coded += 1;
      else if (error instanceof TypeError && error.code === undefined) tally.typeError += 1;
      else throw error;
    }
  };
  const spoilt =
    argumentsThatFit.length === 0
      ? fc.constant([])
      : fc
          .tuple(fc.nat({ max: argumentsThatFit.length - 1 }), anything)
          .map(([place, value]) => argumentsThatFit.with(place, value));
  const shortened = fc.nat({ max: argumentsThatFit.length }).map((count) => argumentsThatFit.slice(0, count));
  const wild = fc.array(anything, { maxLength: 8 });
  fc.assert(fc.property(fc.oneof({ arbitrary: spoilt, weight: 3 }, shortened, wild), call), {
    numRuns: Number(runs),
    seed: Number(seed),
  });
}
// Everything that was made and dropped is freed here, and nothing twice.
globalThis.gc();
await new Promise((resolve) => setTimeout(resolve, 50));
globalThis.gc();
// What was left alone still works.
if (native.answer(job).join() !== '1,1,1,1,5,5,5,5') throw new Error('the job was damaged');
process.stdout.write(`${JSON.stringify(found)}\n`);
