import { describe, expect, it } from 'vitest';
import { abuse } from '../../testing/device-harness.ts';
import { DESC_INDIRECT, DESC_NEXT, DESC_WRITE, VirtioDriver } from '../../testing/virtio-driver.ts';
import { VirtioEntropy } from './entropy.ts';
import { STATUS_NEEDS_RESET } from './mmio-transport.ts';
import * as register from './registers.ts';

const RAM_BASE = 0x4000_0000;
const EVENT_INDEX = 1 << 29;

/** The simplest device behind the transport: every chain is filled with 0xaa. */
function driver(queueSize?: number): VirtioDriver {
  return new VirtioDriver(new VirtioEntropy({ fill: (target) => target.fill(0xaa) }), queueSize);
}
function started(featureMask = ~EVENT_INDEX): VirtioDriver {
  const guest = driver();
  guest.start({ featureMask });
  return guest;
}

describe('virtio MMIO transport', () => {
  it('identifies itself as version 2 with its device when probed', () => {
    const { registers } = driver();
    const identity = [0x000, 0x004, 0x008].map((offset) => registers.read(offset));
    expect(identity).toEqual([0x7472_6976, 2, 4]);
    expect(registers.read(register.QUEUE_NUM_MAX)).toBe(256);
    registers.write(register.QUEUE_SEL, 1);
    expect(registers.read(register.QUEUE_NUM_MAX)).toBe(0);
    expect(registers.read(register.SHM_LEN_LOW)).toBe(0xffff_ffff);
  });

  it('keeps FEATURES_OK clear when the driver takes what was not offered', () => {
    const { registers } = driver();
    registers.write(register.STATUS, 3);
    registers.write(register.DRIVER_FEATURES_SEL, 1);
    registers.write(register.DRIVER_FEATURES, 1);
    registers.write(register.DRIVER_FEATURES_SEL, 0);
    registers.write(register.DRIVER_FEATURES, 1);
    registers.write(register.STATUS, 11);
    expect(registers.read(register.STATUS)).toBe(3);
  });

  it('keeps FEATURES_OK clear when the driver does not take VERSION_1', () => {
    const { registers } = driver();
    registers.write(register.STATUS, 11);
    expect(registers.read(register.STATUS)).toBe(3);
  });

  it('does not change features any more when FEATURES_OK is set', () => {
    const guest = started();
    guest.registers.write(register.DRIVER_FEATURES_SEL, 0);
    guest.registers.write(register.DRIVER_FEATURES, 0xffff_ffff);
    expect(guest.status).toBe(15);
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([[0, 4]]);
  });

  it('serves what was offered before DRIVER_OK', () => {
    const guest = driver();
    guest.start({ queues: 0 });
    guest.registers.write(register.STATUS, 0);
    guest.registers.write(register.STATUS, 3);
    guest.registers.write(register.DRIVER_FEATURES_SEL, 1);
    guest.registers.write(register.DRIVER_FEATURES, 1);
    guest.registers.write(register.STATUS, 11);
    guest.setUpQueue(0);
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([]);
    guest.registers.write(register.STATUS, 15);
    expect(guest.used(0)).toEqual([[0, 4]]);
  });

  it('raises the interrupt for used buffers until acknowledged, and again for the next', () => {
    const guest = started();
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    expect(guest.line.level).toBe(true);
    expect(guest.acknowledge()).toBe(1);
    expect(guest.line.level).toBe(false);
    guest.offer(0, [{ content: 4 }]);
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    expect(guest.line.rises).toBe(2);
  });

  it('forgets everything when reset', () => {
    const guest = started();
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    guest.registers.write(register.STATUS, 0);
    expect(guest.status).toBe(0);
    expect(guest.line.level).toBe(false);
    expect(guest.registers.read(register.QUEUE_READY)).toBe(0);
    guest.start({ featureMask: ~EVENT_INDEX });
    guest.offer(0, [{ content: 8 }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([[0, 8]]);
  });

  it('goes on as before when saved and restored over the same memory', () => {
    const first = started();
    first.offer(0, [{ content: 4 }]);
    first.notify(0);
    const state = structuredClone(first.transport.saveState());
    const second = driver();
    second.ram.bytes.set(first.ram.bytes);
    second.transport.restoreState(state);
    expect(second.transport.saveState()).toEqual(state);
    expect(second.line.level).toBe(true);
    expect(second.acknowledge()).toBe(1);
    second.announce(0, 0);
    second.notify(0);
    expect(second.used(0)).toEqual([
      [0, 4],
      [0, 4],
    ]);
  });

  it('survives garbage in every register', () => {
    const { transport } = driver();
    expect(abuse(transport, register.VIRTIO_MMIO_WINDOW_SIZE, 50_000)).toBeUndefined();
  });
});

describe('split virtqueue', () => {
  it('walks chained and indirect descriptors', () => {
    const guest = started();
    const direct = guest.offer(0, [{ content: 3 }, { content: 5 }]);
    const indirect = guest.offerIndirect(0, [{ content: 7 }, { content: 9 }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([
      [direct.head, 8],
      [indirect.head, 16],
    ]);
    expect([...guest.bytesAt(indirect.places[1]!, 10)]).toEqual([...Array(9).fill(0xaa), 0]);
  });

  it('wraps around its rings many times', () => {
    const guest = started();
    for (let i = 0; i < 70_000; i++) {
      guest.announce(0, 0);
      if (i === 0) guest.writeDescriptors(0, 0, [{ content: 2 }]);
      guest.notify(0);
    }
    expect(guest.status & STATUS_NEEDS_RESET).toBe(0);
    expect(guest.used(0)).toHaveLength(70_000 % 65_536);
  });

  it('does not interrupt when the driver asks for none', () => {
    const guest = started();
    guest.setAvailFlags(0, 1);
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    expect(guest.used(0)).toHaveLength(1);
    expect(guest.line.level).toBe(false);
  });

  it('interrupts only when the used index passes the event index, when negotiated', () => {
    const guest = started(-1);
    guest.setUsedEvent(0, 2);
    for (const rises of [0, 0, 1, 1]) {
      guest.offer(0, [{ content: 4 }]);
      guest.notify(0);
      expect(guest.line.rises).toBe(rises);
    }
  });

  const malformed: Record<string, (guest: VirtioDriver) => void> = {
    'a chain is a loop': (guest) => guest.offer(0, [{ content: 4, flags: DESC_WRITE | DESC_NEXT, next: 0 }]),
    'next points outside the table': (guest) =>
      guest.offer(0, [{ content: 4, flags: DESC_WRITE | DESC_NEXT, next: 16 }]),
    'the head points outside the table': (guest) => guest.announce(0, 0xffff),
    'a buffer is not RAM': (guest) => guest.offer(0, [{ content: 4, address: 0x0900_0000 }]),
    'a buffer ends outside RAM': (guest) =>
      guest.offer(0, [{ content: 64, address: RAM_BASE + (1 << 20) - 63 }]),
    'an address is beyond 2^53': (guest) => guest.offer(0, [{ content: 4, address: 2 ** 63 }]),
    'a readable descriptor follows a writable one': (guest) =>
      guest.offer(0, [{ content: 4 }, { content: Uint8Array.of(1) }]),
    'an indirect table is empty': (guest) =>
      guest.offer(0, [{ content: new Uint8Array(0), flags: DESC_INDIRECT }]),
    'an indirect table has an odd size': (guest) =>
      guest.offer(0, [{ content: new Uint8Array(17), flags: DESC_INDIRECT }]),
    'an indirect table is not RAM': (guest) =>
      guest.offer(0, [{ content: new Uint8Array(16), address: 0, flags: DESC_INDIRECT }]),
    'an indirect table holds an indirect descriptor': (guest) =>
      guest.offerIndirect(0, [{ content: new Uint8Array(16), flags: DESC_INDIRECT }]),
    'an indirect table loops': (guest) =>
      guest.offerIndirect(0, [{ content: 4, flags: DESC_WRITE | DESC_NEXT, next: 0 }]),
    'the available index jumps ahead of the ring': (guest) => {
      for (let i = 0; i < 17; i++) guest.announce(0, 0);
    },
  };
  for (const [what, breakRule] of Object.entries(malformed)) {
    it(`asks for a reset, tells why once and goes on after the reset when ${what}`, () => {
      const guest = started();
      breakRule(guest);
      guest.notify(0);
      guest.notify(0);
      expect(guest.status & STATUS_NEEDS_RESET).toBe(STATUS_NEEDS_RESET);
      expect(guest.registers.read(register.INTERRUPT_STATUS) & 2).toBe(2);
      expect(guest.log.lines).toHaveLength(1);
      expect(guest.used(0)).toEqual([]);
      guest.start({ featureMask: ~EVENT_INDEX });
      guest.offer(0, [{ content: 4 }]);
      guest.notify(0);
      expect(guest.used(0)).toEqual([[0, 4]]);
    });
  }

  it('asks for a reset when a queue is made ready with a bad size or address', () => {
    for (const [size, address] of [
      [0, RAM_BASE],
      [3, RAM_BASE],
      [512, RAM_BASE],
      [16, 0],
      [16, RAM_BASE + (1 << 20) - 16],
    ] as const) {
      const { registers } = driver();
      registers.write(register.QUEUE_NUM, size);
      for (const low of [register.QUEUE_DESC_LOW, register.QUEUE_DRIVER_LOW, register.QUEUE_DEVICE_LOW]) {
        registers.write(low, address);
      }
      registers.write(register.QUEUE_READY, 1);
      expect(registers.read(register.QUEUE_READY)).toBe(0);
      expect(registers.read(register.STATUS)).toBe(STATUS_NEEDS_RESET);
    }
  });
});
