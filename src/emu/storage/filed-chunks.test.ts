import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { CHUNK_BYTES, WRITTEN_CHUNK_BYTES } from './chunk-size.ts';
import { FiledChunks } from './filed-chunks.ts';
import { MemoryFiles } from './memory-files.ts';
import { MemoryRecords } from './memory-records.ts';
import { placePrefix } from './place-tables.ts';

const LAYER = { id: 'layer', chunkBytes: WRITTEN_CHUNK_BYTES };
const MIB_CHUNKS = (1 << 20) / WRITTEN_CHUNK_BYTES;
const NOTHING = { puts: new Map<number, Uint8Array>(), deletes: [] };

function storage() {
  const [records, files] = [new MemoryRecords(), new MemoryFiles()];
  return { records, files };
}

/** Tells its number and its version. */
function contents(number: number, version = 0): Uint8Array {
  const bytes = new Uint8Array(WRITTEN_CHUNK_BYTES);
  new Uint32Array(bytes.buffer).fill(number * 64 + version + 1);
  return bytes;
}

const puts = (numbers: Iterable<number>, version = 0): Map<number, Uint8Array> =>
  new Map(Array.from(numbers, (number) => [number, contents(number, version)]));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

async function expectContents(chunks: FiledChunks, number: number, version = 0): Promise<void> {
  const [found] = await chunks.getMany([number]);
  expect([number, Buffer.compare(found!, contents(number, version))]).toEqual([number, 0]);
}

describe('FiledChunks', () => {
  it('has what was committed when it is opened again, by its writer or by several readers', async () => {
    const ports = storage();
    const writer = await FiledChunks.openToWrite(ports, LAYER);
    await writer.commit({ puts: puts([3, 700, 4]), deletes: [] }, 'strict');
    await writer.commit({ puts: new Map([[4, new Uint8Array(0)]]), deletes: [700] }, 'strict');
    await expect(FiledChunks.openToRead(ports, LAYER)).rejects.toThrow(/cannot be read/);
    writer.close();
    const readers = [await FiledChunks.openToRead(ports, LAYER), await FiledChunks.openToRead(ports, LAYER)];
    for (const reader of readers) {
      expect(reader.numbers()).toEqual([3, 4]);
      await expectContents(reader, 3);
      expect(await reader.getMany([4, 700])).toEqual([new Uint8Array(0), undefined]);
      const target = new Uint8Array(8).fill(0xcc);
      await reader.read(3, 512, target);
      expect(target).toEqual(contents(3).slice(512, 520));
      expect(() => reader.prepare(NOTHING)).toThrow(/shared/);
      reader.close();
    }
  });

  it('writes over no place that the records name, and uses places again that they named', async () => {
    const ports = storage();
    const chunks = await FiledChunks.openToWrite(ports, LAYER);
    for (let version = 0; version < 6; version++) {
      await chunks.commit({ puts: puts(range(0, 4), version), deletes: [] }, 'strict');
    }
    expect(ports.files.sizeOf(LAYER.id)).toBe(8 * WRITTEN_CHUNK_BYTES);
    const { records, files } = { records: ports.records.fork(), files: ports.files.fork() };
    const under = chunks.prepare({ puts: puts(range(0, 4), 6), deletes: [] });
    const crashed = await FiledChunks.openToRead({ records, files: ports.files.fork(() => 1) }, LAYER);
    for (const number of range(0, 4)) await expectContents(crashed, number, 5);
    under.failed(new Error('whether it was kept nobody knows'));
    // So its places stay taken.
    await chunks.commit({ puts: puts([0], 7), deletes: [] }, 'strict');
    expect(ports.files.sizeOf(LAYER.id)).toBe(9 * WRITTEN_CHUNK_BYTES);
    expect(files.sizeOf(LAYER.id)).toBe(8 * WRITTEN_CHUNK_BYTES);
  });

  it('writes a small record for a chunk of a large layer', async () => {
    const ports = storage();
    const chunks = await FiledChunks.openToWrite(ports, LAYER);
    await chunks.commit({ puts: puts(range(0, 600)), deletes: [] }, 'strict');
    const { puts: named = [], deletes } = chunks.prepare({ puts: puts([300], 1), deletes: [] }).records;
    expect(named.map(([, table]) => (table as Uint32Array).byteLength)).toEqual([1024]);
    expect(deletes).toEqual([]);
  });

  it('gives the room of what is discarded back, in the file’s middle too, and loses nothing', async () => {
    const ports = storage();
    const chunks = await FiledChunks.openToWrite(ports, LAYER);
    const count = 64 * MIB_CHUNKS;
    await chunks.commit({ puts: puts(range(0, count)), deletes: [] }, 'strict');
    expect(ports.files.sizeOf(LAYER.id)).toBe(64 << 20);
    const random = seededWords(1);
    const left = new Set(range(0, count).filter(() => random() % 4 === 0));
    await chunks.commit({ puts: new Map(), deletes: range(0, count).filter((n) => !left.has(n)) }, 'strict');
    for (let batch = 0; batch < 12; batch++) await chunks.commit(NOTHING, 'strict');
    // A quarter is left; 16 MB may be free before the end, and 2 MB behind it.
    expect(ports.files.sizeOf(LAYER.id)).toBeLessThan(36 << 20);
    for (const number of left) await expectContents(chunks, number);
    await chunks.commit({ puts: new Map(), deletes: left }, 'strict');
    expect(ports.files.sizeOf(LAYER.id)).toBe(0);
    expect(await ports.records.countBelow(placePrefix(LAYER.id))).toBe(0);
  });

  it('keeps nothing of a batch for which there is no room, and everything else', async () => {
    const ports = storage();
    const chunks = await FiledChunks.openToWrite(ports, LAYER);
    await chunks.commit({ puts: puts(range(0, 100)), deletes: [] }, 'strict');
    ports.files.roomBytes = 150.5 * WRITTEN_CHUNK_BYTES;
    const large = chunks.commit({ puts: puts(range(0, 100), 1), deletes: [] }, 'strict');
    await expect(large).rejects.toMatchObject({ kind: 'quota' });
    await chunks.commit({ puts: puts(range(100, 150)), deletes: [] }, 'strict');
    chunks.close();
    const again = await FiledChunks.openToWrite(ports, LAYER);
    for (const number of range(0, 150)) await expectContents(again, number);
  });

  it('can be read by others once it is shared, and goes on to be read', async () => {
    const ports = storage();
    const chunks = await FiledChunks.openToWrite(ports, LAYER);
    await chunks.commit({ puts: puts([1]), deletes: [] }, 'strict');
    chunks.share();
    const other = await FiledChunks.openToRead(ports, LAYER);
    await expectContents(chunks, 1);
    await expectContents(other, 1);
    other.close();
    chunks.close();
    await ports.files.delete(LAYER.id);
    expect(await ports.files.names()).toEqual([]);
  });

  it('says so when the file is shorter than the records tell', async () => {
    const ports = storage();
    const chunks = await FiledChunks.openToWrite(ports, LAYER);
    await chunks.commit({ puts: puts([1, 2]), deletes: [] }, 'strict');
    chunks.close();
    const file = await ports.files.openToWrite(LAYER.id);
    file.truncate(WRITTEN_CHUNK_BYTES);
    file.close();
    await expect(FiledChunks.openToWrite(ports, LAYER)).rejects.toThrow(/lost its end/);
    const reader = await FiledChunks.openToRead(ports, LAYER);
    await expect(reader.getMany([2])).rejects.toThrow(/too short/);
  });

  it('reads what was imported when records had runs of places, and goes on with such an import', async () => {
    const ports = storage();
    const layer = { id: 'pack', chunkBytes: CHUNK_BYTES };
    const file = await ports.files.openToWrite(layer.id);
    const order = [0, 1, 300, 7];
    for (const [place, number] of order.entries())
      file.write(place * CHUNK_BYTES, new Uint8Array(CHUNK_BYTES).fill(number + 1));
    file.close();
    const runs: [number, number[]][] = [
      [0, [0, 1]],
      [2, [300, 7]],
    ];
    const old = runs.map(([place, numbers]) => [['pack', 'pack', place], Uint32Array.from(numbers)] as const);
    await ports.records.commit({ puts: old }, 'strict');
    const writer = await FiledChunks.openToWrite(ports, layer);
    await writer.commit({ puts: new Map([[8, new Uint8Array(CHUNK_BYTES).fill(9)]]), deletes: [] }, 'strict');
    writer.close();
    const reader = await FiledChunks.openToRead(ports, layer);
    const found = await reader.getMany([...order, 8]);
    expect(found.map((bytes) => bytes?.at(-1))).toEqual([1, 2, (300 + 1) & 0xff, 8, 9]);
  });
});
