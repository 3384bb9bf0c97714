/** Unpacks a gzip file (RFC 1952) that is in memory, within a limit. */

export type Gunzipped =
  | { readonly kind: 'unpacked'; readonly bytes: Uint8Array }
  /** Damaged, cut off, or followed by something else; what came out before. */
  | { readonly kind: 'damaged'; readonly unpackedBytes: number }
  | { readonly kind: 'too-large' };

const MAGIC = [0x1f, 0x8b];

export function isGzip(file: Uint8Array): boolean {
  return MAGIC.every((byte, index) => file[index] === byte);
}

export async function gunzip(file: Uint8Array, limitBytes: number): Promise<Gunzipped> {
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  // A copy, because a stream does not take views of shared memory. Its failures appear at the reader.
  writer.write(new Uint8Array(file)).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const part = await reader.read().catch(() => undefined);
    if (!part) return { kind: 'damaged', unpackedBytes: length };
    if (part.done) break;
    chunks.push(part.value);
    length += part.value.length;
    if (length > limitBytes) {
      await reader.cancel().catch(() => {});
      return { kind: 'too-large' };
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { kind: 'unpacked', bytes };
}
