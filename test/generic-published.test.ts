/** The generic engine held against published figures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import type { Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';

const gemm = (m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m, n, k }, groups: 1 },
  ...{ weightDensity, activationDensity, weightCorrelation: 0 },
});
const one = (name: string, layer: EstimatedLayer): Estimate => estimate(loadAccelerator(name), [layer])[0]!;
const golden = (name: string): number[][] =>
  readFileSync(join(import.meta.dirname, 'golden', 'accelerators', `${name}.csv`), 'utf8')
    .split('\n')
    .filter((line) => /^[\d.]/.test(line))
    .map((line) => line.split(',').map(Number));

describe("Sparseloop's first figure", () => {
  const rows = golden('formats');
  it('bitmasks: cycles at every density', () => {
    expect(rows.length).toBe(8);
    for (const [density, bitmask] of rows)
      expect(one('bitmask-gating', gemm(128, 128, 128, density, density)).cycles).toBe(bitmask);
  });
  it('coordinate lists: cycles', () => {
    for (const [density, , coordinates] of rows) {
      const { cycles } = one('coordinate-skipping', gemm(128, 128, 128, density, density));
      expect(Math.abs(cycles / coordinates! - 1)).toBeLessThan(density === 0.01 ? 0.15 : 0.02);
    }
  });
  it('energies cross between densities 0.1 and 0.2', () => {
    const energy = (name: string, d: number): number => one(name, gemm(128, 128, 128, d, d)).energy!.total;
    for (const d of [0.01, 0.05, 0.1])
      expect(energy('coordinate-skipping', d)).toBeLessThan(energy('bitmask-gating', d));
    for (const d of [0.2, 0.4, 0.8])
      expect(energy('coordinate-skipping', d)).toBeGreaterThan(energy('bitmask-gating', d));
  });
});

it('the dense tensor core: cycles of four GEMMs', () => {
  for (const [m, k, n, dense] of golden('tensor-core')) {
    const found = one('tensor-core-array', gemm(m!, n!, k!));
    expect([found.cycles, found.denseCycles]).toEqual([dense, dense]);
    expect(found.mapping!.evaluations).toBeLessThanOrEqual(5000);
  }
});
