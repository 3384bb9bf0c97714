/**
 * The disk that all recorded images hold, made by code: text, numbers, noise and holes, ending within a cluster of any
 * size. Changing it means recording the images again (`npm run oracle:images -- --record`).
 */
import { SeededRandom } from '../../filesystems/testing/seeded-random.ts';

const SECTOR_BYTES = 512;
const SECTORS = 391;
const SEED = 20_241;

/** What is where; everything else is zeros. */
const PARTS = [
  { at: 0, length: 1500, kind: 'text' },
  { at: 20_480, length: 4500, kind: 'lines' },
  { at: 84_000, length: 300, kind: 'noise' },
  { at: 131_072, length: 8192, kind: 'ramp' },
  { at: SECTORS * SECTOR_BYTES - 700, length: 700, kind: 'text' },
] as const;

export function fixtureDisk(): Uint8Array<ArrayBuffer> {
  const disk = new Uint8Array(SECTORS * SECTOR_BYTES);
  const random = new SeededRandom(SEED);
  for (const { at, length, kind } of PARTS) disk.set(contents(kind, length, random), at);
  return disk;
}

function contents(kind: (typeof PARTS)[number]['kind'], length: number, random: SeededRandom): Uint8Array {
  if (kind === 'noise') return Uint8Array.from({ length }, () => random.below(256));
  if (kind === 'ramp') return Uint8Array.from({ length }, (_, at) => (at >> 5) & 0xff);
  const words = ['block', 'cluster', 'sector', 'disk', 'image', 'of', 'a', 'the'];
  let text = '';
  while (text.length < length) {
    const number = String(text.length >> 6).padStart(6, '0');
    text += kind === 'lines' ? `[${number}] ${random.pick(words)}: ready\n` : `${random.pick(words)} `;
  }
  return new TextEncoder().encode(text).subarray(0, length);
}
