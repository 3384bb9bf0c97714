import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import { LocalLocks } from '../emu/storage/disk-locks.ts';
import { LibraryState } from '../emu/storage/disk-records.ts';
import { usedBytes } from '../emu/storage/layer-chunks.ts';
import { MemoryFiles } from '../emu/storage/memory-files.ts';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import { CrashingStorage, type MemoryStorage } from '../emu/storage/testing/crashing-storage.ts';
import { PortStore } from './disk-port.ts';
import { StorageHost } from './storage-host.ts';
import type { DiskExportFormat, ExportMessage, ImportCall, JobMessage, Outcome } from './storage-protocol.ts';

const URL_OF_IMAGE = 'https://images.example/disk.img';
const QCOW2_CLUSTER_BYTES = 1 << 16;
const SIZE = 9 * CHUNK_BYTES + 1024;
/** With a hole in the middle. */
const image = Uint8Array.from({ length: SIZE }, (_, at) =>
  at > 3 * CHUNK_BYTES && at < 6 * CHUNK_BYTES ? 0 : (at * 7 + (at >> 9)) & 0xff,
);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const open: MessagePort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});
function channel(): [MessagePort, MessagePort] {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  return [port1, port2];
}

/** Chunks of all layers, wherever they are. */
async function chunkCount({ records, files }: MemoryStorage): Promise<number> {
  const layers = [...(await LibraryState.read(records)).layers.values()];
  expect(layers.map(({ isFiled = false }) => isFiled)).toEqual(layers.map(() => files !== undefined));
  const used = await Promise.all(layers.map((layer) => usedBytes(records, layer)));
  return used.reduce((sum, bytes) => sum + bytes, 0) / CHUNK_BYTES;
}

async function expectNothingKept({ records, files }: MemoryStorage): Promise<void> {
  expect(await records.keysBelow([])).toEqual([]);
  expect((await files?.names()) ?? []).toEqual([]);
}

/** A server of one file, with faults to order. */
class Server {
  readonly requests: string[] = [];
  bytes: Uint8Array = image;
  etag = '"one"';
  knowsRanges = true;
  isReachable = true;
  /** Bytes after which the next answers break off. */
  breaks: number[] = [];

  readonly fetch: typeof fetch = async (_, init = {}) => {
    const range = new Headers(init.headers).get('range');
    this.requests.push(`${init.method ?? 'GET'} ${range ?? ''}`.trim());
    if (!this.isReachable) throw new TypeError('Failed to fetch');
    const [, first, last] = (this.knowsRanges && /^bytes=(\d+)-(\d*)$/.exec(range ?? '')) || [];
    const from = Number(first ?? 0);
    const part = this.bytes.slice(from, last ? Number(last) + 1 : undefined);
    const headers = { 'content-length': String(part.length), etag: this.etag };
    if (init.method === 'HEAD') return new Response(null, { headers });
    return new Response(this.body(part), { status: first === undefined ? 200 : 206, headers });
  };

  private body(part: Uint8Array): ReadableStream<Uint8Array> {
    const end = Math.min(this.breaks.shift() ?? part.length, part.length);
    const step = 100_000;
    let at = 0;
    return new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve));
        if (at < end) {
          controller.enqueue(part.slice(at, Math.min(end, (at += step))));
        } else if (end < part.length) controller.error(new TypeError('network error'));
        else controller.close();
      },
    });
  }
}

function setting({ records = new MemoryRecords(), files }: Partial<MemoryStorage> = {}) {
  const server = new Server();
  let ids = 0;
  const host = new StorageHost(
    Promise.resolve({
      records,
      files,
      locks: new LocalLocks(),
      nowMs: () => Date.now(),
      newId: () => `id-${Date.now()}-${++ids}`,
      announce: () => {},
      network: { fetch: server.fetch, origin: 'https://page.example', sleep: async () => {} },
    }),
  );
  const bring = (call: Partial<ImportCall>): Promise<Outcome<string>> =>
    host.import({ name: 'disk', origin: { kind: 'url', url: URL_OF_IMAGE }, ...call }, channel()[0]);
  const file = (bytes: Uint8Array<ArrayBuffer>): Partial<ImportCall> => ({
    file: new Blob([bytes]),
    origin: { kind: 'file', fileName: 'disk.img' },
  });
  return { host, server, records, files, bring, file };
}

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.kind}: ${outcome.message}`);
  return outcome.value;
}

async function exported(
  host: StorageHost,
  id: string,
  format: DiskExportFormat = 'raw',
): Promise<Uint8Array<ArrayBuffer>> {
  const [mine, theirs] = channel();
  value(await host.export(id, format, theirs));
  const parts: Uint8Array[] = [];
  for (;;) {
    const message = await new Promise<ExportMessage>((resolve) => {
      mine.onmessage = ({ data }) => resolve(data);
      mine.postMessage({ kind: 'pull' });
    });
    if (message.kind === 'end') return new Uint8Array(Buffer.concat(parts));
    if (message.kind === 'failed') throw new Error(message.message);
    parts.push(message.bytes);
  }
}

describe.each([
  ['an import into records', () => undefined],
  ['an import into files', () => new MemoryFiles()],
])('%s', (_, makeFiles) => {
  const newSetting = () => setting({ files: makeFiles() });

  it.each([
    ['a raw file', image, 'raw'],
    ['a gzip file', new Uint8Array(gzipSync(image)), 'raw, gzip-compressed'],
  ])('of %s gives the image’s bytes back, and stores no zeros', async (_, bytes, format) => {
    const { host, records, files, bring, file } = newSetting();
    const id = value(await bring(file(bytes)));
    expect(Buffer.compare(await exported(host, id), image)).toBe(0);
    const [disk] = value(await host.list());
    expect(disk).toMatchObject({ sizeBytes: SIZE, format, sha256: sha256(bytes), changedBytes: 0 });
    expect(await chunkCount({ records, files })).toBe(7);
    expect(await records.countBelow(['import'])).toBe(0);
  });

  it('of a qcow2 file that was exported gives the same disk, and keeps nothing of the file', async () => {
    const { host, records, files, bring, file } = newSetting();
    const first = value(await bring(file(image)));
    const qcow2 = await exported(host, first, 'qcow2');
    expect(qcow2.length).toBeLessThan(image.length);
    const second = value(await bring(file(qcow2)));
    expect(Buffer.compare(await exported(host, second), image)).toBe(0);
    expect(value(await host.list())[1]).toMatchObject({ format: 'qcow2 version 3', sha256: sha256(qcow2) });
    expect(await chunkCount({ records, files })).toBe(14);
    const damaged = qcow2.slice(0, qcow2.length - (1 << 17));
    expect(await bring(file(damaged))).toMatchObject({ ok: false, kind: 'bad-image' });
    expect(await chunkCount({ records, files })).toBe(14);
  });

  it('gives the changes alone as a qcow2 file', async () => {
    const { host, bring, file } = newSetting();
    const id = value(await bring(file(image)));
    const [mine, theirs] = channel();
    const size = value(await host.serve(id, 'write', theirs));
    const store = new PortStore(mine, { size, readOnly: false });
    await store.write(2 * CHUNK_BYTES, new Uint8Array(512).fill(9));
    await store.flush();
    value(await host.closeDisks());
    const changes = await exported(host, id, 'overlay');
    const second = value(await bring(file(changes)));
    const expected = new Uint8Array(SIZE);
    // A whole cluster of the file, for it hides what is below.
    expected.set(image.subarray(2 * CHUNK_BYTES, 2 * CHUNK_BYTES + QCOW2_CLUSTER_BYTES), 2 * CHUNK_BYTES);
    expected.fill(9, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 512);
    expect(Buffer.compare(await exported(host, second), expected)).toBe(0);
  });

  it('gives all changes since the import, also of a disk that was cloned in between', async () => {
    const { host, bring, file } = newSetting();
    const id = value(await bring(file(image)));
    const expected = new Uint8Array(SIZE);
    for (const [chunk, byte] of [
      [2, 9],
      [5, 7],
    ] as const) {
      const [mine, theirs] = channel();
      const size = value(await host.serve(id, 'write', theirs));
      const store = new PortStore(mine, { size, readOnly: false });
      const [from, to] = [chunk * CHUNK_BYTES, chunk * CHUNK_BYTES + QCOW2_CLUSTER_BYTES];
      await store.write(from, new Uint8Array(QCOW2_CLUSTER_BYTES).fill(byte));
      expected.fill(byte, from, to);
      value(await host.closeDisks());
      value(await host.clone(id, `clone ${chunk}`));
    }
    const second = value(await bring(file(await exported(host, id, 'overlay'))));
    expect(Buffer.compare(await exported(host, second), expected)).toBe(0);
    const [told] = value(await host.list());
    expect(told).toMatchObject({ changedBytes: 0, sinceImportBytes: 2 * QCOW2_CLUSTER_BYTES });
  });

  it('goes on where a connection broke, without asking for anything twice', async () => {
    const { host, server, bring } = newSetting();
    server.breaks = [1_000_000, 300_000];
    const id = value(await bring({ expectedSha256: sha256(image).toUpperCase() }));
    expect(server.requests).toEqual(['GET', 'GET bytes=1000000-', 'GET bytes=1300000-']);
    expect(Buffer.compare(await exported(host, id), image)).toBe(0);
  });

  it('can be taken up again later when the network is gone', async () => {
    const { host, server, bring } = newSetting();
    server.breaks = [2_000_000, 0, 0, 0, 0, 0, 0];
    expect(await bring({})).toMatchObject({ ok: false, kind: 'network' });
    expect(value(await host.list())).toEqual([]);
    // A batch was not full yet, so nothing was kept; a larger file keeps what its batches hold.
    const large = new Uint8Array(40 * CHUNK_BYTES).map((_, at) => at >> 8);
    server.bytes = large;
    server.breaks = [36 * CHUNK_BYTES, 0, 0, 0, 0, 0, 0];
    expect(await bring({})).toMatchObject({ ok: false, kind: 'network' });
    const [cut] = value(await host.unfinishedImports());
    expect(cut).toMatchObject({ name: 'disk', totalBytes: large.length });
    server.breaks = [];
    server.requests.length = 0;
    const id = value(await host.resumeImport(cut!.id, undefined, channel()[0]));
    expect(server.requests).toEqual([`GET bytes=${32 * CHUNK_BYTES}-`]);
    expect(Buffer.compare(await exported(host, id), large)).toBe(0);
    expect(value(await host.list())[0]?.sha256).toBe(sha256(large));
    expect(value(await host.unfinishedImports())).toEqual([]);
  });

  it('refuses to go on with another file, and clears away what is discarded', async () => {
    const { host, server, records, files, bring } = newSetting();
    server.bytes = new Uint8Array(40 * CHUNK_BYTES).fill(3);
    server.breaks = [36 * CHUNK_BYTES, 0, 0, 0, 0, 0, 0];
    await bring({});
    const [cut] = value(await host.unfinishedImports());
    server.etag = '"two"';
    const refused = await host.resumeImport(cut!.id, undefined, channel()[0]);
    expect(refused).toMatchObject({ ok: false, message: expect.stringContaining('not the file') });
    value(await host.discardImport(cut!.id));
    await expectNothingKept({ records, files });
  });

  it.each([
    ['a file that is damaged', { bytes: new Uint8Array(gzipSync(image)).slice(0, 9000) }, 'bad-image'],
    ['a web page', { bytes: new TextEncoder().encode('<!DOCTYPE html><p>Log in') }, 'bad-image'],
    ['an empty file', { bytes: new Uint8Array(0) }, 'bad-image'],
    ['a server that cannot be reached', { isReachable: false }, 'cross-origin'],
    ['a server that cannot go on in the middle', { knowsRanges: false, breaks: [2_000_000] }, 'no-ranges'],
  ])('of %s is refused in words and leaves nothing', async (_, faults, kind) => {
    const { host, server, records, files, bring } = newSetting();
    Object.assign(server, faults);
    expect(await bring({})).toMatchObject({ ok: false, kind, message: expect.stringMatching(/\w{3}.*\.$/) });
    expect(value(await host.list())).toEqual([]);
    await expectNothingKept({ records, files });
  });

  it('is refused for a wrong sum, and ends when it is cancelled', async () => {
    const { records, files, host, bring, file } = newSetting();
    const wrong = await bring({ ...file(image), expectedSha256: '0'.repeat(64) });
    expect(wrong).toMatchObject({ ok: false, kind: 'wrong-checksum' });
    const [mine, theirs] = channel();
    const call: ImportCall = { name: 'disk', origin: { kind: 'url', url: URL_OF_IMAGE } };
    mine.postMessage({ kind: 'cancel' });
    expect(await host.import(call, theirs)).toMatchObject({ ok: false, kind: 'cancelled' });
    await expectNothingKept({ records, files });
  });

  it('tells how far it is', async () => {
    const { host } = newSetting();
    const [mine, theirs] = channel();
    const told: JobMessage[] = [];
    mine.onmessage = ({ data }) => told.push(data);
    const origin = { kind: 'url', url: URL_OF_IMAGE } as const;
    value(await host.import({ name: 'disk', origin }, theirs));
    expect(told[0]).toEqual({
      kind: 'progress',
      progress: { stage: 'fetch', doneBytes: expect.any(Number), totalBytes: SIZE },
    });
  });
});

describe('a disk over an image on a server', () => {
  it('fetches what is read, once, and keeps it and what is written', async () => {
    const { host, server, bring } = setting();
    const id = value(await bring({ onDemand: true }));
    expect(await host.list()).toMatchObject({ value: [{ ownBytes: 0 }] });
    server.requests.length = 0;
    const [mine, theirs] = channel();
    const size = value(await host.serve(id, 'write', theirs));
    const store = new PortStore(mine, { size, readOnly: false });
    const target = new Uint8Array(5000);
    await store.read(7 * CHUNK_BYTES, target);
    expect(Buffer.compare(target, image.subarray(7 * CHUNK_BYTES, 7 * CHUNK_BYTES + 5000))).toBe(0);
    await store.write(0, new Uint8Array(512).fill(0x77));
    await store.flush();
    value(await host.closeDisks());
    const fetched = server.requests.filter((request) => request.startsWith('GET'));
    expect(fetched.length).toBeGreaterThan(0);
    expect(new Set(fetched).size).toBe(fetched.length);
    const expected = image.slice();
    expected.fill(0x77, 0, 512);
    expect(Buffer.compare(await exported(host, id), expected)).toBe(0);
    server.isReachable = false;
    expect(Buffer.compare(await exported(host, id), expected)).toBe(0);
  });

  it('needs a server that sends parts of files, of the same file', async () => {
    const { host, server, records, bring } = setting();
    server.knowsRanges = false;
    expect(await bring({ onDemand: true })).toMatchObject({ ok: false, kind: 'no-ranges' });
    expect(await records.keysBelow([])).toEqual([]);
    server.knowsRanges = true;
    const id = value(await bring({ onDemand: true }));
    server.etag = '"two"';
    await expect(exported(host, id)).rejects.toThrow(/changed/);
  });

  it('refuses an image that can only be read from its start', async () => {
    const { server, records, bring } = setting();
    server.bytes = new Uint8Array(gzipSync(image));
    expect(await bring({ onDemand: true })).toMatchObject({ ok: false, kind: 'bad-image' });
    expect(await records.keysBelow([])).toEqual([]);
  });
});

describe('files of layers', () => {
  it('go with the last disk that needs them, and are shared by clones', async () => {
    const files = new MemoryFiles();
    const { host, bring, file } = setting({ files });
    const first = value(await bring(file(image)));
    const second = value(await host.clone(first, 'second'));
    expect(await files.names()).toHaveLength(1);
    const [disk] = value(await host.list());
    expect(disk).toMatchObject({ sharedBytes: 7 * CHUNK_BYTES, ownBytes: 0 });
    value(await host.delete(first));
    expect(Buffer.compare(await exported(host, second), image)).toBe(0);
    value(await host.delete(second));
    expect(await files.names()).toEqual([]);
  });

  it('that no layer names are swept away, and those of imports that can go on are not', async () => {
    const files = new MemoryFiles();
    const { host, server, bring, file } = setting({ files });
    value(await bring(file(image)));
    server.bytes = new Uint8Array(40 * CHUNK_BYTES).fill(3);
    server.breaks = [36 * CHUNK_BYTES, 0, 0, 0, 0, 0, 0];
    expect(await bring({})).toMatchObject({ ok: false });
    (await files.openToWrite('left-behind')).close();
    expect(await files.names()).toHaveLength(3);
    value(await host.list());
    await expect.poll(() => files.names()).toHaveLength(2);
    expect(await files.names()).not.toContain('left-behind');
    expect(value(await host.unfinishedImports())).toHaveLength(1);
  });

  it('leave a disk readable, or an import that goes on to the same bytes, after a crash behind any batch', async () => {
    const storage = new CrashingStorage('files');
    const large = Uint8Array.from({ length: 70 * CHUNK_BYTES }, (_, at) => 1 + ((at >> 10) % 200));
    const { bring, file } = setting(storage);
    value(await bring({ ...file(large), origin: { kind: 'url', url: URL_OF_IMAGE } }));
    let resumed = 0;
    for (const state of storage.states) {
      const { host } = setting(state);
      for (const { id } of value(await host.unfinishedImports())) {
        resumed++;
        value(await host.resumeImport(id, new Blob([large]), channel()[0]));
      }
      const [disk] = value(await host.list());
      if (disk) expect(Buffer.compare(await exported(host, disk.id), large)).toBe(0);
    }
    expect(resumed).toBeGreaterThan(2);
  });

  it('leave nothing of an image for which there is no room', async () => {
    const files = new MemoryFiles();
    files.roomBytes = 3 * CHUNK_BYTES;
    const { records, bring, file } = setting({ files });
    expect(await bring(file(image))).toMatchObject({ ok: false, kind: 'quota' });
    await expectNothingKept({ records, files });
  });

  it('do not stand in the way of an import that began without them', async () => {
    const { records, server, bring } = setting();
    server.bytes = new Uint8Array(40 * CHUNK_BYTES).fill(3);
    server.breaks = [36 * CHUNK_BYTES, 0, 0, 0, 0, 0, 0];
    expect(await bring({})).toMatchObject({ ok: false });
    const later = setting({ records, files: new MemoryFiles() });
    later.server.bytes = server.bytes;
    const [cut] = value(await later.host.unfinishedImports());
    const id = value(await later.host.resumeImport(cut!.id, undefined, channel()[0]));
    expect(Buffer.compare(await exported(later.host, id), server.bytes)).toBe(0);
    expect(await later.files?.names()).toEqual([]);
  });
});

describe('a served disk', () => {
  it('has many requests under way, and gives failures their kind', async () => {
    const { host, bring, file } = setting();
    const id = value(await bring(file(image)));
    const [mine, theirs] = channel();
    let size = value(await host.serve(id, 'write', theirs));
    const store = new PortStore(mine, { size, readOnly: false });
    const targets = Array.from({ length: 32 }, () => new Uint8Array(4096));
    await Promise.all(targets.map((target, index) => store.read(index * 8192, target)));
    for (const [index, target] of targets.entries()) {
      expect(Buffer.compare(target, image.subarray(index * 8192, index * 8192 + 4096))).toBe(0);
    }
    const data = new Uint8Array(1024).fill(1);
    const written = store.write(1024, data);
    data.fill(2);
    await Promise.all([written, store.discard(4096, 512), store.flush()]);
    const back = new Uint8Array(1024);
    await store.read(1024, back);
    expect([...new Set(back)]).toEqual([1]);
    let told = 0;
    store.watchSize(() => told++);
    value(await host.growServed(id, size + CHUNK_BYTES));
    await store.read(size, new Uint8Array(512));
    expect([told, store.size]).toEqual([1, size + CHUNK_BYTES]);
    expect(await host.growServed(id, size)).toMatchObject({ ok: false, kind: 'in-use' });
    size += CHUNK_BYTES;
    await expect(store.read(size, new Uint8Array(1))).rejects.toMatchObject({ kind: 'out-of-range' });
    await expect(store.write(1, new Uint8Array(1))).rejects.toThrow(/whole sectors/);
  });
});
