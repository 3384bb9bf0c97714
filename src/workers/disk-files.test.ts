/** Files inside disks of the library: the image goes in as an import, and its files come out one by one. */
import { afterEach, describe, expect, it } from 'vitest';
import { LocalLocks } from '../emu/storage/disk-locks.ts';
import { readFixtures } from '../emu/storage/filesystems/testing/fixtures.ts';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import { StorageHost } from './storage-host.ts';
import type { ExportMessage, FilePlace, Outcome } from './storage-protocol.ts';

const fixtures = readFixtures();
const open: MessagePort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});
function channel(): [MessagePort, MessagePort] {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  return [port1, port2];
}

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.kind}: ${outcome.message}`);
  return outcome.value;
}

/** A library with one disk, made from a fixture. */
async function libraryWith(name: string) {
  const locks = new LocalLocks();
  let ids = 0;
  const host = new StorageHost(
    Promise.resolve({
      records: new MemoryRecords(),
      locks,
      nowMs: () => 1_800_000_000_000,
      newId: () => `id${ids++}`,
      announce: () => {},
      network: { fetch, origin: 'https://page.example', sleep: async () => {} },
    }),
  );
  const { image } = fixtures.find((row) => row.name === name) ?? { image: new Uint8Array() };
  const file = new Blob([new Uint8Array(image)]);
  const origin = { kind: 'file', fileName: name } as const;
  const id = value(await host.import({ name, origin, file }, channel()[0]));
  return { host, id, locks };
}

/** All of a file, as the page would pull it. */
async function readFile(host: StorageHost, place: FilePlace): Promise<string> {
  const [mine, theirs] = channel();
  value(await host.readFile(place, theirs));
  const parts: Uint8Array[] = [];
  for (;;) {
    const message = await new Promise<ExportMessage>((resolve) => {
      mine.onmessage = ({ data }) => resolve(data);
      mine.postMessage({ kind: 'pull' });
    });
    if (message.kind === 'end') return Buffer.concat(parts).toString();
    if (message.kind === 'failed') throw new Error(message.message);
    parts.push(message.bytes);
  }
}

const text = (contents: string): Uint8Array => new TextEncoder().encode(contents);

describe('files inside a disk', () => {
  it('of FAT are listed, read, replaced and removed', async () => {
    const { host, id } = await libraryWith('fat16');
    const [volume] = value(await host.volumes(id));
    expect(volume?.contents).toMatchObject({ kind: 'fat16', label: 'FIXTURE', isWritable: true });
    const place = { id, path: '/config.txt' };
    expect(await readFile(host, place)).toBe('arm_64bit=1\nenable_uart=1\n');
    value(await host.changeFile(place, { kind: 'write', contents: text('kernel=mine\n') }));
    expect(await readFile(host, place)).toBe('kernel=mine\n');
    value(await host.changeFile({ id, path: '/sub' }, { kind: 'make-directory' }));
    value(await host.changeFile(place, { kind: 'remove' }));
    const names = value(await host.listFiles({ id, path: '/' })).map(({ name }) => name);
    expect(names).toContain('sub');
    expect(names).not.toContain('config.txt');
    expect(value(await host.list())[0]?.changedBytes).toBeGreaterThan(0);
  });

  it('of ext4 are read, and a change is refused in words', async () => {
    const { host, id } = await libraryWith('ext4-journal');
    const [volume] = value(await host.volumes(id));
    expect(volume?.contents).toMatchObject({
      kind: 'ext4',
      isWritable: false,
      notes: [expect.stringContaining('journal')],
    });
    const place = { id, path: '/config.txt' };
    expect(await readFile(host, place)).toBe('arm_64bit=1\nenable_uart=1\n');
    expect(await host.changeFile(place, { kind: 'remove' })).toEqual({
      ok: false,
      kind: 'file-system',
      message: 'Files on ext4 can be read, not changed.',
    });
  });

  it('tell what partitions hold, also when that cannot be read', async () => {
    const { host, id } = await libraryWith('gpt');
    const volumes = value(await host.volumes(id));
    expect(volumes.map(({ partition, name }) => [partition, name])).toEqual([
      [1, 'boot'],
      [3, 'root größe'],
    ]);
    expect(volumes[0]?.contents).toMatchObject({
      kind: 'unknown',
      problem: expect.stringContaining('partition 1'),
    });
  });

  it('are not to be had while a machine writes to the disk, and the disk is free again after each call', async () => {
    const { host, id, locks } = await libraryWith('fat16');
    const release = await locks.tryHold(id, 'write');
    expect(await host.listFiles({ id, path: '/' })).toMatchObject({ ok: false, kind: 'in-use' });
    release?.();
    value(await host.listFiles({ id, path: '/' }));
    await readFile(host, { id, path: '/config.txt' });
    expect(await host.readFile({ id, path: '/nothing' }, channel()[0])).toMatchObject({
      ok: false,
      kind: 'file-system',
    });
    expect(await locks.tryHold(id, 'write')).toBeDefined();
  });
});
