import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../filesystems/testing/seeded-random.ts';
import { inflate } from './inflate.ts';
import { OutputWindow } from './output-window.ts';
import { StreamInput } from './stream-input.ts';

async function* of(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
}
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('StreamInput', () => {
  it('joins chunks, and tells where it is', async () => {
    const input = new StreamInput(of('abc', '', 'defg', 'hi'));
    expect(await input.fill(4)).toBe(true);
    expect(text(input.take(4))).toBe('abcd');
    expect(input.offset).toBe(4);
    expect(await input.fill(6)).toBe(false);
    expect(text(input.take(input.available))).toBe('efghi');
    expect([input.offset, input.available, input.isComplete]).toEqual([9, 0, true]);
  });

  it('has zeros behind its end, also where older bytes were', async () => {
    const input = new StreamInput(of('abcdefghijklmnopqrstuvwxyz', 'z'));
    await input.fill(1);
    input.take(26);
    await input.fill(1);
    expect([...input.bytes.subarray(input.limit, input.limit + 16)]).toEqual(Array(16).fill(0));
  });

  it('says where the file ends when more is required', async () => {
    const input = new StreamInput(of('abc'), 100);
    await expect(input.require(4, 'the header')).rejects.toMatchObject({ kind: 'truncated', offset: 103 });
  });

  it('takes bytes back that were read ahead, also over the end of a chunk', async () => {
    const random = new SeededRandom(1);
    const contents = Array.from({ length: 3000 }, () => random.below(1000)).join();
    const packed = deflateRawSync(contents);
    const file = Buffer.concat([packed, Buffer.from('and the rest of the file')]);
    for (let cut = packed.length - 10; cut < packed.length + 20; cut++) {
      const input = new StreamInput(of(file.subarray(0, cut), file.subarray(cut)));
      const found: string[] = [];
      for await (const chunk of inflate(input, new OutputWindow(1 << 15))) found.push(text(chunk));
      await input.fill(12);
      expect([found.join('') === contents, text(input.take(12))]).toEqual([true, 'and the rest']);
    }
  });

  it('ends its source when it is closed', async () => {
    let hasEnded = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(10);
      } finally {
        hasEnded = true;
      }
    }
    const input = new StreamInput(endless());
    await input.fill(1);
    await input.close();
    expect(hasEnded).toBe(true);
  });
});
