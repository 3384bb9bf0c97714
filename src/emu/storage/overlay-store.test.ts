import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockStore } from './block-store.ts';
import { OverlayStore } from './overlay-store.ts';

const SECTOR_BYTES = 512;
const SECTORS = 64;

/** A base that must never be written, which answers at once or later. */
function createBase(later: boolean): BlockStore {
  const bytes = Uint8Array.from({ length: SECTORS * SECTOR_BYTES }, (_, at) => (at * 31) % 253);
  const refuse = (): never => {
    throw new Error('the base was written');
  };
  return {
    size: bytes.length,
    readOnly: true,
    read(offset, target) {
      const copy = (): void => target.set(bytes.subarray(offset, offset + target.length));
      return later ? Promise.resolve().then(copy) : copy();
    },
    write: refuse,
    flush: refuse,
    discard: refuse,
  };
}

const range = fc
  .tuple(fc.nat(SECTORS - 1), fc.integer({ min: 1, max: SECTORS }))
  .map(([start, length]) => ({ start, length: Math.min(length, SECTORS - start) }));
const operation = fc.record({ range, kind: fc.constantFrom('write', 'discard'), fill: fc.nat(255) });

describe.each([
  ['answers at once', false],
  ['answers later', true],
])('OverlayStore over a base that %s', (_name, later) => {
  it('reads like a plain array after any writes and discards', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), range, async (operations, asked) => {
        const base = createBase(later);
        const overlay = new OverlayStore(base);
        const model = new Uint8Array(base.size);
        await base.read(0, model);
        for (const { range: at, kind, fill } of operations) {
          const offset = at.start * SECTOR_BYTES;
          const length = at.length * SECTOR_BYTES;
          if (kind === 'write') overlay.write(offset, new Uint8Array(length).fill(fill));
          else overlay.discard(offset, length);
          model.fill(kind === 'write' ? fill : 0, offset, offset + length);
        }
        const offset = asked.start * SECTOR_BYTES;
        const read = new Uint8Array(asked.length * SECTOR_BYTES);
        await overlay.read(offset, read);
        expect(read).toEqual(model.subarray(offset, offset + read.length));
      }),
    );
  });
});

describe('OverlayStore', () => {
  it('takes no memory for whole clusters that were discarded', () => {
    const overlay = new OverlayStore(createBase(false));
    overlay.discard(0, overlay.size);
    expect(overlay.changedBytes).toBe(0);
    overlay.write(0, new Uint8Array(SECTOR_BYTES));
    expect(overlay.changedBytes).toBeGreaterThan(0);
  });

  it.each([
    [SECTORS * SECTOR_BYTES, SECTOR_BYTES, 'out-of-range'],
    [-SECTOR_BYTES, SECTOR_BYTES, 'out-of-range'],
    [1, SECTOR_BYTES, 'io'],
    [0, 100, 'io'],
  ])('refuses an access at %d of %d bytes', (offset, length, kind) => {
    const overlay = new OverlayStore(createBase(false));
    expect(() => overlay.read(offset, new Uint8Array(length))).toThrow(expect.objectContaining({ kind }));
    expect(() => overlay.write(offset, new Uint8Array(length))).toThrow(expect.objectContaining({ kind }));
  });
});
