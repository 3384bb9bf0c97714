/** Clock, wall clock and random numbers of the host, by names that browsers and Node share. */
import type { Clock, Entropy, WallClock } from '../emu/base/ports.ts';

const NS_PER_MS = 1e6;
const MS_PER_SECOND = 1000;
/** crypto.getRandomValues refuses more at once (Web Cryptography 10.1.1). */
const LARGEST_RANDOM_BYTES = 65536;

export const hostClock: Clock = { nowNs: () => Math.round(performance.now() * NS_PER_MS) };

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
