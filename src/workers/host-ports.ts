/** Clock, wall clock and random numbers of the host, by names that browsers and Node share. */
import type { Clock, Entropy, WallClock } from '../emu/base/ports.ts';

const NS_PER_MS = 1e6;
const MS_PER_SECOND = 1000;
/** crypto.getRandomValues refuses more at once (Web Cryptography 10.1.1). */
const LARGEST_RANDOM_BYTES = 65536;

/** Changes of the clock that are looked at to find its resolution. */
const RESOLUTION_SAMPLES = 3;

/** Browsers round their clock, to 5 µs where a page is isolated and to 100 µs elsewhere (W3C High Resolution Time, 4.2). */
function measureResolution(nowNs: () => number): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < RESOLUTION_SAMPLES; sample++) {
    const before = nowNs();
    let after = nowNs();
    while (after === before) after = nowNs();
    smallest = Math.min(smallest, after - before);
  }
  return smallest;
}

const nowNs = () => Math.round(performance.now() * NS_PER_MS);
let resolution: number | undefined;
export const hostClock: Clock = {
  nowNs,
  get resolutionNs() {
    return (resolution ??= measureResolution(nowNs));
  },
};

export const hostWallClock: WallClock = { nowSeconds: () => Math.floor(Date.now() / MS_PER_SECOND) };

export const hostEntropy: Entropy = {
  fill(target) {
    for (let at = 0; at < target.length; at += LARGEST_RANDOM_BYTES) {
      // Shared memory is not accepted, so random bytes take one copy.
      const chunk = new Uint8Array(Math.min(LARGEST_RANDOM_BYTES, target.length - at));
      target.set(crypto.getRandomValues(chunk), at);
    }
  },
};
