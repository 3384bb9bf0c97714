import { afterEach, describe, expect, it } from 'vitest';
import { StorageError } from '../emu/storage/block-store.ts';
import { MemoryStore } from '../emu/storage/memory-store.ts';
import { seededWords } from '../emu/testing/device-harness.ts';
import { PortStore, serveDisk } from './disk-port.ts';

const SIZE = 1 << 20;
const SECTOR_BYTES = 512;
const contents = new Uint8Array(SIZE).map((_, at) => (at * 7 + (at >> 8)) & 0xff);
const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A disk at the other end of a port, whose reads answer late and in another order. */
function servedDisk(seed: number) {
  const random = seededWords(seed);
  const inner = new MemoryStore(contents.slice());
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  /** Sizes of the memory that each answer came in. */
  const asked: number[] = [];
  serveDisk(
    {
      size: SIZE,
      readOnly: false,
      async read(offset, target) {
        asked.push(target.buffer.byteLength);
        for (let turns = random() % 4; turns > 0; turns--) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (offset === SIZE - SECTOR_BYTES) throw new StorageError('io', 'a bad sector');
        await inner.read(offset, target);
      },
      write: (offset, source) => inner.write(offset, source),
      flush: () => inner.flush(),
      discard: (offset, length) => inner.discard(offset, length),
    },
    port2,
  );
  return { store: new PortStore(port1, { size: SIZE, readOnly: false }), asked, random };
}

describe('PortStore', () => {
  it('gives each of many overlapping reads its own bytes, in memory that is used again', async () => {
    const { store, asked, random } = servedDisk(5);
    for (let round = 0; round < 20; round++) {
      const reads = Array.from({ length: 6 }, async () => {
        const length = (1 + (random() % 64)) * SECTOR_BYTES;
        const offset = (random() % ((SIZE - length) / SECTOR_BYTES)) * SECTOR_BYTES;
        const target = new Uint8Array(length).fill(0xcc);
        await store.read(offset, target);
        expect(Buffer.compare(target, contents.subarray(offset, offset + length))).toBe(0);
      });
      await Promise.all(reads);
    }
    expect(Math.max(...asked)).toBeLessThanOrEqual(64 * SECTOR_BYTES);
  });

  it('sends memory that was given back with the next read, and gives failures their kind', async () => {
    const { store, asked } = servedDisk(6);
    await store.read(0, new Uint8Array(8 * SECTOR_BYTES));
    const small = new Uint8Array(SECTOR_BYTES);
    await store.read(SECTOR_BYTES, small);
    expect(small).toEqual(contents.slice(SECTOR_BYTES, 2 * SECTOR_BYTES));
    expect(asked).toEqual([8 * SECTOR_BYTES, 8 * SECTOR_BYTES]);
    await expect(store.read(SIZE - SECTOR_BYTES, small)).rejects.toMatchObject({ kind: 'io' });
  });
});
