/** A machine as an accelerator: its ceilings in, the least time of a product out, and what is refused. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acceleratorFrom } from '../src/accelerator/accelerator.ts';
import { count } from '../src/accelerator/count.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { measuredCpuText } from '../src/accelerator/measured-cpu.ts';
import { acceleratorRecord, estimateRecord } from '../src/accelerator/record.ts';
import { acceleratorsNamed } from '../src/command/this-cpu.ts';
import { writeResult } from '../src/result/result.ts';
import type { EstimatedLayer } from '../src/terms/accelerator.ts';
import type { Machine } from '../src/terms.ts';
import { fakeMachine, fakeResult } from './fakes.ts';

const ceilings = {
  ...{ threads: 1, fmaGflops: 100, l1GBs: 320, l2GBs: 80, l3GBs: 40, dramGBs: 10, gatherGelems: 5 },
};
const machine: Machine = {
  ...fakeMachine(),
  ...{ isa: ['scalar', 'avx2'], caches: { l1dBytes: 1 << 15, l2Bytes: 1 << 19, l3Bytes: 1 << 20 } },
  ceilings: [ceilings],
};
const cpu = acceleratorFrom({ text: measuredCpuText(machine, 'in a test'), file: 'this-cpu' });
const gemm = (m: number, n: number, k: number, weightDensity: number): EstimatedLayer => ({
  ...{ name: 'layer', shape: { m, n, k }, groups: 1, weightDensity, activationDensity: 1 },
  weightCorrelation: 0,
});

describe('the least time by ceilings', () => {
  it('a product: two operations a multiplication, a vector of B each, a value and a place a strip', () => {
    const [found] = estimate(cpu, [gemm(64, 128, 64, 0.5)]);
    const nonzeros = 64 * 64 * 0.5;
    // 16 vectors of 8 in 2 strips of 8.
    expect(found!.terms.arithmeticNs).toBeCloseTo((2 * nonzeros * 128) / 100, 9);
    expect(found!.terms.loadNs).toBeCloseTo((nonzeros * (16 + 2 * 2) * 32) / 320, 9);
    expect(found!.terms.transferNs).toBeCloseTo((nonzeros * 8 + 65 * 4 + 2 * 64 * 128 * 4) / 80, 6);
    expect(found!.timeNs).toBe(found!.terms.arithmeticNs);
    expect(found!.denseCycles).toBeCloseTo((2 * 64 * 64 * 128) / 100, 9);
  });

  it('a vector: a gather a nonzero, or a load where that is faster', () => {
    const [gathered] = estimate(cpu, [gemm(64, 1, 64, 0.5)]);
    expect(gathered!.terms.gatherNs).toBeCloseTo(2048 / 10, 9);
    const slower = { ...machine, ceilings: [{ ...ceilings, l1GBs: 64 }] };
    const [other] = estimate(acceleratorFrom({ text: measuredCpuText(slower, 'in a test'), file: 'x' }), [
      gemm(64, 1, 64, 0.5),
    ]);
    expect(other!.terms.gatherNs).toBeCloseTo(2048 / 5, 9);
  });

  it('what L2 and L3 do not hold comes from memory', () => {
    const [found] = estimate(cpu, [gemm(1024, 1, 1024, 1)]);
    const bytes = 1024 * 1024 * 8 + 1025 * 4 + 2 * 1024 * 4;
    const beyond = bytes - (1 << 19) - (1 << 20);
    expect(found!.terms.transferNs).toBeCloseTo((1 << 19) / 80 + (1 << 20) / 40 + beyond / 10, 4);
    const { rates } = estimateRecord(cpu, gemm(1024, 1, 1024, 1), null, found!);
    expect(rates.map(({ level, bytesPerSecond }) => [level, bytesPerSecond])).toEqual([
      ...[
        ['L1', 320e9],
        ['L2', 80e9],
        ['L3', 40e9],
        ['DRAM', 10e9],
      ],
    ]);
    expect(rates[3]!.bytes).toBe(beyond);
  });

  it('counted: rows of B that no nonzero asks for stay where they are', () => {
    const weights = {
      ...{ rows: 2, cols: 4, rowOffsets: Int32Array.of(0, 1, 2), colIndices: Int32Array.of(1, 1) },
    };
    const found = count(cpu, gemm(2, 16, 4, 0.25), { weights, activations: null });
    expect(found.terms.transferNs).toBeCloseTo((2 * 8 + 3 * 4 + (1 + 2) * 16 * 4) / 80, 9);
    expect(found.actions.mac).toBe(2 * 16);
  });

  it('its record says where each number was measured, its energy is unknown', () => {
    expect(acceleratorRecord(cpu)).toMatchObject({
      ...{ name: 'this-cpu', energyTable: null, evidence: 'validated' },
      parameters: { fmaGflops: 100, gatherGelems: 5, lanes: 8, l3Bytes: 1 << 20 },
    });
    const wide = measuredCpuText({ ...machine, isa: ['avx2', 'avx512'] }, 'in a test');
    expect(acceleratorFrom({ text: wide, file: 'x' }).parameters[8]).toBe(16);
  });
});

describe('whose ceilings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-cpu-'));

  it("a result's, instead of this machine's", () => {
    const result = fakeResult();
    const path = join(folder, 'run.jsonl');
    writeResult(path, { ...result, header: { ...result.header, machine } });
    expect(acceleratorsNamed(['eie', 'this-cpu'], path)[1]!.parameters.slice(0, 6)).toEqual([
      ...[100, 320, 80, 40, 10, 5],
    ]);
    expect(() => acceleratorsNamed(['eie'], path)).toThrow(/Expected this-cpu among --accelerator/);
  });

  it('a machine without ceilings, and a file that is no result, are refused', () => {
    expect(() => measuredCpuText({ ...machine, ceilings: [] }, 'in a test')).toThrow(
      /ceilings of one thread/,
    );
    const path = join(folder, 'none.jsonl');
    writeFileSync(path, 'nothing\n');
    expect(() => acceleratorsNamed(['this-cpu'], path)).toThrow(/Expected/);
  });
});
