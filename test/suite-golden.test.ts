import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { makeProblem } from '../src/workload/problem.ts';
import { listSuites, loadSuite } from '../src/workload/suite.ts';

/*
 * A suite is a standard: what it asks, and with which bits, is written down here, and a released one never changes.
 * A new suite or version writes its list with UPDATE_GOLDEN=1; the list of a released version is never written again.
 */

const goldenFolder = fileURLToPath(new URL('golden/suites', import.meta.url));

/** Suites whose matrices are small enough to be made in a test; of the others the ids are compared. */
const withMatrices = new Set(['quick']);

/** A few tiny matrices in the places of the collection: what a suite makes of them does not depend on the user's. */
const dataFolder = mkdtempSync(join(tmpdir(), 'sparsemark-golden-'));
const tiny = '2, 3, 2\n0 1 2\n0 2\n';
for (const [folder, layers] of [
  ['rn50/magnitude_pruning/0.9', ['initial_conv', 'bottleneck_1_block_group1_1_1', 'final_dense']],
  ['rn50/magnitude_pruning/0.98', ['initial_conv']],
  ['rn50/random_pruning/0.9', ['bottleneck_1_block_group1_1_1']],
  [
    'transformer/magnitude_pruning/0.5',
    ['body_encoder_layer_0_ffn_conv1_fully_connected', 'symbol_modality_33288_512_shared_'],
  ],
  [
    'transformer/l0_regularization/0.5',
    ['body_decoder_layer_5_encdec_attention_multihead_attention_output_transform'],
  ],
] as const) {
  mkdirSync(join(dataFolder, 'dlmc', folder), { recursive: true });
  for (const layer of layers) writeFileSync(join(dataFolder, 'dlmc', folder, `${layer}.smtx`), tiny);
}
writeFileSync(
  join(dataFolder, 'dlmc', 'rn50_batchsizes.txt'),
  'initial_conv,12544\nfinal_dense,1\nbottleneck_1_block_group1_1_1,3136\n',
);
afterAll(() => rmSync(dataFolder, { recursive: true, force: true }));

test.each(listSuites())('suite $name $version asks what it always asked', ({ name, version, released }) => {
  const suite = loadSuite(name, { dataFolder });
  // A matrix does not know its cache state: hot and cold share one.
  const digests = new Map<string, string>();
  const lines = suite.workloads.map((workload) => {
    if (!withMatrices.has(name)) return workload.id;
    const matrix = workload.id.replace(/-(?:hot|cold)\//, '/');
    const digest = digests.get(matrix) ?? makeProblem(workload, { dataFolder }).digest;
    digests.set(matrix, digest);
    return `${workload.id} ${digest}`;
  });
  const text = [`digest ${suite.digest}`, ...lines, ''].join('\n');
  const golden = join(goldenFolder, `${name}@${version}.txt`);
  if (process.env.UPDATE_GOLDEN === '1' && !(released && existsSync(golden))) writeFileSync(golden, text);
  const expected = existsSync(golden)
    ? readFileSync(golden, 'utf8')
    : 'no golden list: write it with UPDATE_GOLDEN=1';
  expect(
    text === expected,
    `${name}@${version} changed: an edit is a new version\n${difference(text, expected)}`,
  ).toBe(true);
});

/** The first line in which two texts differ. */
function difference(text: string, expected: string): string {
  const lines = expected.split('\n');
  const at = text.split('\n').findIndex((line, index) => line !== lines[index]);
  return `line ${at + 1}: ${text.split('\n')[at]}\nexpected ${lines[at]}`;
}

test('released suites have at least 5 mask seeds, quick has 3', () => {
  for (const { name, released } of listSuites()) {
    if (name === 'dlmc') continue;
    const seeds = new Set(loadSuite(name, { dataFolder }).workloads.map(({ seed }) => seed)).size;
    if (name === 'quick') expect(seeds).toBe(3);
    else if (released) expect(seeds).toBeGreaterThanOrEqual(5);
  }
});

test('quick stays small enough for its minute', () => {
  const { workloads } = loadSuite('quick');
  expect(workloads.length).toBeLessThanOrEqual(130);
});
