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
 * again. Needs dosfstools, mtools and e2fsprogs, and fdisk and gdisk for --record; a part without its tools is left
 * out, and said to be.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TOOLS as EXT4_TOOLS, readExt4, recoverJournals } from './filesystems/ext4.mjs';
import { TOOLS as FAT_TOOLS, readFat, writeFat } from './filesystems/fat.mjs';
import { TOOLS as FIXTURE_TOOLS, recordFixtures } from './filesystems/fixtures.mjs';
import { missingTools } from './filesystems/host.mjs';
import { mutateFixtures } from './filesystems/mutations.mjs';
import { inRounds, optionsOfParts, runParts } from './parts.mjs';

const { values } = parseArgs({
  options: {
    ...optionsOfParts({ rounds: 8, mutations: 100_000 }),
    images: { type: 'string' },
    first: { type: 'string', default: '0' },
  },
});
const seed = Number(values.seed);
const rounds = Number(values.rounds);

async function compareRounds(name, compare, unit) {
  const count = await inRounds(
    { name, seed, rounds, first: Number(values.first) },
    (folder, random, round) => {
      mkdirSync(join(folder, 'tree'));
      return compare(folder, random, round);
    },
  );
  console.log(`${name}: ${rounds} images, ${count} ${unit}, no difference`);
}

const part = (name, tools, compare, unit) => ({ name, tools, run: () => compareRounds(name, compare, unit) });
const PARTS = [
  part('read-fat', FAT_TOOLS, readFat, 'files and directories'),
  part('write-fat', FAT_TOOLS, writeFat, 'changes'),
  part('read-ext4', EXT4_TOOLS, readExt4, 'files and directories'),
  part('journal', EXT4_TOOLS, recoverJournals, 'blocks'),
  {
    name: 'mutations',
    tools: [],
    run: () => mutateFixtures(seed, Number(values.mutations), values.images?.split(',')),
  },
];

await runParts({
  ...values,
  parts: PARTS,
  recording: { tools: FIXTURE_TOOLS, run: recordFixtures },
  missingTools,
});
