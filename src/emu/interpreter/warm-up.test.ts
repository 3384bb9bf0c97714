import { describe, expect, it } from 'vitest';
import { buildInterpreterImage, readInterpreterImage } from './interpreter-image.ts';
import { ROUNDS, warmUp } from './warm-up.ts';

describe('warmUp', () => {
  it.each([true, false])('runs the main loop without a guest (shared memory: %s)', (shared) => {
    const image = readInterpreterImage(new WebAssembly.Module(buildInterpreterImage(shared, 'hot')));
    expect(image && warmUp(image, shared)).toBe(ROUNDS);
  });
});
