import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../filesystems/testing/seeded-random.ts';
import { decodeStream, isStreamFormat } from './decode-stream.ts';
import { identifySource, openImage } from './open-image.ts';
import { fixtureDisk } from './testing/fixture-disk.ts';
import { readFixtures } from './testing/fixtures.ts';
import { chunksOf, mutate, probe, WatchedSource } from './testing/probe.ts';

const disk = fixtureDisk();
const fixtures = await Promise.all(
  readFixtures().map(async (fixture) => {
    const { format } = await identifySource(new WatchedSource(fixture.file));
    return { ...fixture, format };
  }),
);
const streams = fixtures.filter(({ format }) => isStreamFormat(format));
const images = fixtures.filter(({ format }) => !isStreamFormat(format) || format === 'xz');

const MUTATIONS = 400;

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

describe.each(streams)('$name, as a stream', ({ file, format }) => {
  it.each([1, 7, 1000, 1 << 20])('gives the disk when it comes in chunks of %d bytes', async (chunkBytes) => {
    if (!isStreamFormat(format)) throw new Error('not a stream');
    const decoded = await collect(decodeStream(format, chunksOf(file, chunkBytes)));
    expect(Buffer.compare(decoded, disk)).toBe(0);
  });

  it('is refused when it ends early, wherever that is', async () => {
    if (!isStreamFormat(format)) throw new Error('not a stream');
    const random = new SeededRandom(3);
    for (let round = 0; round < 30; round++) {
      // Padding and the directory of an archive may be missing.
      const end = random.below(Math.floor(file.length * 0.8));
      const decoding = collect(decodeStream(format, chunksOf(file.subarray(0, end), 4096)));
      await expect(decoding).rejects.toMatchObject({ name: 'ImageError' });
    }
  });
});

describe.each(images)('$name, read in any order', ({ file, name }) => {
  it('gives the disk', async () => {
    const image = await openImage(new WatchedSource(file));
    const whole = new Uint8Array(image.size).fill(0xcc);
    await image.read(0, whole);
    expect(Buffer.compare(whole, disk)).toBe(0);
  });

  it('gives any part of it', async () => {
    const image = await openImage(new WatchedSource(file));
    const random = new SeededRandom(1);
    for (let round = 0; round < 60; round++) {
      const offset = random.below(disk.length);
      const part = new Uint8Array(random.below(Math.min(40_000, disk.length - offset) + 1)).fill(0xcc);
      await image.read(offset, part);
      expect(Buffer.compare(part, disk.subarray(offset, offset + part.length))).toBe(0);
    }
  });

  it('names ranges in order, outside of which all is zero', async () => {
    const image = await openImage(new WatchedSource(file));
    const rest = disk.slice();
    let end = 0;
    for await (const { offset, length } of image.ranges()) {
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + length;
      expect(end).toBeLessThanOrEqual(image.size);
      rest.fill(0, offset, end);
    }
    expect(rest.every((byte) => byte === 0)).toBe(true);
    if (name.startsWith('qcow2 version')) expect(end).toBeGreaterThan(0);
  });
});

describe.each(fixtures)('$name, damaged', ({ file }) => {
  it(`is read or refused with an ImageError, ${MUTATIONS} times`, async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < MUTATIONS; seed++) {
      for (const outcome of await probe(mutate(file, new SeededRandom(seed)))) outcomes.add(outcome);
    }
    expect(outcomes).toContain('truncated');
    expect(outcomes.size).toBeGreaterThan(2);
  });
});
