/** Reads mutated copies of the fixtures, many of each. */
import { readFixtures } from '../../../src/emu/storage/filesystems/testing/fixtures.ts';
import { mutate, probe } from '../../../src/emu/storage/filesystems/testing/probe.ts';
import { SeededRandom } from '../../../src/emu/storage/filesystems/testing/seeded-random.ts';

/** `names` leaves the others out. */
export async function mutateFixtures(seed, count, names) {
  const fixtures = readFixtures();
  const known = fixtures.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no image ${unknown}; there are ${known.join(', ')}`);
  for (const { name, image, places } of fixtures) {
    if (names !== undefined && !names.includes(name)) continue;
    const tally = new Map();
    let slowestMs = 0;
    for (let index = 0; index < count; index++) {
      const started = performance.now();
      const outcomes = await attempt(name, seed * count + index, () =>
        probe(mutate(image, places, new SeededRandom(seed * count + index))),
      );
      slowestMs = Math.max(slowestMs, performance.now() - started);
      for (const outcome of outcomes) tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    }
    const text = [...tally]
      .sort((one, other) => other[1] - one[1])
      .map(([kind, times]) => `${kind} ${times}`);
    console.log(`mutations of ${name}: ${count}; ${text.join(', ')}; slowest ${slowestMs.toFixed(0)} ms`);
  }
}

async function attempt(name, seed, work) {
  try {
    return await work();
  } catch (failure) {
    throw new Error(`${name}, mutation with seed ${seed}: ${failure.message}`, { cause: failure });
  }
}
