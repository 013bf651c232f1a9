/** A comparison file on a disk that fills up while it is written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { readComparison, writeComparison } from '../src/result/comparison-file.ts';
import { fakeComparison } from './fake-comparison.ts';

const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const { writingTo } = await import('./full-disk.ts');
  return { ...real, writeSync: writingTo(disk, real.writeSync) };
});

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-comparison-disk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a full disk', () => {
  it('in the middle of a comparison leaves the earlier file whole, and nothing beside it', () => {
    const path = join(folder, 'comparison.jsonl');
    const earlier = fakeComparison([{ ratio: 1 }]);
    writeComparison(path, earlier);
    const before = readFileSync(path, 'utf8');
    const later = fakeComparison([{ ratio: 1.2 }, { ratio: 1 }]);
    // After a part of the header, between two lines, before the last byte.
    for (const freeBytes of [10, 3000, 20_000]) {
      disk.freeBytes = freeBytes;
      expect(() => writeComparison(path, later)).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
      expect(readFileSync(path, 'utf8')).toBe(before);
      expect(readdirSync(folder)).toEqual(['comparison.jsonl']);
    }
    disk.freeBytes = Number.POSITIVE_INFINITY;
    writeComparison(path, later);
    expect(readComparison(path)).toEqual(later);
    expect(existsSync(`${path}.part`)).toBe(false);
  });
});
