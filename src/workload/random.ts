/**
 * The seeded generator behind every mask, value and operand: the same seed and name give the same bits everywhere.
 *
 * xoshiro128** (Blackman and Vigna, Scrambled Linear Pseudorandom Number Generators, arXiv:1805.01407) on 32-bit
 * integers, which JavaScript computes exactly. Nothing here calls Math.log, Math.exp, Math.sin or their like: their
 * last bits differ between engines and platforms (see portable-math.ts).
 */
import { portableLog } from './portable-math.ts';

/** A stream of random numbers. */
export interface Random {
  /** Uniform integer in 0..2^32-1. */
  uint32(): number;
  /** Uniform in [0, 1), with 53 random bits. */
  uniform(): number;
  /** Uniform integer in 0..below-1 without bias; `below` in 1..2^53-1. */
  integer(below: number): number;
  /** Standard normal (Marsaglia's polar method). */
  gaussian(): number;
  /** Put the elements into a random order, in place (Fisher and Yates). */
  shuffle(elements: Int32Array): void;
  /** `count` distinct integers of 0..below-1, ascending; `below` up to 2^31-1. */
  sample(count: number, below: number): Int32Array;
}

const twoTo32 = 4294967296;

/** Murmur3's finaliser: every input bit reaches every output bit. */
function mixed(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Four words from a text: FNV-1a from four offsets, each finalised. */
function stateOf(text: string): Uint32Array {
  const bytes = new TextEncoder().encode(text);
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word += 1) {
    let hash = 0x811c9dc5 ^ Math.imul(word, 0x9e3779b9);
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    state[word] = mixed(hash + Math.imul(word + 1, 0x6d2b79f5));
  }
  // The all-zero state is the one that the generator never leaves.
  if (state.every((word) => word === 0)) state[0] = 1;
  return state;
}

/** The stream `name` of `seed`. Streams of other names or seeds are unrelated. */
export function randomStream(seed: number, name: string): Random {
  const state = stateOf(`${seed}/${name}`);
  let spareGaussian: number | null = null;

  function uint32(): number {
    const s1 = state[1]!;
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const s2 = state[2]! ^ state[0]!;
    const s3 = state[3]! ^ s1;
    state[1] = s1 ^ s2;
    state[0] = state[0]! ^ s3;
    state[2] = s2 ^ (s1 << 9);
    state[3] = (s3 << 11) | (s3 >>> 21);
    return result >>> 0;
  }

  function uniform(): number {
    const high = uint32() >>> 5;
    const low = uint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  function integer(below: number): number {
    if (below <= twoTo32) {
      // Draws past the last whole multiple of `below` are thrown away: they alone would favour small numbers.
      const limit = twoTo32 - (twoTo32 % below);
      let draw = uint32();
      while (draw >= limit) draw = uint32();
      return draw % below;
    }
    const range = 9007199254740992;
    const limit = range - (range % below);
    let draw = (uint32() >>> 11) * twoTo32 + uint32();
    while (draw >= limit) draw = (uint32() >>> 11) * twoTo32 + uint32();
    return draw % below;
  }

  function gaussian(): number {
    if (spareGaussian !== null) {
      const spare = spareGaussian;
      spareGaussian = null;
      return spare;
    }
    let x = 0;
    let y = 0;
    let square = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * portableLog(square)) / square);
    spareGaussian = y * scale;
    return x * scale;
  }

  function shuffle(elements: Int32Array): void {
    for (let last = elements.length - 1; last > 0; last -= 1) {
      const other = integer(last + 1);
      const kept = elements[last]!;
      elements[last] = elements[other]!;
      elements[other] = kept;
    }
  }

  function sample(count: number, below: number): Int32Array {
    // Draws the smaller side, so that a redraw is needed at most every other time.
    const inverted = count > below / 2;
    const drawn = inverted ? below - count : count;
    const words = new Uint32Array(Math.ceil(below / 32));
    for (let taken = 0; taken < drawn; ) {
      const choice = integer(below);
      const bit = 1 << (choice & 31);
      if ((words[choice >>> 5]! & bit) !== 0) continue;
      words[choice >>> 5]! |= bit;
      taken += 1;
    }
    const result = new Int32Array(count);
    let position = 0;
    for (let word = 0; word < words.length; word += 1) {
      let bits = inverted ? ~words[word]! : words[word]!;
      if (word === words.length - 1 && (below & 31) !== 0) bits &= (1 << (below & 31)) - 1;
      while (bits !== 0) {
        const lowest = 31 - Math.clz32(bits & -bits);
        result[position] = word * 32 + lowest;
        position += 1;
        bits &= bits - 1;
      }
    }
    return result;
  }

  return { uint32, uniform, integer, gaussian, shuffle, sample };
}
