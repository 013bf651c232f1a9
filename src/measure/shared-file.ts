/** A file in memory that several processes map at once. */
import { closeSync, openSync, unlinkSync } from 'node:fs';

export interface SharedFile {
  /** Where processes of the same user open it. */
  readonly path: string;
  /** It is gone when the last process that mapped it ends. */
  close(): void;
}

let opened = 0;

/**
 * A new, empty one. It has no name but this process's own, so that nothing is left of it whatever ends this process.
 * Null where the system has no such files.
 */
export function openSharedFile(): SharedFile | null {
  if (process.platform !== 'linux') return null;
  opened += 1;
  const name = `/dev/shm/sparsemark-${process.pid}-${opened}`;
  try {
    const descriptor = openSync(name, 'wx+', 0o600);
    unlinkSync(name);
    return { path: `/proc/${process.pid}/fd/${descriptor}`, close: () => closeSync(descriptor) };
  } catch {
    return null;
  }
}
