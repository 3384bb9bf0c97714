import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileStore } from './file-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function createImage(bytes: number): string {
  const path = join(folder, 'disk.img');
  writeFileSync(path, new Uint8Array(bytes).fill(7));
  return path;
}

describe('FileStore', () => {
  it('writes into the file and reads it back', () => {
    const path = createImage(4096);
    const store = new FileStore(path, false);
    store.write(512, new Uint8Array(1024).fill(9));
    store.discard(2048, 512);
    store.flush();
    const read = new Uint8Array(4096);
    store.read(0, read);
    store.close();
    expect(read).toEqual(new Uint8Array(readFileSync(path)));
    expect([read[511], read[512], read[1535], read[1536], read[2048], read[2560]]).toEqual([
      7, 9, 9, 7, 0, 7,
    ]);
  });

  it('refuses writes, and accesses beyond the end, as the disk would', () => {
    const store = new FileStore(createImage(1024), true);
    expect(() => store.write(0, new Uint8Array(512))).toThrow(expect.objectContaining({ kind: 'read-only' }));
    expect(() => store.read(1024, new Uint8Array(512))).toThrow(
      expect.objectContaining({ kind: 'out-of-range' }),
    );
    store.close();
  });

  it('extends a read-only image to whole sectors by zeros', () => {
    const store = new FileStore(createImage(700), true);
    const last = new Uint8Array(512);
    store.read(512, last);
    store.close();
    expect(store.size).toBe(1024);
    expect([last[187], last[188]]).toEqual([7, 0]);
  });

  it.each([
    [700, 'whole number'],
    [0, 'empty'],
  ])('refuses to write to an image of %d bytes', (bytes, reason) => {
    expect(() => new FileStore(createImage(bytes), false)).toThrow(reason);
  });
});
