/** Unpacks a gzip file (RFC 1952) part by part, within a limit. */

export type Gunzipped =
  | { readonly kind: 'unpacked'; readonly parts: readonly Uint8Array<ArrayBuffer>[] }
  /** Damaged, cut off, or followed by something else; what came out before. */
  | { readonly kind: 'damaged'; readonly unpackedBytes: number }
  | { readonly kind: 'too-large' };

const MAGIC = [0x1f, 0x8b];

export function isGzip(start: Uint8Array): boolean {
  return MAGIC.every((byte, index) => start[index] === byte);
}

/** Takes a file while it arrives. */
export class GzipUnpacker {
  /** After `close`: what came out. */
  readonly result: Promise<Gunzipped>;
  private readonly writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor(limitBytes: number) {
    const { writable, readable } = new DecompressionStream('gzip');
    this.writer = writable.getWriter();
    this.result = collect(readable.getReader(), limitBytes);
  }

  /** Resolves when the bytes have been used. Failures appear in the result only. */
  write(part: Uint8Array): Promise<void> {
    // A stream does not take views of shared memory.
    const own = part.buffer instanceof ArrayBuffer ? (part as Uint8Array<ArrayBuffer>) : new Uint8Array(part);
    return this.writer.write(own).catch(() => {});
  }

  close(): void {
    this.writer.close().catch(() => {});
  }
}

export function gunzip(parts: readonly Uint8Array[], limitBytes: number): Promise<Gunzipped> {
  const unpacker = new GzipUnpacker(limitBytes);
  for (const part of parts) void unpacker.write(part);
  unpacker.close();
  return unpacker.result;
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  limitBytes: number,
): Promise<Gunzipped> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const part = await reader.read().catch(() => undefined);
    if (!part) return { kind: 'damaged', unpackedBytes: length };
    if (part.done) return { kind: 'unpacked', parts };
    parts.push(part.value);
    length += part.value.length;
    if (length > limitBytes) {
      await reader.cancel().catch(() => {});
      return { kind: 'too-large' };
    }
  }
}
