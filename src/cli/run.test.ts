import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEchoMachine } from '../emu/testing/echo-machine.ts';
import type { EscapeAction } from './escape-keys.ts';
import type { OpenSession } from './guest-session.ts';
import type { InputSource } from './input-source.ts';
import { nodeSessions } from './node-session.ts';
import { parseOptions } from './options.ts';
import { runGuest } from './run.ts';

let folder: string;
let kernel: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-run-'));
  kernel = join(folder, 'Image');
  writeFileSync(kernel, 'kernel');
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Setting {
  /** What a pipe holds. */
  readonly pipe?: string;
  /** The terminal's own key that the user presses once the machine runs. */
  readonly action?: Exclude<EscapeAction, 'help'>;
  readonly openSession?: OpenSession;
}

async function run(
  args: string,
  { pipe = '', action, openSession = nodeSessions(createEchoMachine) }: Setting = {},
) {
  let output = '';
  let closed = false;
  const said: string[] = [];
  const input: InputSource = {
    isTerminal: action !== undefined,
    onBytes: (listener) => listener(new TextEncoder().encode(pipe)),
    onEnd: (listener) => listener(),
    onAction: (listener) => {
      if (action) setTimeout(() => listener(action), 20);
    },
    onResize: () => {},
    close: () => {
      closed = true;
    },
  };
  const options = parseOptions(['--kernel', kernel, ...args.split(' ').filter(Boolean)]);
  const files = { kernel: options.kernel ?? '', initrd: options.initrd, dtb: undefined, append: '' };
  const status = await runGuest(options, files, openSession, {
    input,
    output: (bytes) => {
      output += new TextDecoder().decode(bytes);
    },
    say: (line) => said.push(line),
    nowMs: () => performance.now(),
  });
  return { status, output, said, closed };
}

describe('a run of the command line', () => {
  it('types the lines of a pipe at the prompts and ends with 0 when the guest powers off', async () => {
    const { status, output, closed } = await run('', { pipe: 'hello\npoweroff\n' });
    expect(status).toBe(0);
    expect(output).toContain('~ # hello\r\nyou said: hello\r\n~ # poweroff\r\nreboot: Power down');
    expect(closed).toBe(true);
  });

  it('ends with 0 when the console matches --until', async () => {
    const { status, output } = await run('--until said:.h', { pipe: 'hello\nnever\n' });
    expect(status).toBe(0);
    expect(output).not.toContain('never');
  });

  it('ends with 124 and says so when the time is over', async () => {
    const { status, said } = await run('--timeout 0.05');
    expect(status).toBe(124);
    expect(said).toEqual(['the time limit of 0.05 s has passed']);
  });

  it('ends with 1 and the reason when the guest panics', async () => {
    const { status, said } = await run('', { pipe: 'panic\n' });
    expect(status).toBe(1);
    expect(said[0]).toContain('found no program to run as init');
  });

  it('ends with 1 and the details when the engine fails', async () => {
    const { status, said } = await run('', { pipe: 'throw\n' });
    expect(status).toBe(1);
    expect(said.join()).toContain('a bug of the emulator');
  });

  it('ends with 1 and the name when a file cannot be read', async () => {
    const { status, said } = await run('--initrd /nowhere/initrd.cpio');
    expect(status).toBe(1);
    expect(said.join()).toMatch(/initrd cannot be read.*\/nowhere\/initrd.cpio/);
  });

  it('boots again when the guest restarts', async () => {
    const { status, output, said } = await run('', { pipe: 'reboot\npoweroff\n' });
    expect(status).toBe(0);
    expect(output.match(/Booting Linux/g)).toHaveLength(2);
    expect(said).toEqual(['the guest restarts']);
  });

  it('types everything at once when asked to, with Enter for each newline', async () => {
    const { status, output } = await run('--type-at-once --prompt never', { pipe: 'one\npoweroff\n' });
    expect(status).toBe(0);
    expect(output).toContain('you said: one');
  });

  it('ends with 0 when the user leaves or presses the power key', async () => {
    expect((await run('', { action: 'leave' })).status).toBe(0);
    expect((await run('', { action: 'power-key' })).status).toBe(0);
  });

  it('closes a session that is ready only after the end', async () => {
    let closed = 0;
    let started = 0;
    const { status } = await run('--timeout 0.02', {
      openSession: async (options, events) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        const session = await nodeSessions(createEchoMachine)(options, events);
        session.start = async () => void started++;
        session.close = async () => void closed++;
        return session;
      },
    });
    expect({ status, started, closed }).toEqual({ status: 124, started: 0, closed: 1 });
  });

  it('writes the figures of the run', async () => {
    const path = join(folder, 'stats.json');
    await run(`--until said --stats ${path}`, { pipe: 'hello\n' });
    const report = JSON.parse(readFileSync(path, 'utf8'));
    expect(report).toMatchObject({ ending: 'until', status: 0, engine: 'normal', exceptions: 0 });
    expect(report.untilSeconds).toEqual(expect.any(Number));
    expect(report.untilSeconds).toBeLessThanOrEqual(report.wallSeconds);
    expect(report.cpuSeconds).toBeGreaterThan(0);
    expect(report.instructions.interpreted).toBeGreaterThan(0);
    expect(report.memory.peakRssBytes).toBeGreaterThanOrEqual(report.memory.rssBytes);
  });

  it('writes figures of a run that never began, and of a disk that cannot be opened', async () => {
    const path = join(folder, 'none.json');
    const { status, said } = await run(`--disk /nowhere.img --stats ${path}`);
    expect(status).toBe(1);
    expect(said.join()).toContain('disk /nowhere.img');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ ending: 'error', instructions: null });
  });
});
