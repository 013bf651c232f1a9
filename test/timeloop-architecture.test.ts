/** Architectures of Timeloop 0.4: what they say as a design of the generic engine, and refusals by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { acceleratorFile, acceleratorFrom, loadAccelerator } from '../src/accelerator/accelerator.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { acceleratorPage } from '../src/accelerator/page.ts';
import { fromArchitecture } from '../src/accelerator/timeloop-architecture.ts';
import type { EstimatedLayer, GenericDesign } from '../src/terms/accelerator.ts';
import { SparsemarkError } from '../src/terms.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-architecture-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const architecture = `architecture:
  version: 0.4
  nodes:
  - !Container
    name: chip
    attributes: {technology: "45nm"}
  - !Component
    name: DRAM
    class: DRAM
    attributes: {width: 64, datawidth: 8, read_bandwidth: 4, write_bandwidth: 4, metadata_datawidth: 6}
    sparse_optimizations:
      representation_format:
        data_spaces:
        - name: A
          ranks:
          - {format: UOP, payload_word_bits: 12}
          - {format: CP}
  - !Container
    name: column
    spatial: {meshX: 4}
    constraints:
      spatial: {factors: [K=1]}
  - !Container
    name: element
    spatial: {meshX: 2, meshY: 8}
  - !Parallel
    nodes:
    - !Component
      name: weights
      class: storage
      attributes: {depth: 64, width: 16, datawidth: 8}
      constraints:
        dataspace: {keep: [A]}
      sparse_optimizations:
        action_optimization:
        - type: skipping
          options:
          - {target: A, condition_on: [B]}
    - !Component
      name: sums
      class: storage
      attributes: {depth: 16, datawidth: 16, read_bandwidth: 2}
      constraints:
        dataspace: {keep: [Z]}
  - !Component
    name: mac
    class: intmac
    attributes: {multiplier_width: 8}
    sparse_optimizations:
      compute_optimization:
      - type: gating
        options:
        - {target: Z, condition_on: [A, B]}
`;

const own = `version: 1
name: by-hand
title: "the same by hand"
source: "the architecture above"
baseline: "itself"
engine: generic
clock: { value: 1000, unit: MHz, source: "chosen" }
levels:
  - name: DRAM
    width: { value: 64, unit: bits, source: "above" }
    datawidth: { value: 8, unit: bits, source: "above" }
    read_bandwidth: { value: 32, unit: bits/cycle, source: "4 words of 8 bits" }
    write_bandwidth: { value: 32, unit: bits/cycle, source: "4 words of 8 bits" }
    spatial: { meshX: { value: 8, unit: instances, source: "4 columns of 2" }, meshY: { value: 8, unit: instances, source: "above" } }
    keep: [Weights, Inputs, Outputs]
    representation_format:
      data_spaces:
        - name: Weights
          ranks:
            - { format: UOP, payload_word_bits: { value: 12, unit: bits, source: "above" } }
            - { format: CP, metadata_word_bits: { value: 6, unit: bits, source: "above" } }
  - name: weights
    depth: { value: 64, unit: entries, source: "above" }
    width: { value: 16, unit: bits, source: "above" }
    datawidth: { value: 8, unit: bits, source: "above" }
    keep: [Weights]
    action_optimization:
      - { type: skipping, target: Weights, condition_on: [Inputs] }
  - name: sums
    depth: { value: 16, unit: entries, source: "above" }
    width: { value: 16, unit: bits, source: "one word" }
    datawidth: { value: 16, unit: bits, source: "above" }
    read_bandwidth: { value: 32, unit: bits/cycle, source: "2 words of 16 bits" }
    keep: [Outputs]
compute_optimization: gating
evidence: { class: formula, against: "nothing" }
`;

const layer = (w: number, a: number): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m: 48, n: 20, k: 96 }, groups: 1 },
  ...{ weightDensity: w, activationDensity: a, weightCorrelation: 0 },
});

/** The levels of an architecture whose text was changed. */
const levelsOf = (from: string, to: string) => {
  expect(architecture).toContain(from);
  const text = fromArchitecture(architecture.replace(from, to), 'arch.yaml');
  return (parse(text) as { levels: { depth?: { value: number }; representation_format?: unknown }[] }).levels;
};

/** The message of what importing a changed architecture throws. */
function refusal(from: string, to: string): string {
  expect(architecture).toContain(from);
  try {
    fromArchitecture(architecture.replace(from, to), 'arch.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(SparsemarkError);
    expect(error).toMatchObject({ code: 'BAD_ACCELERATOR' });
    const { place, message } = error as SparsemarkError;
    return `${place?.line}:${place?.column} ${message}`;
  }
  return 'no refusal';
}

describe("Timeloop's architectures", () => {
  it('are the design that one would write by hand', () => {
    const path = join(folder, 'Arch Of Mine.yaml');
    writeFileSync(path, architecture);
    const imported = loadAccelerator(path);
    const byHand = acceleratorFrom({ text: own, file: 'own.yaml' });
    expect(imported.name).toBe('arch-of-mine');
    expect(imported.evidence).toBe('formula');
    const withoutPlaces = ({ levels, ...design }: GenericDesign) => ({
      ...design,
      levels: levels.map(({ place: _, ...level }) => level),
    });
    expect(withoutPlaces(imported.design!)).toEqual(withoutPlaces(byHand.design!));
    for (const [w, a] of [
      [1, 1],
      [0.2, 1],
      [0.3, 0.4],
    ] as const) {
      const [one] = estimate(imported, [layer(w, a)]);
      expect(one).toEqual({ ...estimate(byHand, [layer(w, a)])[0]!, accelerator: 'arch-of-mine' });
      // 64 multipliers; the mapping of 48 x 20 x 96 may leave some of them idle.
      expect(one!.multipliers).toBe(64);
      expect(one!.cycles).toBeGreaterThanOrEqual(one!.effectualMacs / 64);
    }
    expect(acceleratorPage(acceleratorFile(path)).markdown).toContain('read_bandwidth');
  });

  it('hold values and metadata in the bits of both memories', () => {
    const [, weights] = levelsOf(
      'depth: 64, width: 16, datawidth: 8',
      'depth: 64, width: 16, datawidth: 8, metadata_storage_depth: 32, metadata_storage_width: 4',
    );
    expect(weights!.depth!.value).toBe(64 + (32 * 4) / 16);
  });

  it('have ranks of offsets without bits, in whatever order, as if they were not there', () => {
    const ranks = '          ranks:\n          - {format: UOP, payload_word_bits: 12}\n';
    const free = '          - {format: UOP, payload_word_bits: 0}\n';
    const order = '          rank_application_order: inner-to-outer\n';
    expect(levelsOf(ranks, `${order}${ranks.replace('ranks:\n', `ranks:\n${free}${free}`)}`)).toEqual(
      levelsOf(ranks, ranks),
    );
  });

  it('say what passes a level by keep_only, or by bypass', () => {
    const levels = (constraint: string) =>
      acceleratorFrom({
        text: fromArchitecture(
          architecture.replace(
            '  - !Container\n    name: column',
            `  - !Component
    name: buffer
    class: storage
    attributes: {depth: 512, width: 8, datawidth: 8}
    constraints:
      dataspace: ${constraint}
  - !Container
    name: column`,
          ),
          'arch.yaml',
        ),
        file: 'arch.yaml',
      }).design!.levels.map(({ name, keeps }) => [name, ...keeps].join(' '));
    expect(levels('{keep: [A, B], bypass: [Z]}')[1]).toBe('buffer Weights Inputs');
    expect(levels('{keep_only: [Z]}')[1]).toBe('buffer Outputs');
    expect(levels('{keep: [B]}')[1]).toBe('buffer Weights Inputs Outputs');
  });

  it.each([
    ['version: 0.4', 'version: 0.3', /^2:12 .*version 0\.4/],
    ['  nodes:\n', '  subtree:\n', /^3:3 .*"subtree"/],
    ['!Container\n    name: chip', '!Pipelined\n    name: chip', /^5:5 .*!Pipelined is not modelled/],
    ['!Container\n    name: chip', '!Cloud\n    name: chip', /^4:5 .*!Cloud/],
    ['name: chip', 'name: chip\n    spatial: {meshX: 2}', /^9:5 .*one outermost storage/],
    [
      'datawidth: 8, read',
      'datawidth: bits, read',
      /^10:\d+ .*received "bits"\. Expressions are not evaluated/,
    ],
    ['datawidth: 8, read', 'colour: 8, datawidth: 8, read', /^10:\d+ .*"colour"/],
    ['{width: 64, datawidth: 8, read', '{width: 64, read', /^10:17 .*"datawidth"/],
    ['- name: A\n', '- name: C\n', /^14:17 .*one of Weights, .*received "C"/],
    ['- name: A\n', '- name: Z\n', /^14:17 .*Compressed outputs/],
    ['{format: CP}', '{format: UB}', /^17:22 .*bitmask beside uncompressed/],
    [
      '          - {format: CP}',
      '          - {format: UOP}\n          - {format: CP}',
      /^16:11 .*at most two ranks/,
    ],
    ['keep: [A]', 'bypass: [B, Z]', /^29:7 .*in !Parallel/],
    ['keep: [Z]', 'keep: [A, Z]', /^40:7 .*Weights: keep it in one/],
    [
      '- {target: A, condition_on: [B]}',
      '- {target: A, condition_on: [B]}\n          - {target: A, condition_on: [Z]}',
      /^38:11 .*one option/,
    ],
  ])('refuses %j as %j by name and place', (from, to, expected) => {
    expect(refusal(from, to)).toMatch(expected);
  });
});
