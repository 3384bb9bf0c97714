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
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/emu/storage/filesystems/testing/seeded-random.ts';
import { TOOLS as FIXTURE_TOOLS, recordFixtures } from './images/fixtures.mjs';
import { missingTools } from './images/host.mjs';
import { mutateFixtures } from './images/mutations.mjs';
import { TOOLS as READ_TOOLS, readImages } from './images/read.mjs';
import { measureSpeed, TOOLS as SPEED_TOOLS } from './images/speed.mjs';
import { TOOLS as WRITE_TOOLS, writeImages } from './images/write.mjs';

const DEFAULT_ROUNDS = 6;
const DEFAULT_MUTATIONS = 100_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
    mutations: { type: 'string', default: String(DEFAULT_MUTATIONS) },
    only: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
});

const seed = Number(values.seed);
const rounds = Number(values.rounds);

/** Runs `compare` in a new folder for each round. */
async function inRounds(name, compare) {
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-images-'));
    try {
      count += await compare(folder, new SeededRandom(seed * 1000 + round));
    } catch (failure) {
      throw new Error(`${name}, seed ${seed}, round ${round}: ${failure.message}`, { cause: failure });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  console.log(`${name}: ${count} images of ${rounds} disks, no difference`);
}

const PARTS = [
  { name: 'read', tools: READ_TOOLS, run: () => inRounds('read', readImages) },
  { name: 'write', tools: WRITE_TOOLS, run: () => inRounds('write', writeImages) },
  { name: 'mutations', tools: [], run: () => mutateFixtures(seed, Number(values.mutations)) },
  { name: 'speed', tools: SPEED_TOOLS, run: () => measureSpeed() },
];

if (values.record) {
  const missing = missingTools(FIXTURE_TOOLS);
  if (missing.length > 0) throw new Error(`--record needs ${missing.join(', ')}`);
  recordFixtures();
} else {
  const wanted = values.only?.split(',');
  for (const { name, tools, run } of PARTS) {
    if (wanted !== undefined && !wanted.includes(name)) continue;
    const missing = missingTools(tools);
    if (missing.length > 0) console.log(`${name}: left out, needs ${missing.join(', ')}`);
    else await run();
  }
}
