/** Streams of a file's bytes, looked at and summed on their way. */
import type { Sha256 } from '../emu/storage/sha256.ts';

export async function* summed(stream: AsyncIterable<Uint8Array>, sum: Sha256): AsyncGenerator<Uint8Array> {
  for await (const bytes of stream) {
    sum.update(bytes);
    yield bytes;
  }
}

/** The first `headBytes` bytes of a stream, or all of a shorter one, and the stream with them. */
export async function peek(
  stream: AsyncGenerator<Uint8Array>,
  headBytes: number,
): Promise<{ readonly head: Uint8Array; readonly stream: AsyncGenerator<Uint8Array> }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < headBytes) {
    const { value, done } = await stream.next();
    if (done) break;
    // The stream may use the memory again.
    parts.push(value.slice());
    length += value.length;
  }
  const head = new Uint8Array(Math.min(length, headBytes));
  let at = 0;
  for (const part of parts) {
    const used = part.subarray(0, head.length - at);
    head.set(used, at);
    at += used.length;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* parts.splice(0);
      yield* stream;
    } finally {
      await stream.return(undefined);
    }
  }
  return { head, stream: whole() };
}
