/** Reads damaged copies of the recorded images, many of each. */
import { SeededRandom } from '../../../src/emu/storage/filesystems/testing/seeded-random.ts';
import { readFixtures } from '../../../src/emu/storage/formats/testing/fixtures.ts';
import { mutate, probe } from '../../../src/emu/storage/formats/testing/probe.ts';

/** Longer than this is a hang: the images are small. */
const LONGEST_MS = 10_000;
const LARGEST_MEMORY = 2 ** 30;
const BYTES_PER_MIB = 2 ** 20;

export async function mutateFixtures(seed, count) {
  for (const { name, file } of readFixtures()) {
    const tally = new Map();
    let slowestMs = 0;
    for (let index = 0; index < count; index++) {
      const own = seed * count + index;
      const startMs = performance.now();
      let outcomes;
      try {
        outcomes = await probe(mutate(file, new SeededRandom(own)));
      } catch (failure) {
        throw new Error(`${name}, mutation with seed ${own}: ${failure.message}`, { cause: failure });
      }
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      if (slowestMs > LONGEST_MS) throw new Error(`${name}, mutation with seed ${own}: took ${slowestMs} ms`);
      for (const outcome of outcomes) tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    }
    const peak = process.resourceUsage().maxRSS * 1024;
    if (peak > LARGEST_MEMORY) throw new Error(`${name}: ${Math.round(peak / BYTES_PER_MIB)} MiB of memory`);
    const text = [...tally]
      .sort((one, other) => other[1] - one[1])
      .map(([kind, times]) => `${kind} ${times}`);
    const memory = `peak memory ${Math.round(peak / BYTES_PER_MIB)} MiB`;
    console.log(
      `mutations of ${name}: ${count}; ${text.join(', ')}; slowest ${slowestMs.toFixed(0)} ms; ${memory}`,
    );
  }
}
