import { describe, expect, it } from 'vitest';
import { VirtioDriver } from '../../testing/virtio-driver.ts';
import { VirtioConsole } from './console.ts';
import { STATUS_NEEDS_RESET } from './mmio-transport.ts';
import * as register from './registers.ts';

const RECEIVE = 0;
const TRANSMIT = 1;

function terminal() {
  let shown = '';
  const device = new VirtioConsole((bytes) => {
    shown += new TextDecoder().decode(bytes);
  });
  const guest = new VirtioDriver(device, 32);
  return { device, guest, shown: () => shown };
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('virtio console', () => {
  it('shows what the guest transmits, in order and over several buffers', () => {
    const { guest, shown } = terminal();
    guest.start({ queues: 2 });
    guest.offer(TRANSMIT, [{ content: text('hello, ') }, { content: text('world') }]);
    guest.offer(TRANSMIT, [{ content: text('!\n') }]);
    guest.notify(TRANSMIT);
    expect(shown()).toBe('hello, world!\n');
    expect(guest.used(TRANSMIT)).toHaveLength(2);
    expect(guest.line.level).toBe(true);
  });

  it('keeps input until the guest offers buffers, and then fills them', () => {
    const { device, guest } = terminal();
    device.receive(text('typed '));
    guest.start({ queues: 2 });
    device.receive(text('early'));
    const { places } = guest.offer(RECEIVE, [{ content: 8 }]);
    guest.notify(RECEIVE);
    const second = guest.offer(RECEIVE, [{ content: 8 }]);
    guest.notify(RECEIVE);
    expect(guest.used(RECEIVE).map(([, written]) => written)).toEqual([8, 3]);
    expect(guest.bytesAt(places[0]!, 8)).toEqual(text('typed ea'));
    expect(guest.bytesAt(second.places[0]!, 3)).toEqual(text('rly'));
  });

  it('interrupts when input arrives in buffers that wait already', () => {
    const { device, guest } = terminal();
    guest.start({ queues: 2 });
    guest.offer(RECEIVE, [{ content: 8 }]);
    guest.notify(RECEIVE);
    expect(guest.line.level).toBe(false);
    device.receive(text('x'));
    expect(guest.line.level).toBe(true);
    expect(guest.used(RECEIVE)).toEqual([[0, 1]]);
  });

  it('tells the new size with a new generation and a configuration interrupt', () => {
    const { device, guest } = terminal();
    guest.start({ queues: 2 });
    const generation = guest.registers.read(register.CONFIG_GENERATION);
    device.resize(132, 43);
    expect(guest.acknowledge()).toBe(2);
    expect(guest.registers.read(register.CONFIG, 2)).toBe(132);
    expect(guest.registers.read(register.CONFIG + 2, 2)).toBe(43);
    expect(guest.registers.read(register.CONFIG_GENERATION)).not.toBe(generation);
    device.resize(132, 43);
    expect(guest.line.level).toBe(false);
  });

  it('tells a driver that starts later about a size that the host has set', () => {
    const { device, guest } = terminal();
    device.resize(132, 43);
    expect(guest.line.level).toBe(false);
    guest.start({ queues: 2 });
    expect(guest.acknowledge()).toBe(2);
    guest.notify(TRANSMIT);
    expect(guest.line.level).toBe(false);
  });

  it('prints through the emergency register before any queue exists', () => {
    const { guest, shown } = terminal();
    guest.registers.write(register.CONFIG + 8, 0x21);
    expect(shown()).toBe('!');
  });

  it('stops the device when one write is unreasonably large', () => {
    const { guest, shown } = terminal();
    guest.start({ queues: 2 });
    // Seventeen buffers that are all the same megabyte.
    const megabyte = { content: 1, address: 0x4000_0000 };
    const { ram } = guest;
    guest.writeDescriptors(
      0x4000,
      0,
      Array.from({ length: 17 }, (_, i) => ({ ...megabyte, flags: i < 16 ? 1 : 0 })),
    );
    for (let i = 0; i < 17; i++) ram.data.setUint32(0x4000 + 16 * i + 8, 1 << 20, true);
    guest.announce(TRANSMIT, 0);
    guest.notify(TRANSMIT);
    expect(shown()).toBe('');
    expect(guest.status & STATUS_NEEDS_RESET).toBe(STATUS_NEEDS_RESET);
  });

  it('goes on as before when saved with input waiting', () => {
    const first = terminal();
    first.guest.start({ queues: 2 });
    first.device.receive(text('kept'));
    first.device.resize(100, 30);
    const state = structuredClone(first.guest.transport.saveState());
    const second = terminal();
    second.guest.ram.bytes.set(first.guest.ram.bytes);
    second.guest.transport.restoreState(state);
    expect(second.guest.transport.saveState()).toEqual(state);
    const { ram } = second.guest;
    ram.data.setBigUint64(0, 0x4008_0000n, true);
    ram.data.setUint32(8, 16, true);
    ram.data.setUint16(12, 2, true);
    second.guest.announce(RECEIVE, 0);
    second.guest.notify(RECEIVE);
    expect(second.guest.bytesAt(0x8_0000, 4)).toEqual(text('kept'));
  });
});
