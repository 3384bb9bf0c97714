/** A machine whose translations are made elsewhere: its slices end when an answer has been posted to it. */
import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/assembler.ts';
import { type TranslationAnswer, type TranslationRequest, TranslationService } from '../jit/translator.ts';
import { createVirtualMachine } from './virtual-machine.ts';

const MIB = 1024 * 1024;
const SLICE_MS = 50;
const NS_PER_LOOK = 100_000;
const LOOP = 'again: add x0, x0, #1\nb again';

/** A machine in an endless loop, and the thread that translates for it, which answers when it is told. */
async function machineThatAwaits(sharedMemory: boolean) {
  const requests: TranslationRequest[] = [];
  let service: TranslationService | undefined;
  let deliver: (answer: TranslationAnswer) => void = () => {};
  let now = 0;
  const machine = await createVirtualMachine(
    {
      board: 'virt',
      cpus: 1,
      ramBytes: 32 * MIB,
      sharedMemory,
      kernel: assemble(LOOP).bytes,
      commandLine: '',
      disks: [],
      engine: 'normal',
    },
    {
      clock: { nowNs: () => (now += NS_PER_LOOK) },
      wallClock: { nowSeconds: () => 0 },
      entropy: { fill: () => {} },
      log: { write: () => {} },
      consoleOutput: () => {},
      translator: (events, translated) => {
        service = new TranslationService(translated);
        deliver = (answer) => events.answer(answer);
        return { request: (asked) => void requests.push(...asked) };
      },
    },
  );
  /** Runs one slice, and says how long it took. */
  const slice = (): number => {
    const start = now;
    machine.runSlice(SLICE_MS);
    return (now - start) / 1e6;
  };
  for (let i = 0; i < 1000 && requests.length === 0; i++) slice();
  expect(requests).toHaveLength(1);
  return { machine, slice, deliver: (answer: TranslationAnswer) => deliver(answer), service, requests };
}

describe('a slice', () => {
  it('ends before its time when an answer has been posted', async () => {
    const { machine, slice, deliver, service, requests } = await machineThatAwaits(true);
    expect(slice()).toBeGreaterThanOrEqual(SLICE_MS);
    const answer = service?.answer(requests);
    service?.announce();
    expect(slice()).toBeLessThan(SLICE_MS / 10);
    if (answer) deliver(answer);
    expect(machine.stats().regionsCompiled).toBe(1);
    expect(slice()).toBeGreaterThanOrEqual(SLICE_MS);
  });

  it('is short while an answer is awaited in a machine whose memory cannot tell', async () => {
    const { machine, slice, deliver, service, requests } = await machineThatAwaits(false);
    expect(slice()).toBeLessThan(SLICE_MS / 10);
    const answer = service?.answer(requests);
    if (answer) deliver(answer);
    expect(machine.stats().regionsCompiled).toBe(1);
    expect(slice()).toBeGreaterThanOrEqual(SLICE_MS);
  });
});
