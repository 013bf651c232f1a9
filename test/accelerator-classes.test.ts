/** The dense baselines, Eyeriss and ESE beside their published figures. */
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { publishedTables } from '../src/accelerator/published.ts';
import type { Accelerator, Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';

function gemm(m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer {
  const shape = { m, n, k };
  return { name: 'layer', shape, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 };
}

const one = (accelerator: string | Accelerator, layer: EstimatedLayer): Estimate =>
  estimate(typeof accelerator === 'string' ? loadAccelerator(accelerator) : accelerator, [layer])[0]!;

describe('Eyeriss', () => {
  const eyeriss = loadAccelerator('eyeriss');

  it('a zero activation costs its cycle and the comparison alone', () => {
    const dense = one(eyeriss, gemm(64, 16, 64));
    const half = one(eyeriss, gemm(64, 16, 64, 1, 0.5));
    expect(half.cycles).toBe(dense.cycles);
    expect(half.actions.mac).toBe(half.macs / 2);
    expect(half.actions.gatedMac).toBe(half.macs / 2);
    expect(half.actions.gatedWeightRead).toBe(half.macs / 2);
    expect(half.energy!.total).toBeLessThan(dense.energy!.total);
  });
});

describe('dense baselines', () => {
  it("DCNN takes the cycles that SCNN's speed-ups are over, DCNN-opt the same with zeros gated", () => {
    for (const { layer } of publishedTables().find(({ name }) => name === 'eyeriss')!.layers) {
      const { cycles } = one('dcnn', layer);
      expect(cycles).toBe(one('scnn', layer).denseCycles);
      const gating = one('dcnn-opt', layer);
      expect(gating.cycles).toBe(cycles);
      expect(gating.actions.mac! + gating.actions.gatedMac!).toBe(gating.macs);
      expect(gating.energy!.total).toBeLessThan(one('dcnn', layer).energy!.total);
    }
  });

  it("DianNao takes the Cambricons' dense cycles, and rounds each side up to 16", () => {
    expect(one('diannao', gemm(256, 7, 2560)).cycles).toBe(
      one('cambricon-x', gemm(256, 7, 2560)).denseCycles,
    );
    expect(one('diannao', gemm(17, 3, 33)).cycles).toBe(2 * 3 * 3);
  });
});

it('ESE: of balanced weights, what is lost is lost to single columns', () => {
  expect(one('ese', gemm(4096, 32, 1536, 0.1)).terms.slowdown).toBeLessThan(1.1);
});
