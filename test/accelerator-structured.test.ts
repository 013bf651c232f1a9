/** Accelerators that live by structured sparsity: density-bound blocks and hierarchical patterns. */
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count, estimateBoth } from '../src/accelerator/count.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import type { Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';
import { boundedBlocks, hierarchicalMask, maskOfColumns, transposed } from './structured-masks.ts';

function gemm(m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer {
  const shape = { m, n, k };
  return { name: 'layer', shape, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 };
}

const one = (name: string, layer: EstimatedLayer): Estimate => estimate(loadAccelerator(name), [layer])[0]!;

const speedup = (name: string, weights: number, activations: number): number => {
  const { denseCycles, cycles } = one(name, gemm(256, 256, 512, weights, activations));
  return denseCycles / cycles;
};

describe('S2TA', () => {
  it('weights alone: twice the dense speed at 4/8 and below, no faster above', () => {
    expect(speedup('s2ta-w', 0.5, 1)).toBe(2);
    expect(speedup('s2ta-w', 0.1, 0.1)).toBe(2);
    expect(speedup('s2ta-w', 0.51, 1)).toBe(1);
  });

  it('both: 8 over the bound of the activations, the headline of more than 2 times within reach', () => {
    for (let bound = 1; bound <= 8; bound += 1)
      expect(speedup('s2ta-aw', 0.5, bound / 8)).toBeCloseTo(8 / bound, 6);
    // Dense weights come in two halves.
    expect(speedup('s2ta-aw', 1, 1)).toBe(0.5);
    expect(speedup('s2ta-aw', 0.5, 0.5)).toBe(2);
    expect(speedup('s2ta-aw', 0.5, 3 / 8).toFixed(1)).toBe('2.7');
  });

  it('a rest of a block has what it has', () => {
    // One output, 11 inputs: 2 of 8 and 2 of 3, or 4 multipliers for each of two blocks.
    const aw = { ...loadAccelerator('s2ta-aw'), parameters: [1, 8, 4, 1] };
    expect(estimate(aw, [gemm(1, 1, 11, 0.5, 0.25)])[0]!.cycles).toBe(4);
    const w = { ...loadAccelerator('s2ta-w'), parameters: [1, 8, 4, 0] };
    expect(estimate(w, [gemm(1, 1, 11, 0.5, 0.25)])[0]!.cycles).toBe(8);
  });

  it('the fullest block of a mask is the bound, and is named where the density asks for a lower one', () => {
    const aw = loadAccelerator('s2ta-aw');
    const weights = boundedBlocks(64, 64, 8, 0.5, 1);
    const bounded = transposed(boundedBlocks(64, 64, 8, 0.25, 2));
    const found = count(aw, gemm(64, 64, 64), { weights, activations: bounded });
    expect([found.terms.weightPasses, found.terms.activationsABlock]).toEqual([1, 2]);
    // As many nonzeros, but a column's first block full.
    const columns = Array.from({ length: 64 }, () => [0, 1, 2, 3, 4, 5, 6, 7]);
    const { actual, difference } = estimateBoth(aw, gemm(64, 64, 64), {
      weights,
      activations: transposed(maskOfColumns(columns, 64)),
    });
    expect(actual.terms.activationsABlock).toBe(8);
    expect(difference.trustworthy).toBe(false);
    expect(difference.reasons.join()).toMatch(/activations has more nonzeros/);
  });
});

describe('HighLight', () => {
  it('2:4 within 4 of 4 to 8 blocks: 2 to 4 times, dense weights at full speed', () => {
    for (let blocks = 4; blocks <= 8; blocks += 1) {
      const layer = gemm(256, 64, 4 * blocks * 30, 0.5 * (4 / blocks));
      const { denseCycles, cycles, terms } = one('highlight', layer);
      expect(terms.blocksAGroup).toBe(blocks);
      expect(denseCycles / cycles).toBeCloseTo(blocks / 2, 6);
    }
    expect(one('highlight', gemm(256, 64, 480, 0.51)).cycles).toBe(
      one('highlight', gemm(256, 64, 480)).cycles,
    );
    expect(speedup('highlight', 1, 0.1)).toBe(1);
  });

  it('zero activations are gated, not skipped', () => {
    const { cycles, actions } = one('highlight', gemm(64, 64, 64, 0.5, 0.25));
    expect(cycles).toBe(one('highlight', gemm(64, 64, 64, 0.5)).cycles);
    expect(actions.mac).toBe(64 * 64 * 32 * 0.25);
    expect(actions.gatedMac).toBe(64 * 64 * 32 * 0.75);
  });

  it('a mask is held against every pattern: the sparsest counts', () => {
    const highlight = loadAccelerator('highlight');
    for (const blocks of [4, 5, 6, 7, 8]) {
      // Not a whole number of groups.
      const weights = hierarchicalMask(32, 4 * blocks * 3 + 7, blocks, blocks);
      const found = count(highlight, gemm(32, 32, weights.cols), { weights, activations: null });
      expect(found.terms.blocksAGroup).toBe(blocks);
      expect(found.terms.termsASum).toBe(24 + 4);
    }
    const row = maskOfColumns([[0, 1, 2]], 64);
    const { actual, difference } = estimateBoth(highlight, gemm(1, 64, 64), {
      weights: row,
      activations: null,
    });
    expect(actual.terms.termsASum).toBe(64);
    expect(difference.reasons.join()).toMatch(/not the pattern/);
  });
});
