import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MachineOptions } from '../../embed/api.ts';
import { FakeMachine, SCENARIOS } from '../testing/fake-machine.ts';
import { errorReport } from './error-report.ts';
import { MachineSession } from './session.ts';

const OPTIONS: MachineOptions = { kernel: 'Image', memoryMiB: 256, engine: 'normal' };

interface Bench {
  readonly session: MachineSession;
  readonly machines: FakeMachine[];
}

function bench(scenario: keyof typeof SCENARIOS): Bench {
  const machines: FakeMachine[] = [];
  const create = async (options: MachineOptions): Promise<FakeMachine> => {
    const machine = new FakeMachine(options, SCENARIOS[scenario]);
    machines.push(machine);
    setTimeout(() => void machine.start(), 0);
    return machine;
  };
  return { machines, session: new MachineSession('Test', OPTIONS, create, () => Date.now()) };
}

describe('MachineSession', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('follows a boot from the first byte to the prompt', async () => {
    const { session, machines } = bench('ready');
    const states = new Set<string>();
    session.subscribe(() => states.add(session.state));
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    expect([...states]).toEqual(['loading', 'running']);
    expect(session.phases.map(({ phase }) => phase)).toEqual(['load', 'kernel', 'init', 'ready']);
    expect(session.transfer.fraction).toBe(1);
    expect(session.averageMips).toBeGreaterThan(0);
    session.type('ls\r');
    expect(machines[0]?.typed).toBe('ls\r');
  });

  it('keeps console bytes for a terminal that comes late, in order', async () => {
    const { session } = bench('ready');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    let text = '';
    session.attachConsole((bytes) => {
      text += new TextDecoder().decode(bytes);
    });
    expect(text).toMatch(/Booting a fake guest[\s\S]*Run \/init/);
    session.type('x');
    expect(text.endsWith('x')).toBe(true);
  });

  it('knows whether the disks have all that the guest wrote', async () => {
    const { session } = bench('ready');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    expect(session.writesAreKept).toBe(true);
    session.type('touch x\r');
    expect(session.writesAreKept).toBe(false);
    await vi.advanceTimersByTimeAsync(1500);
    expect(session.writesAreKept).toBe(true);
  });

  it('goes on from a full storage when the user resumes', async () => {
    const { session } = bench('disk-full');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    expect([session.state, session.error?.code]).toEqual(['paused', 'disk-full']);
    await session.togglePause();
    expect([session.state, session.error]).toEqual(['running', undefined]);
  });

  it('makes a new machine after another tab has taken the disk', async () => {
    const { session, machines } = bench('disk-lost');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    expect([session.state, session.error?.code]).toEqual(['failed', 'disk-lost']);
    await session.bootAgain();
    expect(machines).toHaveLength(2);
    expect(session.error).toBeUndefined();
  });

  it('toggles between running and paused', async () => {
    const { session } = bench('ready');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    await session.togglePause();
    expect(session.state).toBe('paused');
    expect(session.alive).toBe(true);
    await session.togglePause();
    expect(session.state).toBe('running');
  });

  it('tells why the guest ended and boots it again', async () => {
    const { session, machines } = bench('ready');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    await session.pressPowerKey();
    expect(session.exit).toBe('power-off');
    expect(session.alive).toBe(false);
    await session.bootAgain();
    await vi.advanceTimersByTimeAsync(5000);
    expect(session.exit).toBeUndefined();
    expect(session.state).toBe('running');
    expect(machines).toHaveLength(1);
  });

  it('boots the same machine again when its guest failed', async () => {
    const { session, machines } = bench('panic');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    expect(session.error?.code).toBe('no-init');
    await session.bootAgain();
    expect(session.error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5000);
    expect(session.error?.code).toBe('no-init');
    expect(machines).toHaveLength(1);
  });

  it('makes a new machine when the files of the first could not be loaded, and ignores the old one', async () => {
    const { session, machines } = bench('bad-kernel');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    expect(session.error?.code).toBe('bad-kernel');
    await session.bootAgain();
    expect(machines).toHaveLength(2);
    expect(session.state).toBe('loading');
    await machines[0]?.powerOff();
    expect(session.state).toBe('loading');
  });

  it('tells the machine the size of a console that was there first', async () => {
    const { session, machines } = bench('ready');
    session.resizeConsole(100, 30);
    await session.open();
    expect(machines[0]?.consoleSize).toEqual([100, 30]);
  });

  it('begins again when the guest resets itself', async () => {
    const { session, machines } = bench('ready');
    await session.open();
    await vi.advanceTimersByTimeAsync(5000);
    machines[0]?.guestResets();
    expect(session.phases).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(session.phases.at(-1)?.phase).toBe('ready');
    expect(session.exit).toBeUndefined();
  });

  it('turns a failure to make the machine into an error in words', async () => {
    const create = () => Promise.reject(new Error('out of memory'));
    const session = new MachineSession('Test', OPTIONS, create, () => 0);
    await session.open();
    expect(session.state).toBe('failed');
    expect(session.error).toMatchObject({ code: 'internal', message: 'out of memory' });
  });

  it('destroys a machine that arrives after the session was closed', async () => {
    const machine = new FakeMachine(OPTIONS, SCENARIOS.ready);
    const destroy = vi.spyOn(machine, 'destroy');
    const session = new MachineSession(
      'Test',
      OPTIONS,
      async () => machine,
      () => 0,
    );
    const opening = session.open();
    await session.close();
    await opening;
    expect(destroy).toHaveBeenCalledOnce();
  });
});

it('reports error, options and the end of the console, but no file contents', () => {
  const kernel = new File(['secret'], 'my-kernel');
  const report = errorReport({
    title: 'Test',
    error: { code: 'bad-kernel', message: 'No.', details: 'PC 0x80' },
    options: { kernel, commandLine: 'quiet' },
    stats: undefined,
    isolated: true,
    userAgent: 'browser',
    log: ['warning cpu: odd'],
    consoleTail: Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n'),
  });
  expect(report).toContain('Error: bad-kernel: No.');
  expect(report).toContain('Kernel: my-kernel (6 bytes)');
  expect(report).toContain('PC 0x80');
  expect(report).toContain('line 99');
  expect(report).not.toContain('line 59\n');
  expect(report).not.toContain('secret');
});
