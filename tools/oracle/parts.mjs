/** What comparisons with tools of the host have in common: options, parts of them, and rounds with seeds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../src/emu/storage/filesystems/testing/seeded-random.ts';

const SEEDS_PER_RUN = 1000;

/** For parseArgs. */
export const optionsOfParts = ({ rounds, mutations }) => ({
  seed: { type: 'string', default: '1' },
  rounds: { type: 'string', default: String(rounds) },
  mutations: { type: 'string', default: String(mutations) },
  only: { type: 'string' },
  record: { type: 'boolean', default: false },
});

/**
 * Runs `compare(folder, random, round)` in a new folder for each round, and gives the sum of what it compared.
 * A round that fails leaves its folder.
 */
export async function inRounds({ name, seed, rounds, first = 0 }, compare) {
  let count = 0;
  for (let round = first; round < first + rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-oracle-'));
    try {
      count += await compare(folder, new SeededRandom(seed * SEEDS_PER_RUN + round), round);
    } catch (failure) {
      const where = `${name}, seed ${seed}, round ${round}, images in ${folder}`;
      throw new Error(`${where}: ${failure.message}`, { cause: failure });
    }
    rmSync(folder, { recursive: true });
  }
  return count;
}

/**
 * Runs the parts that are wanted ({ name, tools, run }), or records; a part whose tools are missing is left out, and
 * said to be.
 */
export async function runParts({ parts, recording, missingTools, only, record }) {
  if (record) {
    const missing = missingTools(recording.tools);
    if (missing.length > 0) throw new Error(`--record needs ${missing.join(', ')}`);
    await recording.run();
    return;
  }
  const wanted = only?.split(',');
  const unknown = wanted?.filter((name) => !parts.some((part) => part.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}`);
  for (const { name, tools, run } of parts) {
    if (wanted !== undefined && !wanted.includes(name)) continue;
    const missing = missingTools(tools);
    if (missing.length > 0) console.log(`${name}: left out, needs ${missing.join(', ')}`);
    else await run();
  }
}
