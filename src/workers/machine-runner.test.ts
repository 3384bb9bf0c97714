import { afterEach, describe, expect, it } from 'vitest';
import { MachineConfigError } from '../emu/machine/contract.ts';
import { ECHO_PROMPT, EchoMachine } from '../emu/testing/echo-machine.ts';
import { createTurnScheduler, Doorbell } from './doorbell.ts';
import { MachineRunner, type MakeMachine } from './machine-runner.ts';

const runners: MachineRunner[] = [];
afterEach(() => {
  for (const runner of runners.splice(0)) runner.powerOff();
});

/** A runner over echo machines, with everything it reports in one list. */
function createRunner(make?: MakeMachine) {
  const machines: EchoMachine[] = [];
  const events: string[] = [];
  const details: (string | undefined)[] = [];
  let printed = '';
  const sink = {
    congested: false,
    send: (bytes: Uint8Array) => {
      printed += new TextDecoder().decode(bytes);
    },
  };
  const makeEcho: MakeMachine = async (ports) => {
    const machine = new EchoMachine(ports);
    machines.push(machine);
    return machine;
  };
  const runner = new MachineRunner(
    make ?? makeEcho,
    { nowMs: () => performance.now(), doorbell: new Doorbell(createTurnScheduler()), sink },
    {
      state: (state) => events.push(state),
      phase: (phase) => events.push(`phase ${phase}`),
      stats: () => {},
      exit: (reason) => events.push(`exit ${reason}`),
      error: (error) => {
        events.push(`error ${error.code}`);
        details.push(error.details);
      },
      log: () => {},
    },
    false,
  );
  runners.push(runner);
  const until = async (done: () => boolean): Promise<void> => {
    for (const start = Date.now(); !done(); await new Promise((resolve) => setTimeout(resolve, 2))) {
      if (Date.now() - start > 3000) throw new Error(`waited in vain; ${events.join(', ')}; ${printed}`);
    }
  };
  const type = (text: string): void => runner.consoleInput(new TextEncoder().encode(text));
  const prompts = (): number => printed.split(ECHO_PROMPT).length - 1;
  return { runner, events, details, machines, sink, type, until, prompts, printed: () => printed };
}

describe('MachineRunner', () => {
  it('reports state and phases in order when a machine boots and powers off', async () => {
    const { runner, events, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    type('poweroff\r');
    await until(() => runner.state === 'off');
    expect(events).toEqual([
      'running',
      'phase firmware',
      'phase kernel',
      'phase init',
      'phase ready',
      'off',
      'exit power-off',
    ]);
  });

  it('starts the machine that was prepared, and makes another one for a reset', async () => {
    const { runner, machines, events, until, prompts } = createRunner();
    runner.prepare();
    expect(machines).toHaveLength(1);
    expect(events).toEqual([]);
    await runner.start();
    await until(() => prompts() === 1);
    expect(machines).toHaveLength(1);
    await runner.reset();
    await until(() => prompts() === 2);
    expect(machines).toHaveLength(2);
  });

  it('reports what was wrong with a prepared machine when it is started', async () => {
    const { runner, events } = createRunner(async () => {
      throw new MachineConfigError('bad-kernel', 'This is a zip file.');
    });
    runner.prepare();
    await new Promise((resolve) => setTimeout(resolve));
    expect(events).toEqual([]);
    await runner.start();
    expect(events).toEqual(['error bad-kernel', 'failed', 'exit failed']);
  });

  it('answers input that arrives while the guest sleeps', async () => {
    const { runner, type, until, printed } = createRunner();
    await runner.start();
    await until(() => printed().includes(ECHO_PROMPT));
    type('hello\r');
    await until(() => printed().includes('you said: hello'));
  });

  it('runs no slice while the guest is idle', async () => {
    const { runner, machines, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { slices } = machines[0]!;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(machines[0]!.slices).toBe(slices);
  });

  it('wakes an idle guest at the time it asked for', async () => {
    const slices: number[] = [];
    const { runner, until } = createRunner(async (ports) => {
      const machine = new EchoMachine(ports);
      machine.runSlice = () => {
        slices.push(performance.now());
        return slices.length > 10
          ? { kind: 'off' }
          : { kind: 'idle', wakeAfterMs: slices.length < 6 ? 2 : 20 };
      };
      return machine;
    });
    await runner.start();
    await until(() => runner.state === 'off');
    const elapsedMs = slices.at(-1)! - slices[0]!;
    expect(elapsedMs).toBeGreaterThan(5 * 2 + 5 * 20 - 5);
    expect(elapsedMs).toBeLessThan(5 * 2 + 5 * 20 + 100);
  });

  it('stands still when paused and goes on when resumed', async () => {
    const { runner, machines, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    type('spin\r');
    runner.pause();
    const { slices } = machines[0]!;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(machines[0]!.slices).toBe(slices);
    runner.resume();
    await until(() => machines[0]!.slices > slices + 5);
  });

  it('boots a new machine when the guest asks for a reset', async () => {
    const { runner, events, machines, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    runner.resizeConsole(100, 30);
    type('reboot\r');
    await until(() => prompts() === 2);
    expect(machines).toHaveLength(2);
    expect(machines[1]!.size).toEqual([100, 30]);
    expect(events.filter((event) => event === 'exit reset')).toHaveLength(1);
    expect(runner.state).toBe('running');
  });

  it('stops and explains when the guest kernel panics', async () => {
    const { runner, events, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    type('panic\r');
    await until(() => runner.state === 'failed');
    expect(events.slice(-3)).toEqual(['error no-init', 'failed', 'exit failed']);
  });

  it('carries the engine’s warnings in the details when the guest fails', async () => {
    const { runner, details, type, until, prompts } = createRunner(async (ports) => {
      ports.log.write('warning', 'cpu', 'undefined at EL0, PC 0x1000');
      return new EchoMachine(ports);
    });
    await runner.start();
    await until(() => prompts() === 1);
    type('panic\r');
    await until(() => runner.state === 'failed');
    expect(details[0]).toMatch(/^cpu: undefined at EL0, PC 0x1000\n[\s\S]*No working init found/);
  });

  it('fails with an internal error, and can start again, when the engine throws', async () => {
    const { runner, events, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    type('throw\r');
    await until(() => runner.state === 'failed');
    expect(events).toContain('error internal');
    await runner.start();
    await until(() => prompts() === 2);
  });

  it('reports what is wrong when no machine can be made', async () => {
    const { runner, events } = createRunner(async () => {
      throw new MachineConfigError('bad-kernel', 'This is not a kernel.');
    });
    await runner.start();
    expect(events).toEqual(['error bad-kernel', 'failed', 'exit failed']);
  });

  it('holds the guest back while nobody takes its output', async () => {
    const { runner, machines, sink, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    type('flood\r');
    await until(() => machines[0]!.slices > 5);
    sink.congested = true;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { slices } = machines[0]!;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(machines[0]!.slices).toBe(slices);
    sink.congested = false;
    runner.wake();
    await until(() => machines[0]!.slices > slices);
  });

  it('forgets a machine that is finished after the plug was pulled', async () => {
    let release = (): void => {};
    const { runner, events } = createRunner(async (ports) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return new EchoMachine(ports);
    });
    const started = runner.start();
    runner.powerOff();
    release();
    await started;
    expect(runner.state).toBe('off');
    expect(events).toEqual([]);
  });

  it('counts instructions and busy time', async () => {
    const { runner, type, until, prompts } = createRunner();
    await runner.start();
    await until(() => prompts() === 1);
    type('spin\r');
    await until(() => runner.stats().instructionsInterpreted > 20_000);
    const stats = runner.stats();
    expect(stats.mips).toBeGreaterThan(0);
    expect(stats.busySeconds).toBeGreaterThan(0);
    expect(stats.wallSeconds).toBeGreaterThanOrEqual(stats.busySeconds);
  });
});
