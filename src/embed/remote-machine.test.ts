import { afterEach, describe, expect, it } from 'vitest';
import { type CreateVirtualMachine, MachineConfigError } from '../emu/machine/contract.ts';
import { createEchoMachine, ECHO_PROMPT } from '../emu/testing/echo-machine.ts';
import { MachineHost } from '../workers/machine-host.ts';
import type { MachineError, MachineEvents, MachineOptions } from './api.ts';
import { createMachineOver } from './create-machine.ts';
import type { RemoteMachine } from './remote-machine.ts';
import type { MachineTransport } from './transport.ts';

const machines: RemoteMachine[] = [];
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.destroy();
});

interface Setting {
  readonly options?: Partial<MachineOptions>;
  readonly sharesMemory?: boolean;
  readonly engine?: CreateVirtualMachine;
}

/** A machine over a host in the same thread, and everything it says. */
function create({ options = {}, sharesMemory = false, engine = createEchoMachine }: Setting = {}) {
  const host = new MachineHost(engine, sharesMemory);
  let closed = false;
  let port: MessagePort | undefined;
  const transport: MachineTransport = {
    control: host,
    sharesMemory,
    onFailure: () => {},
    connect: async (plane) => {
      ({ port } = plane);
      host.connect(plane);
    },
    close: () => {
      closed = true;
      port?.close();
      void host.powerOff();
    },
  };
  const machine = createMachineOver(
    () => transport,
    { kernel: Uint8Array.of(1), ...options },
    {
      fetch: async () => new Response('', { status: 404 }),
      baseUrl: 'https://page.example/',
    },
  );
  machines.push(machine);
  const events: string[] = [];
  machine.on('state', (state) => events.push(state));
  machine.on('exit', ({ reason }) => events.push(`exit ${reason}`));
  machine.on('error', ({ code }) => events.push(`error ${code}`));
  machine.on('phase', ({ phase }) => events.push(`phase ${phase}`));
  return { machine, events, transport, isClosed: () => closed };
}

const PROMPT = new RegExp(`${ECHO_PROMPT}$`);

describe.each([
  ['rings', true],
  ['messages', false],
])('a machine of the library, with console bytes through %s', (_name, sharesMemory) => {
  it('boots by itself, answers what is typed and powers off', async () => {
    const { machine, events } = create({ sharesMemory });
    expect(machine.state).toBe('loading');
    await machine.waitFor(PROMPT, 2000);
    expect(machine.state).toBe('running');
    machine.type('hällo\r');
    await machine.waitFor(/you said: h.+llo/, 2000);
    machine.type('poweroff\r');
    await expect(machine.waitFor(/never/, 2000)).rejects.toThrow('the machine is off');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(events).toEqual([
      'phase load',
      'running',
      'phase firmware',
      'phase kernel',
      'phase init',
      'phase ready',
      'off',
      'exit power-off',
    ]);
  });

  it('carries more than a ring holds, whole and in order', async () => {
    const { machine } = create({ sharesMemory });
    let flood = 0;
    machine.on('console', (bytes) => {
      for (const byte of bytes) if (byte === 'y'.charCodeAt(0)) flood++;
    });
    await machine.waitFor(PROMPT, 2000);
    machine.type('flood\r');
    await expect.poll(() => flood, { timeout: 3000 }).toBeGreaterThan(1 << 20);
    await machine.pause();
    expect(machine.state).toBe('paused');
  });
});

describe('RemoteMachine', () => {
  it('waits for start when it is not to start by itself', async () => {
    const { machine, events } = create({ options: { autostart: false } });
    await expect.poll(() => machine.state).toBe('off');
    await machine.start();
    expect(machine.state).toBe('running');
    expect(events).toContain('running');
  });

  it('has changed its state when a command resolves', async () => {
    const { machine } = create();
    await machine.start();
    await machine.pause();
    expect(machine.state).toBe('paused');
    await machine.resume();
    expect(machine.state).toBe('running');
    await machine.powerOff();
    expect(machine.state).toBe('off');
    await machine.start();
    expect(machine.state).toBe('running');
    await machine.reset();
    expect(machine.state).toBe('running');
    await machine.pressPowerKey();
    await expect.poll(() => machine.state).toBe('off');
  });

  it('gives figures', async () => {
    const { machine } = create();
    await machine.waitFor(PROMPT, 2000);
    expect(await machine.stats()).toMatchObject({
      sharedMemory: false,
      instructionsInterpreted: expect.any(Number),
    });
  });

  it('fails in words when a file cannot be fetched', async () => {
    const { machine, events } = create({ options: { kernel: 'missing' } });
    await expect.poll(() => machine.state).toBe('failed');
    expect(events).toEqual(['phase load', 'error fetch', 'failed']);
    await expect(machine.start()).rejects.toThrow('could not be loaded');
  });

  it('fails in words when the engine refuses the kernel', async () => {
    const errors: MachineEvents['error'][] = [];
    const { machine } = create({
      engine: async () => {
        throw new MachineConfigError('bad-kernel', 'This is a zip file.', 'Unpack it.');
      },
    });
    machine.on('error', (error) => errors.push(error));
    await expect.poll(() => machine.state).toBe('failed');
    expect(errors).toEqual([{ code: 'bad-kernel', message: 'This is a zip file.', hint: 'Unpack it.' }]);
  });

  it('rejects waitFor with the last output when the time is over', async () => {
    const { machine } = create();
    await machine.waitFor(PROMPT, 2000);
    machine.type('here\r');
    await expect(machine.waitFor(/elsewhere/, 50)).rejects.toThrow(/within 50 ms.*you said: here/);
  });

  it('reports a worker that dies, and is dead itself then', async () => {
    const { machine, events, transport, isClosed } = create();
    await machine.start();
    transport.onFailure('out of memory');
    expect(events.slice(-2)).toEqual(['error internal', 'failed']);
    expect(isClosed()).toBe(true);
    await expect(machine.start()).rejects.toThrow('destroyed');
  });

  it('stops in words when another tab has taken its disk', async () => {
    const { machine, events, isClosed } = create();
    await machine.start();
    const told = new Promise<MachineError>((resolve) => machine.on('error', resolve));
    machine.tellLoss('work');
    expect(await told).toMatchObject({
      code: 'disk-lost',
      message: expect.stringContaining('the disk work'),
    });
    expect(events.slice(-2)).toEqual(['error disk-lost', 'failed']);
    expect(isClosed()).toBe(true);
  });

  it('closes its transport and rejects who waits when it is destroyed', async () => {
    const { machine, events, isClosed } = create();
    const waiting = machine.waitFor(/never/);
    await machine.destroy();
    await expect(waiting).rejects.toThrow('destroyed');
    expect(isClosed()).toBe(true);
    expect(events).toEqual(['off']);
    await expect(machine.start()).rejects.toThrow('destroyed');
  });

  it('runs several machines side by side', async () => {
    const first = create();
    const second = create();
    await Promise.all([first.machine.waitFor(PROMPT, 2000), second.machine.waitFor(PROMPT, 2000)]);
    first.machine.type('only the first\r');
    await first.machine.waitFor(/you said: only the first/, 2000);
    await first.machine.destroy();
    second.machine.type('still here\r');
    await second.machine.waitFor(/you said: still here/, 2000);
  });

  it('stops calling a listener that was taken off', async () => {
    const { machine } = create({ options: { autostart: false } });
    const states: string[] = [];
    const remove = machine.on('state', (state) => states.push(state));
    await expect.poll(() => machine.state).toBe('off');
    remove();
    await machine.start();
    expect(states).toEqual(['off']);
  });

  it.each([16, 4096, 100.5])('refuses %d MiB of memory', (memoryMiB) => {
    expect(() => create({ options: { memoryMiB } })).toThrow(RangeError);
  });

  it('gives the engine what the options say', async () => {
    let seen: Parameters<CreateVirtualMachine>[0] | undefined;
    const { machine } = create({
      options: {
        memoryMiB: 64,
        commandLine: 'quiet',
        engine: 'interpret',
        initrd: Uint8Array.of(2),
        disks: [{ source: new Uint8Array(1024).fill(3) }, { source: new Blob(['x']), mode: 'readonly' }],
      },
      engine: (config, ports) => {
        seen = config;
        return createEchoMachine(config, ports);
      },
    });
    await machine.start();
    expect(seen).toMatchObject({ ramBytes: 64 << 20, commandLine: 'quiet', engine: 'interpret' });
    expect(await seen?.initrd).toEqual([Uint8Array.of(2)]);
    const [snapshot, readonly] = seen!.disks.map(({ store }) => store);
    expect([snapshot!.size, snapshot!.readOnly, readonly!.size, readonly!.readOnly]).toEqual([
      1024,
      false,
      512,
      true,
    ]);
    const sector = new Uint8Array(512);
    await readonly!.read(0, sector);
    expect([sector[0], sector[1]]).toEqual(['x'.charCodeAt(0), 0]);
  });
});
