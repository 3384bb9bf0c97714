/** How a machine's library side reaches the side that runs it: both planes, and the way to end it. */
import { type Remote, releaseProxy, transfer, wrap } from 'comlink';
import { createRingBuffer } from '../workers/byte-channel.ts';
import type { DataPlane, MachineControl } from '../workers/protocol.ts';

export interface MachineTransport {
  readonly control: Remote<MachineControl> | MachineControl;
  /** Hands over the other end of the data plane. */
  connect(plane: DataPlane): Promise<void>;
  /** Whether memory can be shared with the other side. */
  readonly sharesMemory: boolean;
  /** Called when the other side dies; at most once. */
  onFailure: (details: string) => void;
  /** Ends the other side at once, whatever it does; a promise says when its disks are free. */
  close(): void | Promise<void>;
}

/** A worker with a machine in it. */
export function openWorkerTransport(): MachineTransport {
  const worker = new Worker(new URL('../workers/machine.worker.ts', import.meta.url), {
    type: 'module',
    name: 'bramble-machine',
  });
  const control = wrap<MachineControl>(worker);
  const transport: MachineTransport = {
    control,
    sharesMemory: globalThis.crossOriginIsolated === true,
    onFailure: () => {},
    connect: (plane) => control.connect(transfer(plane, [plane.port])),
    close() {
      control[releaseProxy]();
      worker.terminate();
    },
  };
  worker.onerror = (event) => {
    transport.onFailure(
      [event.message, event.filename && `${event.filename}:${event.lineno}`].filter(Boolean).join(' at ') ||
        'the worker script could not be loaded',
    );
  };
  return transport;
}

/** Rings for both directions, where the two sides share memory. */
export function createRings(sharesMemory: boolean): Pick<DataPlane, 'rings'> {
  return sharesMemory ? { rings: { output: createRingBuffer(), input: createRingBuffer() } } : {};
}
