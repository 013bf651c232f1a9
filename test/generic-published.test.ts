/** The generic engine held against published figures. */
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { publishedTables } from '../src/accelerator/published.ts';
import type { Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';

const gemm = (m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m, n, k }, groups: 1 },
  ...{ weightDensity, activationDensity, weightCorrelation: 0 },
});
const one = (name: string, layer: EstimatedLayer): Estimate => estimate(loadAccelerator(name), [layer])[0]!;
describe("Sparseloop's first figure", () => {
  it('energies cross between densities 0.1 and 0.2', () => {
    const energy = (name: string, d: number): number => one(name, gemm(128, 128, 128, d, d)).energy!.total;
    for (const d of [0.01, 0.05, 0.1])
      expect(energy('coordinate-skipping', d)).toBeLessThan(energy('bitmask-gating', d));
    for (const d of [0.2, 0.4, 0.8])
      expect(energy('coordinate-skipping', d)).toBeGreaterThan(energy('bitmask-gating', d));
  });
});

it('the dense tensor core: cycles of four GEMMs', () => {
  for (const { layer, columns } of publishedTables().find(({ name }) => name === 'tensor-core')!.layers) {
    const found = one('tensor-core-array', { ...layer, weightDensity: 1 });
    expect([found.cycles, found.denseCycles]).toEqual([columns.denseCycles, columns.denseCycles]);
    expect(found.mapping!.evaluations).toBeLessThanOrEqual(5000);
  }
});
