#!/usr/bin/env node
/**
 * Compares file systems with mkfs.fat, fsck.fat, mtools, mke2fs, debugfs and e2fsck over random trees, and
 * reads mutated images.
 *
 *   npm run oracle:filesystems -- [--only PART,…] [--seed N] [--rounds N] [--first ROUND]
 *                                 [--mutations N] [--images NAME,…] [--record]
 *
 * Parts are read-fat, write-fat, read-ext4, journal and mutations; a round that fails leaves its images.
 * --mutations is for each image, --images leaves others out. --record makes the images of the unit tests
 * again. Needs dosfstools, mtools and e2fsprogs, and fdisk and gdisk for --record.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/emu/storage/filesystems/testing/seeded-random.ts';
import { TOOLS as EXT4_TOOLS, readExt4, recoverJournals } from './filesystems/ext4.mjs';
import { TOOLS as FAT_TOOLS, readFat, writeFat } from './filesystems/fat.mjs';
import { TOOLS as FIXTURE_TOOLS, recordFixtures } from './filesystems/fixtures.mjs';
import { missingTools } from './filesystems/host.mjs';
import { mutateFixtures } from './filesystems/mutations.mjs';

const DEFAULT_ROUNDS = 8;
const DEFAULT_MUTATIONS = 100_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
    mutations: { type: 'string', default: String(DEFAULT_MUTATIONS) },
    images: { type: 'string' },
    first: { type: 'string', default: '0' },
    only: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
});

const seed = Number(values.seed);
const rounds = Number(values.rounds);
const first = Number(values.first);

/** Runs in a new folder each, and gives the number of things compared. */
const PARTS = [
  { name: 'read-fat', tools: FAT_TOOLS, compare: readFat, unit: 'files and directories' },
  { name: 'write-fat', tools: FAT_TOOLS, compare: writeFat, unit: 'changes' },
  { name: 'read-ext4', tools: EXT4_TOOLS, compare: readExt4, unit: 'files and directories' },
  { name: 'journal', tools: EXT4_TOOLS, compare: recoverJournals, unit: 'blocks' },
];

async function comparePart({ name, tools, compare, unit }) {
  const missing = missingTools(tools);
  if (missing.length > 0) throw new Error(`${name} needs ${missing.join(', ')}`);
  let count = 0;
  for (let round = first; round < first + rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-filesystems-'));
    try {
      mkdirSync(join(folder, 'tree'));
      count += await compare(folder, new SeededRandom(seed * 1000 + round), round);
    } catch (failure) {
      const where = `${name}, seed ${seed}, round ${round}, images in ${folder}`;
      throw new Error(`${where}: ${failure.message}`, { cause: failure });
    }
    rmSync(folder, { recursive: true });
  }
  console.log(`${name}: ${rounds} images, ${count} ${unit}, no difference`);
}

if (values.record) {
  const missing = missingTools(FIXTURE_TOOLS);
  if (missing.length > 0) throw new Error(`--record needs ${missing.join(', ')}`);
  await recordFixtures();
} else {
  const wanted = values.only?.split(',');
  const isWanted = (name) => wanted === undefined || wanted.includes(name);
  for (const part of PARTS) if (isWanted(part.name)) await comparePart(part);
  if (isWanted('mutations')) {
    await mutateFixtures(seed, Number(values.mutations), values.images?.split(','));
  }
}
