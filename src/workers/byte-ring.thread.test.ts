import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { ByteReceiver } from './byte-channel.ts';
import { ByteRing } from './byte-ring.ts';
import type { ByteMessage } from './protocol.ts';

const TOTAL_BYTES = 400_000;

/** Sends a counting pattern through a ring much smaller than itself, in pieces of odd sizes. */
const WRITER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { ByteSender } = await import(workerData.module);
  const sender = new ByteSender((message) => parentPort.postMessage(message), workerData.buffer);
  let sent = 0;
  const more = () => {
    while (sent < workerData.total && !sender.congested) {
      const bytes = new Uint8Array(Math.min(1 + (sent * 7) % 3001, workerData.total - sent));
      for (let i = 0; i < bytes.length; i++) bytes[i] = (sent + i) % 251;
      sent += bytes.length;
      sender.send(bytes);
    }
    if (sent === workerData.total && !sender.congested) parentPort.close();
  };
  sender.onRoom = more;
  parentPort.on('message', (message) => { sender.handle(message); more(); });
  more();
`;

it('loses nothing and keeps order when two threads run at full speed', async () => {
  const buffer = new SharedArrayBuffer(ByteRing.bufferBytes(8));
  const module = new URL('./byte-channel.ts', import.meta.url).href;
  const execArgv = ['--no-warnings', '--input-type=module'];
  const worker = new Worker(WRITER, {
    eval: true,
    execArgv,
    workerData: { buffer, module, total: TOTAL_BYTES },
  });
  let received = 0;
  let firstWrong = -1;
  const receiver = new ByteReceiver(
    (message) => worker.postMessage(message),
    (bytes) => {
      for (const byte of bytes) {
        if (byte !== received % 251 && firstWrong < 0) firstWrong = received;
        received++;
      }
    },
    buffer,
  );
  worker.on('message', (message: ByteMessage) => receiver.handle(message));
  await once(worker, 'exit');
  expect(firstWrong).toBe(-1);
  expect(received).toBe(TOTAL_BYTES);
});
