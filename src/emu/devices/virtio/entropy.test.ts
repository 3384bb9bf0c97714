import { describe, expect, it } from 'vitest';
import { VirtioDriver } from '../../testing/virtio-driver.ts';
import { VirtioEntropy } from './entropy.ts';

function source() {
  let next = 0;
  const device = new VirtioEntropy({
    fill: (target) => {
      for (let i = 0; i < target.length; i++) target[i] = next++ & 0xff;
    },
  });
  const guest = new VirtioDriver(device);
  guest.start();
  return guest;
}

describe('virtio entropy', () => {
  it('fills every buffer with fresh bytes', () => {
    const guest = source();
    const { places } = guest.offer(0, [{ content: 3 }, { content: 2 }]);
    guest.offer(0, [{ content: 4 }]);
    guest.notify(0);
    expect(guest.used(0).map(([, written]) => written)).toEqual([5, 4]);
    expect([...guest.bytesAt(places[0]!, 3), ...guest.bytesAt(places[1]!, 2)]).toEqual([0, 1, 2, 3, 4]);
  });

  it('returns a chain unused when it has nothing to write to', () => {
    const guest = source();
    guest.offer(0, [{ content: Uint8Array.of(1, 2) }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([[0, 0]]);
  });

  it('returns part of what was asked when a driver asks for megabytes', () => {
    const guest = source();
    guest.offer(0, [{ content: 300_000 }]);
    guest.notify(0);
    expect(guest.used(0)).toEqual([[0, 65_536]]);
  });
});
