/** A disk that fills up in the middle of a write, in place of `writeSync`. */
import type { writeSync } from 'node:fs';

/** What is left of it; without a bound at first. */
export interface Disk {
  freeBytes: number;
}

/** `write`, which as a full disk does writes what fits, then fails. */
export function writingTo(disk: Disk, write: typeof writeSync) {
  return (
    fd: number,
    bytes: Buffer,
    offset = 0,
    length = bytes.length - offset,
    at?: number | null,
  ): number => {
    const fits = Math.min(length, disk.freeBytes);
    if (fits <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    disk.freeBytes -= fits;
    return write(fd, bytes, offset, fits, at);
  };
}
