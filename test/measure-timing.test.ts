/** Rounds of samples, with samplers that only count. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEnough, type StoppingRule, sampleInRounds, type Timed } from '../src/measure/timing.ts';
import { seededRandom } from '../src/statistics.ts';

const rule: StoppingRule = { targetHalfWidth: 0.02, minSamples: 9, maxSamples: 51, samplesPerRound: 3 };

/** Samplers that write their calls down; `nsOf` gives the nanoseconds of a case's nth sample. */
function samplers(
  count: number,
  nsOf: (id: string, nth: number) => number,
): { timed: Timed[]; calls: string[] } {
  const calls: string[] = [];
  const timed = Array.from({ length: count }, (_, index) => {
    const id = `case-${index}`;
    let nth = 0;
    return {
      id,
      sample: async () => {
        calls.push(id);
        nth += 1;
        return nsOf(id, nth - 1);
      },
    };
  });
  return { timed, calls };
}

/** Calls cut into runs of the same case. */
function runsOf(calls: readonly string[]): { id: string; length: number }[] {
  const runs: { id: string; length: number }[] = [];
  for (const id of calls) {
    const last = runs.at(-1);
    if (last?.id === id) last.length += 1;
    else runs.push({ id, length: 1 });
  }
  return runs;
}

describe('sampleInRounds', () => {
  it('keeps raw values in the order in which they were measured', async () => {
    const { timed } = samplers(3, (id, nth) => 1000 + ((nth * 7919) % 977) + Number(id.slice(5)) * 1e6);
    const series = await sampleInRounds(timed, { ...rule, targetHalfWidth: 0 }, 1, () => true);
    for (const { id } of timed) {
      const { samplesNs, rounds, error } = series.get(id)!;
      expect(error).toBeUndefined();
      expect(samplesNs).toEqual(
        Array.from({ length: 51 }, (_, nth) => 1000 + ((nth * 7919) % 977) + Number(id.slice(5)) * 1e6),
      );
      expect(rounds).toEqual(Array.from({ length: 17 }, () => 3));
    }
  });

  it('interleaves: within a round every case once, three samples each, pairs of rounds mirrored', async () => {
    const { timed, calls } = samplers(4, (_, nth) => 100 + (nth % 5) * 50);
    await sampleInRounds(timed, { ...rule, targetHalfWidth: 0, maxSamples: 12 }, 5, () => true);
    expect(calls).toHaveLength(4 * 12);
    const rounds = Array.from({ length: 4 }, (_, round) => calls.slice(round * 12, round * 12 + 12));
    const orders = rounds.map((round) =>
      [0, 3, 6, 9].map((at) => {
        expect(new Set(round.slice(at, at + 3)).size).toBe(1);
        return round[at]!;
      }),
    );
    for (const order of orders) expect([...order].sort()).toEqual(timed.map(({ id }) => id));
    expect(orders[1]).toEqual([...orders[0]!].reverse());
    expect(orders[3]).toEqual([...orders[2]!].reverse());
    expect(runsOf(calls).every(({ length }) => length === 3 || length === 6)).toBe(true);
  });

  it('is the same walk for the same seed', async () => {
    const walk = async (seed: number): Promise<string> => {
      const { timed, calls } = samplers(6, (_, nth) => 100 + (nth % 7) * 40);
      await sampleInRounds(timed, rule, seed, () => true);
      return calls.join();
    };
    expect(await walk(11)).toBe(await walk(11));
    expect(await walk(11)).not.toBe(await walk(12));
  });

  it('stops a steady case at the least number of samples, a noisy one at the largest', async () => {
    const random = seededRandom(3);
    const { timed } = samplers(2, (id) => (id === 'case-0' ? 100 + random() * 0.1 : 100 + random() * 900));
    const series = await sampleInRounds(timed, rule, 1, () => true);
    expect(series.get('case-0')!.samplesNs).toHaveLength(9);
    expect(series.get('case-1')!.samplesNs).toHaveLength(51);
    expect(series.get('case-0')!.rounds).toEqual([3, 3, 3]);
  });

  it('keeps the baseline in every round until the last case is known', async () => {
    const random = seededRandom(3);
    const noisy = (id: string): number => 100 + (id === 'case-2' ? random() * 900 : random() * 0.1);
    const { timed } = samplers(3, noisy);
    const kept = timed.map((entry) => ({ ...entry, keep: entry.id === 'case-0' }));
    const series = await sampleInRounds(kept, rule, 1, () => true);
    expect(series.get('case-2')!.rounds).toHaveLength(17);
    expect(series.get('case-0')!.rounds).toEqual(series.get('case-2')!.rounds);
    expect(series.get('case-1')!.samplesNs).toHaveLength(9);
    // Kept or not, nothing is sampled once all are known, nor beyond the largest number.
    const steady = samplers(2, () => 100 + random() * 0.1).timed.map((entry) => ({ ...entry, keep: true }));
    for (const { samplesNs } of (await sampleInRounds(steady, rule, 1, () => true)).values()) {
      expect(samplesNs).toHaveLength(9);
    }
  });

  it('decides by the width alone, never by the value', async () => {
    // The same relative scatter at a thousand times the value stops at the same sample.
    const lengths: number[] = [];
    for (const scale of [1, 1000]) {
      const random = seededRandom(8);
      const { timed } = samplers(1, () => scale * (100 + random() * 8));
      const series = await sampleInRounds(timed, rule, 1, () => true);
      lengths.push(series.get('case-0')!.samplesNs.length);
    }
    expect(lengths[0]).toBe(lengths[1]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 9, maxLength: 50 }),
        fc.constantFrom(2, 0.5, 1024),
        (samples, scale) => {
          expect(
            isEnough(
              samples.map((value) => value * scale),
              rule,
            ),
          ).toBe(isEnough(samples, rule));
        },
      ),
    );
  });

  it('never stops below the least or goes on above the largest number', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { maxLength: 60 }), (samples) => {
        const enough = isEnough(samples, rule);
        if (samples.length < rule.minSamples) expect(enough).toBe(false);
        if (samples.length >= rule.maxSamples) expect(enough).toBe(true);
      }),
    );
  });

  it('ends with the budget, but not before each case has its least number of samples', async () => {
    let asked = 0;
    const { timed } = samplers(3, (_, nth) => 100 + (nth % 5) * 90);
    const series = await sampleInRounds(timed, rule, 1, () => {
      asked += 1;
      return false;
    });
    for (const { samplesNs } of series.values()) expect(samplesNs).toHaveLength(9);
    expect(asked).toBe(1);
    const later = await sampleInRounds(samplers(3, (_, nth) => 100 + (nth % 5) * 90).timed, rule, 1, () => {
      asked += 1;
      return asked < 4;
    });
    for (const { samplesNs } of later.values()) expect(samplesNs).toHaveLength(15);
  });

  it('one case that fails in the middle leaves the others alone', async () => {
    const gone = new Error('the worker ended');
    const { timed, calls } = samplers(3, (id, nth) => {
      if (id === 'case-1' && nth === 4) throw gone;
      return 100 + (nth % 5) * 90;
    });
    const series = await sampleInRounds(timed, { ...rule, maxSamples: 15 }, 1, () => true);
    expect(series.get('case-1')!.error).toBe(gone);
    expect(series.get('case-1')!.samplesNs).toHaveLength(4);
    expect(calls.filter((id) => id === 'case-1')).toHaveLength(5);
    for (const id of ['case-0', 'case-2']) {
      expect(series.get(id)!.error).toBeUndefined();
      expect(series.get(id)!.samplesNs).toHaveLength(15);
      expect(series.get(id)!.rounds).toEqual([3, 3, 3, 3, 3]);
    }
  });

  it('a case that fails at once has no sample, and all may fail', async () => {
    const { timed } = samplers(2, () => {
      throw new Error('no');
    });
    const series = await sampleInRounds(timed, rule, 1, () => true);
    for (const { error, samplesNs } of series.values()) {
      expect(error).toBeInstanceOf(Error);
      expect(samplesNs).toEqual([]);
    }
    expect((await sampleInRounds([], rule, 1, () => true)).size).toBe(0);
  });

  it('rounds sum to the number of samples, whatever fails when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.nat({ max: 30 })), { minLength: 1, maxLength: 5 }),
        fc.nat({ max: 1000 }),
        async (failures, seed) => {
          const random = seededRandom(seed);
          const { timed } = samplers(failures.length, (id, nth) => {
            if (failures[Number(id.slice(5))] === nth) throw new Error('no');
            return 100 + random() * 100;
          });
          const series = await sampleInRounds(timed, { ...rule, maxSamples: 21 }, seed, () => true);
          for (const { samplesNs, rounds } of series.values()) {
            expect(rounds.reduce((sum, taken) => sum + taken, 0)).toBe(samplesNs.length);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
