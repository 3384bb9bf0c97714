import { describe, expect, it } from 'vitest';
import { ByteReceiver, ByteSender, createRingBuffer } from './byte-channel.ts';
import type { ByteMessage } from './protocol.ts';

/** Both ends in one thread; messages wait until `deliver` is called. */
function connect(buffer?: SharedArrayBuffer) {
  const toReceiver: ByteMessage[] = [];
  const toSender: ByteMessage[] = [];
  const received: number[] = [];
  const sender = new ByteSender((message) => void toReceiver.push(message), buffer);
  const receiver = new ByteReceiver(
    (message) => void toSender.push(message),
    (bytes) => {
      for (const byte of bytes) received.push(byte);
    },
    buffer,
  );
  const deliver = (): void => {
    while (toReceiver.length + toSender.length > 0) {
      for (const message of toReceiver.splice(0)) receiver.handle(message);
      for (const message of toSender.splice(0)) sender.handle(message);
    }
  };
  return { sender, received, toReceiver, deliver };
}

const pattern = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, at) => at % 251);

describe.each([
  ['through a ring', () => createRingBuffer()],
  ['by messages', () => undefined],
])('a byte channel %s', (_name, makeBuffer) => {
  it('delivers what was sent, in order', () => {
    const { sender, received, deliver } = connect(makeBuffer());
    sender.send(Uint8Array.of(1, 2));
    sender.send(Uint8Array.of(3));
    deliver();
    expect(received).toEqual([1, 2, 3]);
  });

  it('is congested when the receiver is behind, and has room once it caught up', () => {
    const { sender, received, deliver } = connect(makeBuffer());
    let rooms = 0;
    sender.onRoom = () => rooms++;
    const sent = pattern(300_000);
    sender.send(sent.slice());
    expect(sender.congested).toBe(true);
    deliver();
    expect(sender.congested).toBe(false);
    expect(rooms).toBe(1);
    expect(received).toEqual([...sent]);
  });

  it('sends no message for no bytes', () => {
    const { sender, toReceiver } = connect(makeBuffer());
    sender.send(new Uint8Array(0));
    expect(toReceiver).toEqual([]);
  });
});

it('posts one message for many sends when the receiver has not looked yet', () => {
  const { sender, toReceiver } = connect(createRingBuffer());
  for (let count = 0; count < 100; count++) sender.send(Uint8Array.of(count));
  expect(toReceiver).toEqual([{ kind: 'ready' }]);
});
