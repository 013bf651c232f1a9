/**
 * Messages between a runner and this process, as `native/runner/frames.h` reads and writes them: the number of the words
 * of eight bytes that follow, and then fields that each begin on a word. A number is a double; text and arrays are their
 * length in bytes and then those, up to a whole word. Every system that sparsemark runs on is little-endian.
 */

const wordBytes = 8;
const padding = Buffer.alloc(wordBytes);

const paddedBytes = (bytes: number): number => Math.ceil(bytes / wordBytes) * wordBytes;

/** What a field holds; undefined: an array of nothing. */
export type Field = number | boolean | string | ArrayBufferView | undefined;

function numberField(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(wordBytes);
  bytes.writeDoubleLE(value);
  return bytes;
}

function fieldParts(field: Field): readonly Uint8Array[] {
  if (typeof field === 'number') return [numberField(field)];
  if (typeof field === 'boolean') return [numberField(field ? 1 : 0)];
  const bytes =
    field === undefined
      ? padding.subarray(0, 0)
      : typeof field === 'string'
        ? Buffer.from(field)
        : new Uint8Array(field.buffer, field.byteOffset, field.byteLength);
  const { byteLength } = bytes;
  return [numberField(byteLength), bytes, padding.subarray(0, paddedBytes(byteLength) - byteLength)];
}

/** A message of these fields, in parts that are sent one after the other. */
export function messageOf(fields: readonly Field[]): readonly Uint8Array[] {
  const parts = fields.flatMap(fieldParts);
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return [numberField(bytes / wordBytes), ...parts];
}

/** A message that came in; its fields are read in order. */
export class Incoming {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += wordBytes;
    return value;
  }

  /** The bytes of an array, a copy of their own. */
  bytes(): ArrayBuffer {
    const length = this.number();
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += paddedBytes(length);
    return copy.buffer;
  }

  text(): string {
    return Buffer.from(this.bytes()).toString('utf8');
  }
}

/** Puts messages together out of what a stream brings. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** The messages that are whole with this chunk. */
  take(chunk: Buffer): readonly Incoming[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    const messages: Incoming[] = [];
    while (this.#bytes >= wordBytes) {
      if (this.#chunks[0]!.byteLength < wordBytes) this.#join();
      const wanted = wordBytes * (1 + this.#chunks[0]!.readDoubleLE(0));
      if (this.#bytes < wanted) break;
      this.#join();
      const all = this.#chunks[0]!;
      messages.push(new Incoming(all.subarray(wordBytes, wanted)));
      this.#chunks = [all.subarray(wanted)];
      this.#bytes -= wanted;
    }
    return messages;
  }

  #join(): void {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
  }
}
