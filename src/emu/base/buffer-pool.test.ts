import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.ts';

describe('BufferPool', () => {
  it('gives a buffer again only after it was given back, and only when it is large enough', () => {
    const pool = new BufferPool();
    const first = pool.take(100);
    const second = pool.take(100);
    expect(second.buffer).not.toBe(first.buffer);
    pool.give(first);
    expect(pool.take(101).buffer).not.toBe(first.buffer);
    const again = pool.take(60);
    expect(again.buffer).toBe(first.buffer);
    expect(again.length).toBe(60);
    expect(pool.take(60).buffer).not.toBe(first.buffer);
  });

  it('keeps a few, the largest', () => {
    const pool = new BufferPool();
    const taken = Array.from({ length: 20 }, (_, index) => pool.take(index + 1));
    for (const bytes of taken) pool.give(bytes);
    const kept = Array.from({ length: 8 }, () => pool.take(1).buffer.byteLength);
    expect(kept).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
    expect(pool.take(1).buffer.byteLength).toBe(1);
    pool.give(pool.take(64 << 20));
    expect(pool.takeFree(1)).toBeUndefined();
  });
});
