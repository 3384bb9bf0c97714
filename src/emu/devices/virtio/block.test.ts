import { describe, expect, it } from 'vitest';
import type { BlockStore, MaybePromise } from '../../storage/block-store.ts';
import { StorageError } from '../../storage/block-store.ts';
import { MemoryStore } from '../../storage/memory-store.ts';
import { seededWords } from '../../testing/device-harness.ts';
import { RecordedLog, VirtioDriver } from '../../testing/virtio-driver.ts';
import { VirtioBlock } from './block.ts';
import { STATUS_NEEDS_RESET } from './mmio-transport.ts';
import * as register from './registers.ts';

const IN = 0;
const OUT = 1;
const FLUSH = 4;
const GET_ID = 8;
const DISCARD = 11;
const WRITE_ZEROES = 13;
const OK = 0;
const IO_ERROR = 1;
const UNSUPPORTED = 2;
const SECTORS = 64;

function header(type: number, sector: number | bigint = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}
function range(sector: number, count: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(sector), true);
  view.setUint32(8, count, true);
  view.setUint32(12, flags, true);
  return bytes;
}
const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill);

function machine(store: BlockStore = new MemoryStore(undefined, { size: SECTORS * 512 })) {
  const log = new RecordedLog();
  const guest = new VirtioDriver(new VirtioBlock(store, 'disk-0', log));
  guest.start();
  /** Carries out one request of a sector's data or less and returns its status and what was read. */
  const request = (type: number, at: number | bigint, data?: Uint8Array | number) => {
    const middle = data === undefined ? [] : [{ content: data }];
    const { places } = guest.offer(0, [{ content: header(type, at) }, ...middle, { content: 1 }]);
    guest.ram.bytes[places.at(-1)!] = 0xff;
    guest.notify(0);
    const read = typeof data === 'number' ? guest.bytesAt(places[1]!, data) : new Uint8Array(0);
    return { status: guest.ram.bytes[places.at(-1)!]!, read, written: guest.used(0).at(-1)?.[1] };
  };
  return { guest, log, request, store };
}

/** Answers when told to. */
class SlowStore implements BlockStore {
  readonly size = SECTORS * 512;
  readonly readOnly = false;
  readonly inner = new MemoryStore(undefined, { size: this.size });
  readonly waiting: { go: () => void; fail: (error: Error) => void }[] = [];
  private later(work: () => MaybePromise<void>): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.waiting.push({
        go: () => {
          void work();
          resolve();
        },
        fail: reject,
      });
    });
  }
  read(offset: number, target: Uint8Array): Promise<void> {
    return this.later(() => this.inner.read(offset, target));
  }
  write(offset: number, source: Uint8Array): Promise<void> {
    return this.later(() => this.inner.write(offset, source));
  }
  flush(): Promise<void> {
    return this.later(() => undefined);
  }
  discard(offset: number, length: number): Promise<void> {
    return this.later(() => this.inner.discard(offset, length));
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('virtio block', () => {
  it('tells capacity, block size and limits in its configuration', () => {
    const { guest } = machine();
    expect(guest.registers.read(register.CONFIG)).toBe(SECTORS);
    expect(guest.registers.read(register.CONFIG + 12)).toBe(254);
    expect(guest.registers.read(register.CONFIG + 20)).toBe(512);
    expect(guest.registers.read(register.CONFIG + 24, 1)).toBe(3);
    expect(guest.registers.read(register.CONFIG + 28)).toBe((256 << 10) / 512);
    expect(guest.registers.read(register.CONFIG + 40)).toBe(64);
  });

  it('reads back what was written, whatever the buffers look like', () => {
    const { guest, request } = machine();
    expect(request(OUT, 3, sector(0x5a))).toMatchObject({ status: OK, written: 1 });
    const { places } = guest.offerIndirect(0, [
      { content: header(IN, 2).subarray(0, 7) },
      { content: header(IN, 2).subarray(7) },
      { content: 700 },
      { content: 325 },
    ]);
    guest.notify(0);
    expect(guest.used(0).at(-1)?.[1]).toBe(1025);
    expect(guest.ram.bytes[places[3]! + 324]).toBe(OK);
    expect([...guest.bytesAt(places[2]! + 510, 4)]).toEqual([0, 0, 0x5a, 0x5a]);
    expect(guest.bytesAt(places[3]!, 324)).toEqual(new Uint8Array(324).fill(0x5a));
  });

  it('tells its identity, padded with zeros', () => {
    const { request } = machine();
    const { status, read } = request(GET_ID, 0, 20);
    expect(status).toBe(OK);
    expect(new TextDecoder().decode(read)).toBe('disk-0'.padEnd(20, '\0'));
  });

  it('clears ranges for discard and write-zeroes', () => {
    const { request } = machine();
    for (const at of [1, 2, 3]) request(OUT, at, sector(7));
    expect(request(DISCARD, 0, range(1, 1)).status).toBe(OK);
    expect(request(WRITE_ZEROES, 0, range(3, 1, 1)).status).toBe(OK);
    expect([1, 2, 3].map((at) => request(IN, at, 512).read[0])).toEqual([0, 7, 0]);
  });

  it('flushes', () => {
    expect(machine().request(FLUSH, 0).status).toBe(OK);
  });

  const refused: [string, number, number | bigint, Uint8Array | number | undefined, number][] = [
    ['a read ends beyond the disk', IN, SECTORS - 1, 1024, IO_ERROR],
    ['a write starts beyond the disk', OUT, SECTORS, sector(1), IO_ERROR],
    ['a sector number is absurd', IN, 0xffff_ffff_ffff_ffffn, 512, IO_ERROR],
    ['a size is not a multiple of a sector', IN, 0, 511, IO_ERROR],
    ['a read has no data', IN, 0, undefined, IO_ERROR],
    ['a discard has no range', DISCARD, 0, undefined, IO_ERROR],
    ['a discard has a part of a range', DISCARD, 0, new Uint8Array(15), IO_ERROR],
    ['a discard has too many ranges', DISCARD, 0, new Uint8Array(16 * 65), IO_ERROR],
    ['a discard ends beyond the disk', DISCARD, 0, range(SECTORS - 1, 2), IO_ERROR],
    ['a discard carries flags', DISCARD, 0, range(0, 1, 1), UNSUPPORTED],
    ['write-zeroes carries reserved flags', WRITE_ZEROES, 0, range(0, 1, 2), UNSUPPORTED],
    ['the type is not known', 99, 0, 512, UNSUPPORTED],
  ];
  for (const [what, type, at, data, expected] of refused) {
    it(`refuses the request and changes nothing when ${what}`, () => {
      const { guest, request, store } = machine();
      expect(request(type, at, data).status).toBe(expected);
      expect((store as MemoryStore).writtenBytes).toBe(0);
      expect(guest.status & STATUS_NEEDS_RESET).toBe(0);
    });
  }

  it('offers no discard and refuses writes when the disk is read-only', () => {
    const { guest, request } = machine(new MemoryStore(new Uint8Array(4096), { readOnly: true }));
    guest.registers.write(register.DEVICE_FEATURES_SEL, 0);
    const features = guest.registers.read(register.DEVICE_FEATURES);
    expect(features & (1 << 5)).not.toBe(0);
    expect(features & ((1 << 13) | (1 << 14))).toBe(0);
    expect(request(OUT, 0, sector(1)).status).toBe(IO_ERROR);
    expect(request(WRITE_ZEROES, 0, range(0, 1)).status).toBe(IO_ERROR);
    expect(request(IN, 0, 512).status).toBe(OK);
  });

  it('asks for a reset when a request has no room for a status', () => {
    const { guest } = machine();
    guest.offer(0, [{ content: header(FLUSH) }]);
    guest.notify(0);
    expect(guest.status & STATUS_NEEDS_RESET).toBe(STATUS_NEEDS_RESET);
  });

  it('completes later and out of order when the store does', async () => {
    const store = new SlowStore();
    const { guest } = machine(store);
    const first = guest.offer(0, [{ content: header(OUT, 0) }, { content: sector(1) }, { content: 1 }]);
    const second = guest.offer(0, [{ content: header(IN, 5) }, { content: 512 }, { content: 1 }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([]);
    store.waiting[1]!.go();
    await settled();
    expect(guest.used(0)).toEqual([[second.head, 513]]);
    expect(guest.line.level).toBe(true);
    store.waiting[0]!.go();
    await settled();
    expect(guest.used(0)[1]).toEqual([first.head, 1]);
  });

  it('reports an I/O error with a log line when the store fails', async () => {
    const store = new SlowStore();
    const { guest, log } = machine(store);
    const { places } = guest.offer(0, [{ content: header(IN, 0) }, { content: 512 }, { content: 1 }]);
    guest.notify(0);
    store.waiting[0]!.fail(new StorageError('io', 'the network is gone'));
    await settled();
    expect(guest.ram.bytes[places[2]!]).toBe(IO_ERROR);
    expect(log.lines).toEqual(['warning virtio-block: read failed: the network is gone']);
  });

  it('leaves the memory alone when a read completes after a reset', async () => {
    const store = new SlowStore();
    await store.inner.write(0, sector(0xee));
    const { guest } = machine(store);
    const { places } = guest.offer(0, [{ content: header(IN, 0) }, { content: 512 }, { content: 1 }]);
    guest.notify(0);
    guest.start();
    store.waiting[0]!.go();
    await settled();
    expect(guest.bytesAt(places[1]!, 512)).toEqual(sector(0));
    expect(guest.used(0)).toEqual([]);
    expect(guest.line.level).toBe(false);
  });

  it('carries out requests in flight again when saved and restored', async () => {
    const first = machine(new SlowStore());
    first.guest.offer(0, [{ content: header(OUT, 9) }, { content: sector(0x99) }, { content: 1 }]);
    first.guest.notify(0);
    const state = structuredClone(first.guest.transport.saveState());
    const store = new MemoryStore(undefined, { size: SECTORS * 512 });
    const second = new VirtioDriver(new VirtioBlock(store, 'disk-0', new RecordedLog()));
    second.ram.bytes.set(first.guest.ram.bytes);
    second.transport.restoreState(state);
    expect(second.used(0)).toEqual([[0, 1]]);
    expect(second.line.level).toBe(true);
    const data = new Uint8Array(512);
    await store.read(9 * 512, data);
    expect(data).toEqual(sector(0x99));
  });

  it('tells a new capacity in its configuration and by an interrupt, and takes requests there', () => {
    const inner = new MemoryStore(undefined, { size: 2 * SECTORS * 512 });
    let size = SECTORS * 512;
    let resized = (): void => {};
    const { guest, request } = machine({
      get size() {
        return size;
      },
      readOnly: false,
      read: (offset, target) => inner.read(offset, target),
      write: (offset, source) => inner.write(offset, source),
      flush: () => inner.flush(),
      discard: (offset, length) => inner.discard(offset, length),
      watchSize: (listener) => {
        resized = listener;
      },
    });
    expect(request(OUT, SECTORS, sector(1)).status).toBe(IO_ERROR);
    guest.registers.write(register.INTERRUPT_ACK, 3);
    const generation = guest.registers.read(register.CONFIG_GENERATION);
    size = 2 * SECTORS * 512;
    resized();
    expect(guest.registers.read(register.INTERRUPT_STATUS)).toBe(2);
    expect(guest.registers.read(register.CONFIG_GENERATION)).not.toBe(generation);
    expect(guest.registers.read(register.CONFIG)).toBe(2 * SECTORS);
    expect(request(OUT, SECTORS, sector(1)).status).toBe(OK);
  });

  it('flushes with every write when the driver has not accepted flushes', async () => {
    const store = new SlowStore();
    const guest = new VirtioDriver(new VirtioBlock(store, 'disk-0', new RecordedLog()));
    guest.start({ featureMask: ~(1 << 9) });
    const { places } = guest.offer(0, [{ content: header(OUT, 0) }, { content: sector(1) }, { content: 1 }]);
    guest.ram.bytes[places[2]!] = 0xff;
    guest.notify(0);
    store.waiting[0]!.go();
    await settled();
    expect(guest.ram.bytes[places[2]!]).toBe(0xff);
    expect(store.waiting).toHaveLength(2);
    store.waiting[1]!.go();
    await settled();
    expect(guest.ram.bytes[places[2]!]).toBe(OK);
  });

  it('survives random requests over random memory', () => {
    const { guest } = machine();
    const random = seededWords(11);
    for (let round = 0; round < 300; round++) {
      guest.start();
      for (let at = 0; at < 0x2000; at += 4) guest.ram.data.setUint32(at, random() >>> (random() % 24), true);
      for (let head = 0; head < 16; head++) {
        guest.ram.data.setBigUint64(16 * head, BigInt(0x4000_0000 + (random() % 0x10_0000)), true);
        guest.ram.data.setUint16(16 * head + 12, random() & 3, true);
        guest.ram.data.setUint16(16 * head + 14, random() % 17, true);
        guest.announce(0, random() % 17);
      }
      expect(() => guest.notify(0)).not.toThrow();
    }
  });
});
