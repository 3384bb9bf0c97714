#!/usr/bin/env node
/**
 * Compares image formats with qemu-img, xz, zstd, gzip and zip over random disks, both ways, and reads damaged
 * images.
 *
 *   npm run oracle:images -- [--seed N] [--rounds N] [--mutations N] [--only PART,…] [--record]
 *
 * Parts are read, write, mutations and speed. --mutations is for each image. --record makes the images of the
 * unit tests again. A part is left out, and said to be, when a tool that it needs is missing.
 */
import { parseArgs } from 'node:util';
import { TOOLS as FIXTURE_TOOLS, recordFixtures } from './images/fixtures.mjs';
import { missingTools } from './images/host.mjs';
import { mutateFixtures } from './images/mutations.mjs';
import { TOOLS as READ_TOOLS, readImages } from './images/read.mjs';
import { measureSpeed, TOOLS as SPEED_TOOLS } from './images/speed.mjs';
import { TOOLS as WRITE_TOOLS, writeImages } from './images/write.mjs';
import { inRounds, optionsOfParts, runParts } from './parts.mjs';

const { values } = parseArgs({ options: optionsOfParts({ rounds: 6, mutations: 100_000 }) });
const seed = Number(values.seed);
const rounds = Number(values.rounds);

async function compareRounds(name, compare) {
  const count = await inRounds({ name, seed, rounds }, compare);
  console.log(`${name}: ${count} images of ${rounds} disks, no difference`);
}

const PARTS = [
  { name: 'read', tools: READ_TOOLS, run: () => compareRounds('read', readImages) },
  { name: 'write', tools: WRITE_TOOLS, run: () => compareRounds('write', writeImages) },
  { name: 'mutations', tools: [], run: () => mutateFixtures(seed, Number(values.mutations)) },
  { name: 'speed', tools: SPEED_TOOLS, run: () => measureSpeed() },
];

await runParts({
  ...values,
  parts: PARTS,
  recording: { tools: FIXTURE_TOOLS, run: recordFixtures },
  missingTools,
});
