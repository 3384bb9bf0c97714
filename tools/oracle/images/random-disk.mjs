/** Random disks: text, noise, repetition and holes in random places, sparse in the file too. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

const SECTOR_BYTES = 512;
const LARGEST_BYTES = 24 << 20;
const LARGEST_PART = 1 << 20;

/** Writes a disk to `path`; its size is a whole number of sectors, and rarely of clusters. */
export function makeDisk(path, random) {
  const size = SECTOR_BYTES * (1 + random.below(LARGEST_BYTES / SECTOR_BYTES));
  const file = openSync(path, 'w');
  for (let part = random.below(30); part > 0; part--) {
    const at = random.below(size);
    const bytes = randomBytes(random, Math.min(size - at, 1 + random.below(LARGEST_PART)));
    writeSync(file, bytes, 0, bytes.length, at);
  }
  ftruncateSync(file, size);
  closeSync(file);
  return size;
}

function randomBytes(random, length) {
  const kind = random.below(4);
  if (kind === 0) return Uint8Array.from({ length }, () => random.next());
  if (kind === 1) return random.bytes(length);
  const word = random.bytes(1 + random.below(300));
  const changes = kind === 2 ? 0 : length >> 6;
  const bytes = Uint8Array.from({ length }, (_, at) => word[at % word.length]);
  for (let change = 0; change < changes; change++) bytes[random.below(length)] = random.next();
  return bytes;
}
