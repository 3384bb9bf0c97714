/**
 * System state against QEMU, in every engine: recorded programs at EL1 and EL0 that each end in an exception
 * (npm run oracle:exceptions -- --record N). The guest prints vector, ESR, FAR, ELR, SPSR, PAR and sums of
 * registers and memory.
 */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ENGINES, RawGuest } from '../testing/raw-guest.ts';

const recorded = JSON.parse(readFileSync(new URL('exceptions.vectors.json', import.meta.url), 'utf8')) as {
  /** The program and its cases, deflated, in base64. */
  readonly image: string;
  readonly expected: readonly string[];
};
const kernel = new Uint8Array(inflateRawSync(Buffer.from(recorded.image, 'base64')));

describe('exceptions', () => {
  it.each(ENGINES)(
    'leave what they leave in QEMU, %s',
    async (engine) => {
      const guest = await RawGuest.boot({ kernel, engine });
      expect(guest.run()).toBe('off');
      const lines = guest.output.trim().split(/\s*\n/);
      expect(lines).toEqual(recorded.expected);
    },
    60_000,
  );
});
