/** The dense baselines, Eyeriss and the classes with patterns of their own, held against published figures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import type { Accelerator, Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';

function gemm(m: number, n: number, k: number, weightDensity = 1, activationDensity = 1): EstimatedLayer {
  const shape = { m, n, k };
  return { name: 'layer', shape, groups: 1, weightDensity, activationDensity, weightCorrelation: 0 };
}

const one = (accelerator: string | Accelerator, layer: EstimatedLayer): Estimate =>
  estimate(typeof accelerator === 'string' ? loadAccelerator(accelerator) : accelerator, [layer])[0]!;

interface Measured {
  readonly network: number;
  readonly layer: EstimatedLayer;
  readonly outDensity: number;
  readonly processingMs: number;
  readonly dramMB: number;
}

/** Layers of the silicon's table. The padding is zeros of the input: densities are of the padded plane. */
function eyerissRows(): readonly Measured[] {
  const path = join(import.meta.dirname, 'golden', 'accelerators', 'eyeriss.csv');
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /^\d/.test(line));
  return lines.map((line) => {
    const cells = line.split(',').map(Number);
    const [network, batch, channels, size, image, kernel, filters, stride, out, groups] = cells as [
      ...[number, number, number, number, number, number, number, number, number, number],
    ];
    const [zeros, outZeros, , processingMs, dramMB] = cells.slice(10) as [
      ...[number, number, number, number, number],
    ];
    const conv = {
      ...{ batch, channels, height: size, width: size, kernelHeight: kernel, kernelWidth: kernel },
      ...{ stride, padding: 0, outHeight: out, outWidth: out },
    };
    const shape = { m: filters, n: batch * out * out, k: channels * kernel * kernel, conv };
    const activationDensity = ((1 - zeros / 100) * image ** 2) / size ** 2;
    return {
      ...{ network, outDensity: 1 - outZeros / 100, processingMs, dramMB },
      layer: {
        ...{ name: `${channels}x${size}`, shape, groups, weightDensity: 1, activationDensity },
        weightCorrelation: 0,
      },
    };
  });
}

describe('Eyeriss, measured silicon', () => {
  const eyeriss = loadAccelerator('eyeriss');
  const rows = eyerissRows();

  it("AlexNet's processing time within 3 %, its layers within 11 %", () => {
    const alexnet = rows.filter(({ network }) => network === 0);
    expect(alexnet.length).toBe(5);
    const ours = alexnet.map(({ layer }) => one(eyeriss, layer).timeNs / 1e6);
    const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
    expect(Math.abs(sum(ours) / sum(alexnet.map(({ processingMs }) => processingMs)) - 1)).toBeLessThan(0.03);
    for (const [at, { processingMs }] of alexnet.entries())
      expect(Math.abs(ours[at]! / processingMs - 1)).toBeLessThan(0.11);
  });

  it('elements in use: those of the published table where the mapping is its own', () => {
    const inUse = rows.map(({ layer }) => one(eyeriss, layer).terms.elementsInUse!);
    // The first layer's last strip is a row short.
    expect(inUse.slice(0, 5).map(Math.round)).toEqual([151, 135, 156, 156, 156]);
    expect(inUse.slice(-3)).toEqual([168, 168, 168]);
  });

  it('traffic off the chip of three layers: -11, -9 and -2 %', () => {
    const errors = rows
      .filter(({ dramMB }) => dramMB > 0)
      .map(({ layer, outDensity, dramMB }) => {
        const parameters = [...eyeriss.parameters.slice(0, 7), outDensity];
        const { weightBytes, inputBytes, outputBytes } = one({ ...eyeriss, parameters }, layer).terms;
        return Math.round(100 * ((weightBytes! + inputBytes! + outputBytes!) / 1e6 / dramMB - 1));
      });
    expect(errors).toEqual([-11, -9, -2]);
  });

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
    for (const { layer } of eyerissRows()) {
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

describe('headlines, on workloads of ours', () => {
  it('ESE: 282 GOPS on a sparse LSTM, within a factor of 2', () => {
    const { effectualMacs, timeNs, terms } = one('ese', gemm(4096, 32, 1536, 0.1));
    const gops = (2 * effectualMacs) / timeNs;
    expect(gops / 282).toBeGreaterThan(0.5);
    expect(gops / 282).toBeLessThan(2);
    // Balanced weights: what is lost is lost to single columns.
    expect(terms.slowdown).toBeLessThan(1.1);
  });

  it('Cambricon-S over Cambricon-X: 1.71 times, within a factor of 2, at density 0.1 with half of the inputs zero', () => {
    const layer = gemm(256, 16, 2560, 0.1, 0.5);
    const speedup = one('cambricon-x', layer).cycles / one('cambricon-s', layer).cycles;
    expect(speedup / 1.71).toBeGreaterThan(0.5);
    expect(speedup / 1.71).toBeLessThan(2);
  });
});
