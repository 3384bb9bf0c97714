/**
 * The library's Machine over a transport: loads the files, forwards commands, and turns the data plane
 * into events.
 *
 * Invariant: when a command's promise resolves, every event that came before its end has been emitted
 * (the worker says how many messages it had posted, and the command waits for as many).
 */
import { transfer } from 'comlink';
import { type GuestFile, partsOf } from '../emu/machine/guest-file.ts';
import { ByteReceiver, ByteSender } from '../workers/byte-channel.ts';
import { describeFailure } from '../workers/machine-failure.ts';
import type {
  DataMessage,
  MachineControl,
  MachineFiles,
  MachineSetup,
  PostedCount,
} from '../workers/protocol.ts';
import type { Machine, MachineError, MachineEvents, MachineState, MachineStats } from './api.ts';
import { ConsoleWaiters } from './console-waiters.ts';
import { EventHub } from './event-hub.ts';
import { createRings, type MachineTransport } from './transport.ts';

/** Begins to load everything a machine needs, reporting progress; stops when the signal says so. */
export type LoadMachine = (
  progress: (value: MachineEvents['progress']) => void,
  signal: AbortSignal,
) => { readonly setup: Promise<MachineSetup>; readonly files: Promise<MachineFiles> };

interface Arrival {
  readonly count: PostedCount;
  readonly resolve: () => void;
}

export class RemoteMachine implements Machine {
  readonly #transport: MachineTransport;
  readonly #hub = new EventHub<MachineEvents>();
  readonly #waiters = new ConsoleWaiters();
  readonly #loading = new AbortController();
  readonly #port: MessagePort;
  readonly #input: ByteSender;
  readonly #output: ByteReceiver;
  /** Resolves to whether the worker has what it needs. */
  readonly #loaded: Promise<boolean>;
  #state: MachineState = 'loading';
  #destroyed = false;
  #received: PostedCount = 0;
  #arrivals: Arrival[] = [];

  constructor(transport: MachineTransport, load: LoadMachine, autostart: boolean) {
    this.#transport = transport;
    transport.onFailure = (details) => this.#die(workerFailure(details));
    const { port1, port2 } = new MessageChannel();
    const rings = createRings(transport.sharesMemory);
    this.#port = port1;
    this.#input = new ByteSender(
      (message, transfer) => port1.postMessage({ kind: 'input', message } satisfies DataMessage, transfer),
      rings.rings?.input,
    );
    this.#output = new ByteReceiver(
      (message, transfer) => port1.postMessage({ kind: 'console', message } satisfies DataMessage, transfer),
      (bytes) => {
        this.#waiters.push(bytes);
        this.#hub.emit('console', bytes);
      },
      rings.rings?.output,
    );
    port1.onmessage = ({ data }: MessageEvent<DataMessage>) => this.#take(data);
    this.#loaded = this.#load(load, () => transport.connect({ port: port2, ...rings }), autostart);
  }

  get state(): MachineState {
    return this.#state;
  }

  on<K extends keyof MachineEvents>(event: K, listener: (value: MachineEvents[K]) => void): () => void {
    return this.#hub.on(event, listener);
  }

  start(): Promise<void> {
    return this.#command((control) => control.start());
  }

  pause(): Promise<void> {
    return this.#command((control) => control.pause());
  }

  resume(): Promise<void> {
    return this.#command((control) => (this.#state === 'paused' ? control.start() : this.#received));
  }

  reset(): Promise<void> {
    return this.#command((control) => control.reset());
  }

  pressPowerKey(): Promise<void> {
    return this.#command((control) => control.pressPowerKey());
  }

  powerOff(): Promise<void> {
    return this.#command((control) => control.powerOff());
  }

  type(input: string | Uint8Array): void {
    if (this.#destroyed) return;
    this.#input.send(typeof input === 'string' ? new TextEncoder().encode(input) : new Uint8Array(input));
  }

  resizeConsole(columns: number, rows: number): void {
    this.#command((control) => control.resizeConsole(columns, rows)).catch(() => {
      // The machine is gone, and its console with it.
    });
  }

  async stats(): Promise<MachineStats> {
    await this.#ready();
    return this.#transport.control.stats();
  }

  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray> {
    if (this.#destroyed) return Promise.reject(new Error('the machine was destroyed'));
    return this.#waiters.waitFor(pattern, timeoutMs);
  }

  /** What the storage thread has to say, which is no part of the machine's own planes. */
  tellWrites(areKept: boolean): void {
    this.#hub.emit('writes', { areKept });
  }

  /** Another tab has taken a disk over: whatever the guest did from now on would be lost. */
  tellLoss(diskName: string): void {
    this.#die({
      code: 'disk-lost',
      message: `Another tab has taken over the disk ${diskName}, so this machine was stopped.`,
      hint:
        'This tab stood still for a while, as when the computer sleeps, and another one began to use the disk. What the ' +
        'guest had saved before is on the disk; what it wrote since is not. Go on in the other tab, or shut its ' +
        'machine down and try again here.',
    });
  }

  async destroy(): Promise<void> {
    if (this.#destroyed) return;
    const closed = this.#release('the machine was destroyed');
    this.#state = 'off';
    this.#hub.emit('state', 'off');
    this.#hub.clear();
    await closed;
  }

  async #load(load: LoadMachine, connect: () => Promise<void>, autostart: boolean): Promise<boolean> {
    // Whoever waits for createMachine has to get the machine first, to hear its events.
    const isHeard = new Promise((resolve) => setTimeout(resolve));
    const { control } = this.#transport;
    try {
      const { setup, files } = load(
        (value) => void isHeard.then(() => this.#hub.emit('progress', value)),
        this.#loading.signal,
      );
      // The setup follows without the answer, for which this thread has no time while it unpacks files.
      const connected = isHeard.then(() => {
        if (this.#destroyed) return;
        this.#hub.emit('phase', { phase: 'load', elapsedMs: 0 });
        return connect();
      });
      const prepared = Promise.all([setup, isHeard]).then(([made]) => {
        if (this.#state === 'loading') return control.load(transfer(made, memoryOf(made)));
      });
      const [loaded] = await Promise.all([files, prepared, connected]);
      if (this.#destroyed) return false;
      await this.#arrived(await control.supply(transfer(loaded, buffersOf(loaded))));
      if (autostart) await this.#arrived(await control.start());
      else this.#setState('off');
      return true;
    } catch (failure) {
      await isHeard;
      if (!this.#destroyed) this.#fail(describeFailure(failure));
      return false;
    }
  }

  async #ready(): Promise<void> {
    const loaded = await this.#loaded;
    if (this.#destroyed) throw new Error('the machine was destroyed');
    if (!loaded) throw new Error('the machine could not be loaded');
  }

  async #command(send: (control: MachineControl) => PostedCount | Promise<PostedCount>): Promise<void> {
    await this.#ready();
    await this.#arrived(await send(this.#transport.control as MachineControl));
  }

  #arrived(count: PostedCount): Promise<void> {
    if (this.#received >= count || this.#destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#arrivals.push({ count, resolve }));
  }

  #take(message: DataMessage): void {
    this.#received++;
    this.#dispatch(message);
    const due = this.#arrivals.filter(({ count }) => count <= this.#received);
    if (due.length === 0) return;
    this.#arrivals = this.#arrivals.filter(({ count }) => count > this.#received);
    for (const { resolve } of due) resolve();
  }

  #dispatch(message: DataMessage): void {
    switch (message.kind) {
      case 'console':
        this.#output.handle(message.message);
        break;
      case 'input':
        this.#input.handle(message.message);
        break;
      case 'state':
        this.#setState(message.state);
        break;
      case 'phase':
        this.#hub.emit('phase', { phase: message.phase, elapsedMs: message.elapsedMs });
        break;
      case 'stats':
        this.#hub.emit('stats', message.stats);
        break;
      case 'exit':
        this.#hub.emit('exit', { reason: message.reason });
        break;
      case 'error':
        this.#hub.emit('error', message.error);
        break;
      case 'log':
        this.#hub.emit('log', message.line);
        break;
      default:
        message satisfies never;
    }
  }

  #setState(state: MachineState): void {
    if (this.#destroyed || state === this.#state) return;
    this.#state = state;
    if (state === 'off' || state === 'failed') this.#waiters.rejectAll(`the machine is ${state}`);
    this.#hub.emit('state', state);
  }

  #fail(error: MachineError): void {
    this.#hub.emit('error', error);
    this.#setState('failed');
  }

  /** Nothing can be asked of the worker any more. */
  #die(error: MachineError): void {
    if (this.#destroyed) return;
    this.#fail(error);
    void this.#release(error.message);
  }

  #release(reason: string): Promise<void> {
    this.#destroyed = true;
    this.#loading.abort();
    this.#port.close();
    const closed = Promise.resolve(this.#transport.close());
    this.#waiters.rejectAll(reason);
    for (const { resolve } of this.#arrivals.splice(0)) resolve();
    return closed;
  }
}

function workerFailure(details: string): MachineError {
  return {
    code: 'internal',
    message: 'The machine’s worker stopped unexpectedly.',
    hint: 'The browser may have run out of memory: close other tabs or give the machine less memory.',
    details,
  };
}

/** The disks' memory and ports, which move to the worker; blobs are handles and need not. */
function memoryOf({ disks }: MachineSetup): Transferable[] {
  return disks.flatMap((disk): Transferable[] => {
    if (disk.mode === 'library') return [disk.port];
    return 'image' in disk && disk.image instanceof Uint8Array ? [disk.image.buffer as ArrayBuffer] : [];
  });
}

/** The files' memory, which moves, too. */
function buffersOf(files: MachineFiles): Transferable[] {
  return Object.values(files).flatMap((file: GuestFile) =>
    partsOf(file).map((part) => part.buffer as ArrayBuffer),
  );
}
