/**
 * The host of a machine in Node: the loop runs in the process's own thread.
 *
 * A thread of its own would buy nothing here: slices are short, so the terminal, signals and time limits
 * have their turn every few milliseconds anyway; and it would cost copies of every byte, a second heap,
 * and stack traces that end at a message. CPU time of the process is then that of the machine.
 */
import { Worker } from 'node:worker_threads';
import type { CreateVirtualMachine, DiskConfig, MachineConfig } from '../emu/machine/contract.ts';
import { notifyCompletions } from './completion-store.ts';
import { createTurnScheduler, Doorbell } from './doorbell.ts';
import { hostClock, hostEntropy, hostWallClock } from './host-ports.ts';
import { MachineRunner, type RunnerEvents } from './machine-runner.ts';
import { type TranslationPort, translatorOver } from './translation-thread.ts';

function openTranslation(): TranslationPort {
  const thread = new Worker(new URL('./translation.node.ts', import.meta.url));
  return {
    post: (message) => thread.postMessage(message),
    onMessage: (listener) => {
      thread.on('message', listener);
      // The process may end while code is being translated; listening would keep it.
      thread.unref();
    },
    onFailure: (listener) => thread.on('error', (error) => listener(String(error))),
  };
}

/** A runner for the machine of `config`; `console` takes what the guest prints, and is never congested. */
export function createNodeRunner(
  createMachine: CreateVirtualMachine,
  config: MachineConfig,
  console: (bytes: Uint8Array) => void,
  events: RunnerEvents,
): MachineRunner {
  const doorbell = new Doorbell(createTurnScheduler());
  const wakingDisk = ({ store, serial }: DiskConfig): DiskConfig => ({
    store: notifyCompletions(store, doorbell),
    serial,
  });
  const waking: MachineConfig = { ...config, disks: config.disks.map(wakingDisk) };
  const translator = translatorOver(openTranslation);
  return new MachineRunner(
    (ports) =>
      createMachine(waking, {
        clock: hostClock,
        wallClock: hostWallClock,
        entropy: hostEntropy,
        translator,
        ...ports,
      }),
    { nowMs: () => performance.now(), doorbell, sink: { congested: false, send: console } },
    events,
    config.sharedMemory,
  );
}
