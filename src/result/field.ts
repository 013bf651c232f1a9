/** What a field of a result file may hold: the pieces of its schemas. They bound what an untrusted file may hold. */
import { z } from 'zod';

/** What an untrusted file may hold at the most. */
export const limits = {
  fileBytes: 256 * 1024 * 1024,
  lineBytes: 4 * 1024 * 1024,
  lines: 1_000_000,
  nameLength: 256,
  idLength: 512,
  textLength: 8192,
  listLength: 4096,
  samples: 100_000,
} as const;

export const name = z.string().min(1).max(limits.nameLength);
export const id = z.string().min(1).max(limits.idLength);
export const text = z.string().max(limits.textLength);
export const optionalName = z.string().max(limits.nameLength);
export const hash = z.string().regex(/^[0-9a-f]{64}$/);
export const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const positiveCount = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
/** zod refuses NaN and the infinities by itself. */
export const amount = z.number().min(0);
export const positive = z.number().gt(0);
export const share = z.number().min(0).max(1);
export const time = z.iso.datetime();
/** A key of an open record: no leading underscore, so that `__proto__` is no key. */
export const key = z
  .string()
  .regex(/^[a-zA-Z*][\w.:*-]*$/)
  .max(limits.nameLength);
export const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(limits.listLength);

const conv = z.strictObject({
  batch: positiveCount,
  channels: positiveCount,
  height: positiveCount,
  width: positiveCount,
  kernelHeight: positiveCount,
  kernelWidth: positiveCount,
  stride: positiveCount,
  padding: count,
  outHeight: positiveCount,
  outWidth: positiveCount,
});
export const shape = z.strictObject({
  m: positiveCount,
  k: positiveCount,
  n: positiveCount,
  conv: conv.exactOptional(),
});
