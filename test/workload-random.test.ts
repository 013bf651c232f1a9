import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { portableExp, portableLog, portablePower } from '../src/workload/portable-math.ts';
import { randomStream } from '../src/workload/random.ts';

describe('the generator', () => {
  test('gives these bits on every platform', () => {
    const random = randomStream(1, 'golden');
    expect(Array.from({ length: 4 }, () => random.uint32())).toMatchInlineSnapshot(`
      [
        3814565222,
        660434464,
        553337026,
        2938897978,
      ]
    `);
    expect([
      random.uniform(),
      random.integer(1000),
      random.integer(2 ** 40),
      random.gaussian(),
    ]).toMatchInlineSnapshot(`
      [
        0.6904758104550277,
        803,
        720157336959,
        0.8116853501704786,
      ]
    `);
    expect([...random.sample(5, 100)]).toMatchInlineSnapshot(`
      [
        4,
        14,
        77,
        93,
        98,
      ]
    `);
  });

  test('streams differ by seed and by name, and repeat', () => {
    const first = (seed: number, name: string) => {
      const random = randomStream(seed, name);
      return [random.uint32(), random.uint32(), random.uint32()].join();
    };
    const all = new Set<string>();
    for (let seed = 0; seed < 200; seed += 1)
      for (const name of ['a', 'b', 'mask/x', '']) all.add(first(seed, name));
    expect(all.size).toBe(800);
    expect(first(7, 'a')).toBe(first(7, 'a'));
    expect(first(1, '1/x')).not.toBe(first(11, '/x'));
  });

  test('every bit is set half of the time', () => {
    const random = randomStream(3, 'bits');
    const ones = new Int32Array(32);
    for (let draw = 0; draw < 20_000; draw += 1) {
      const word = random.uint32();
      for (let bit = 0; bit < 32; bit += 1) ones[bit]! += (word >>> bit) & 1;
    }
    // 5 standard deviations of 20000 fair coins.
    for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(354);
  });

  test('integers are in range and without bias', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 2 ** 53 - 1 }), (seed, below) => {
        const value = randomStream(seed, 'range').integer(below);
        expect(Number.isInteger(value) && value >= 0 && value < below).toBe(true);
      }),
    );
    // 2^32 mod this is large: a plain remainder would favour the lower half of the range by a third.
    const below = 3 * 2 ** 30;
    const random = randomStream(5, 'bias');
    let lower = 0;
    for (let draw = 0; draw < 20_000; draw += 1) if (random.integer(below) < 2 ** 30) lower += 1;
    expect(Math.abs(lower / 20_000 - 1 / 3)).toBeLessThan(0.017);
  });

  test('normals have mean 0 and deviation 1', () => {
    const random = randomStream(9, 'normal');
    const draws = Array.from({ length: 20_000 }, () => random.gaussian());
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    const variance = draws.reduce((sum, draw) => sum + draw * draw, 0) / draws.length;
    const kurtosis = draws.reduce((sum, draw) => sum + draw ** 4, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.036);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.4);
  });

  test('samples are ascending, distinct, in range and of the size asked for; shuffles keep every element', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seed, below, share) => {
          const random = randomStream(seed, 'sample');
          const count = Math.round(share * below);
          const sample = random.sample(count, below);
          expect(sample.length).toBe(count);
          expect([...new Set(sample)].sort((one, other) => one - other)).toEqual([...sample]);
          if (count > 0) expect(sample.at(-1)!).toBeLessThan(below);
          const shuffled = Int32Array.from({ length: below }, (_, at) => at);
          random.shuffle(shuffled);
          expect(shuffled.sort().every((value, at) => value === at)).toBe(true);
        },
      ),
    );
  });
});

describe('portable logarithm, exponential and power', () => {
  test('agree with the engine’s to 1e-13', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        const expected = Math.log(x);
        expect(Math.abs(portableLog(x) - expected)).toBeLessThanOrEqual(
          1e-13 * Math.max(1, Math.abs(expected)),
        );
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: -600, max: 600, noNaN: true }), (x) => {
        expect(Math.abs(portableExp(x) / Math.exp(x) - 1)).toBeLessThanOrEqual(1e-13);
      }),
    );
    expect(portableLog(1)).toBe(0);
    expect(portableExp(0)).toBe(1);
    expect(portablePower(2, 10)).toBeCloseTo(1024, 9);
    expect(portablePower(5, -1)).toBeCloseTo(0.2, 14);
  });
});
