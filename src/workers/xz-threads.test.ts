import { describe, expect, it } from 'vitest';
import type { XzBlockJob } from '../emu/storage/formats/codecs/xz.ts';
import { decodeStream } from '../emu/storage/formats/decode-stream.ts';
import { BytesSource } from '../emu/storage/formats/random-access.ts';
import { fixtureDisk } from '../emu/storage/formats/testing/fixture-disk.ts';
import { readFixture } from '../emu/storage/formats/testing/fixtures.ts';
import { chunksOf } from '../emu/storage/formats/testing/probe.ts';
import { readXzIndex } from '../emu/storage/formats/xz-image.ts';
import { createNodeXzThreads } from './node-xz-threads.ts';
import { answerXzJob, type FromXzThread, type ToXzThread, type XzPort, XzThreadPool } from './xz-threads.ts';

const disk = fixtureDisk();

/** A thread that answers when it is told to. */
class HeldPort implements XzPort {
  readonly jobs: ToXzThread[] = [];
  isClosed = false;
  fail: (reason: string) => void = () => {};
  #listener: (message: FromXzThread) => void = () => {};

  post(message: ToXzThread): void {
    this.jobs.push(message);
  }
  onMessage(listener: (message: FromXzThread) => void): void {
    this.#listener = listener;
  }
  onFailure(listener: (reason: string) => void): void {
    this.fail = listener;
  }
  close(): void {
    this.isClosed = true;
  }
  answer(): void {
    const job = this.jobs.shift();
    if (job) this.#listener(answerXzJob(job));
  }
}

/** Until nothing happens without an answer. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function heldPool(count: number): { pool: XzThreadPool; ports: HeldPort[] } {
  const ports: HeldPort[] = [];
  const open = (): HeldPort => {
    const port = new HeldPort();
    ports.push(port);
    return port;
  };
  return { pool: new XzThreadPool(open, count), ports };
}

/** The blocks of a file as they are sent to threads. */
async function jobsOf(file: Uint8Array<ArrayBuffer>): Promise<XzBlockJob[]> {
  const blocks = await readXzIndex(new BytesSource(file));
  return blocks.map(({ fileOffset, fileBytes, length, checkId }) => ({
    bytes: file.slice(fileOffset, fileOffset + fileBytes),
    uncompressedBytes: length,
    checkId,
    offset: fileOffset,
  }));
}

async function decode(file: Uint8Array, pool: XzThreadPool): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decodeStream('xz', chunksOf(file, 700), { xzThreads: pool })) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

describe('XzThreadPool', () => {
  it('decodes into memory that was given back, and only into that', async () => {
    const { pool, ports } = heldPool(1);
    const file = readFixture('xz, blocks');
    const [first, second] = await jobsOf(file);
    const decodeOne = async (job: XzBlockJob): Promise<{ contents: Uint8Array; room: boolean }> => {
      const contents = pool.decode({ ...job, bytes: job.bytes.slice() });
      const room = ports[0]!.jobs[0]!.room !== undefined;
      ports[0]!.answer();
      return { contents: await contents, room };
    };
    const one = await decodeOne(first!);
    const expected = one.contents.slice();
    expect(one.room).toBe(false);
    pool.recycle(one.contents.subarray(0, 100));
    expect((await decodeOne(first!)).room).toBe(false);
    one.contents.fill(0xaa);
    pool.recycle(one.contents.subarray(100));
    const again = await decodeOne(first!);
    expect(again.room).toBe(true);
    expect(again.contents).toEqual(expected);
    expect((await decodeOne(second!)).contents.length).toBe(second!.uncompressedBytes);
  });

  it('gives the disk in order, whichever thread is done first', async () => {
    const { pool, ports } = heldPool(2);
    const decoding = decode(readFixture('xz, blocks'), pool);
    for (let turn = 0; turn < 12; turn++) {
      await settle();
      ports.at(turn % 2 === 0 ? -1 : 0)?.answer();
    }
    expect(Buffer.compare(await decoding, disk)).toBe(0);
    expect(ports.length).toBe(2);
  });

  it('holds no more blocks than there are threads, and one', async () => {
    const { pool, ports } = heldPool(2);
    const stream = decodeStream('xz', chunksOf(readFixture('xz, blocks'), 700), { xzThreads: pool });
    const first = stream.next();
    await settle();
    expect(ports.flatMap(({ jobs }) => jobs).length).toBe(3);
    ports[0]?.answer();
    expect((await first).done).toBe(false);
    pool.close();
    expect(ports.every(({ isClosed }) => isClosed)).toBe(true);
  });

  it('passes on with its place what is wrong with a block, after what comes before it', async () => {
    const file = readFixture('xz, blocks');
    const block = (await readXzIndex(new BytesSource(file)))[2]!;
    file[block.fileOffset + 40]! ^= 1;
    const pool = createNodeXzThreads(2);
    let total = 0;
    const reading = async (): Promise<void> => {
      for await (const chunk of decodeStream('xz', chunksOf(file, 700), { xzThreads: pool })) {
        total += chunk.length;
      }
    };
    await expect(reading()).rejects.toMatchObject({ name: 'ImageError', offset: expect.any(Number) });
    expect(total).toBe(block.offset);
    pool.close();
  });

  it('fails what a thread had to do when the thread ends', async () => {
    const { pool, ports } = heldPool(1);
    const decoding = decode(readFixture('xz, blocks'), pool);
    await settle();
    ports[0]?.fail('out of memory');
    await expect(decoding).rejects.toThrow('a decoder thread failed: out of memory');
  });

  it('gives the disk from threads of Node, also of files without sizes in front', async () => {
    const pool = createNodeXzThreads(2);
    for (const name of ['xz, blocks', 'xz, one block', 'xz, two streams, padding']) {
      expect(Buffer.compare(await decode(readFixture(name), pool), disk)).toBe(0);
    }
    pool.close();
  });
});
