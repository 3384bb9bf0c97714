/** `npm run vm` with the built guest, in Node and in Chromium: what it prints, and how it ends. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const RUN_TIMEOUT_MS = 120_000;
const SECTOR_BYTES = 512;

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly messages: string;
}

let folder: string;
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-vm-'));
});
test.afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command with `input` in the pipe that is its standard input. */
function vm(args: readonly string[], input = ''): Promise<Run> {
  const child = spawn(process.execPath, [join(PROJECT, 'tools/vm.mjs'), ...args], { cwd: PROJECT });
  let output = '';
  let messages = '';
  child.stdout.on('data', (bytes) => {
    output += bytes;
  });
  child.stderr.on('data', (bytes) => {
    messages += bytes;
  });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, output, messages }));
  });
}

for (const host of ['node', 'chromium']) {
  test.describe(`the command line in ${host}`, () => {
    test.describe.configure({ timeout: RUN_TIMEOUT_MS });

    test('boots the guest, types the lines of a pipe and ends with 0 at power-off', async () => {
      const lines = ['uname -a', 'echo sum=$((6*7))', 'cat /proc/cpuinfo', 'poweroff'];
      const { status, output, messages } = await vm(
        ['--in', host, '--timeout', '100'],
        `${lines.join('\n')}\n`,
      );
      expect(output).toMatch(/^Linux \S+ .* aarch64 GNU\/Linux\r$/m);
      expect(output).toContain('sum=42');
      expect(output).toContain('CPU architecture: 8');
      expect(output).toContain('reboot: Power down');
      expect(messages).toContain('running the built guest');
      expect(status).toBe(0);
    });

    test('ends with 0 once --until matches, and writes the figures', async () => {
      const figures = join(folder, `${host}.json`);
      const { status } = await vm([
        '--in',
        host,
        '--until',
        'Run /init',
        '--timeout',
        '100',
        '--stats',
        figures,
      ]);
      expect(status).toBe(0);
      const report = JSON.parse(readFileSync(figures, 'utf8'));
      expect(report.ending).toBe('until');
      expect(report.untilSeconds).toBeGreaterThan(0);
      expect(report.cpuSeconds).toBeGreaterThan(report.busySeconds / 2);
      const { interpreted, translated } = report.instructions;
      expect(interpreted + translated).toBeGreaterThan(100e6);
      for (const name of ['exceptions', 'tlbMisses', 'mmioAccesses']) expect(report[name]).toBeGreaterThan(0);
      expect(report.memory.peakRssBytes).toBeGreaterThan(report.memory.rssBytes / 2);
    });

    test('ends with 124 when the time is over', async () => {
      const { status, messages } = await vm(['--in', host, '--timeout', '1', '--until', 'never printed']);
      expect(status).toBe(124);
      expect(messages).toContain('time limit');
    });

    test('ends with 1 and says why when the guest panics', async () => {
      const { status, messages } = await vm([
        '--in',
        host,
        '--append',
        'console=ttyAMA0 rdinit=/none',
        '--timeout',
        '100',
      ]);
      expect(status).toBe(1);
      expect(messages).toMatch(/could not mount its root file system|no program to run as init/);
    });

    test('ends with 1 and says why when the kernel is no kernel', async () => {
      const kernel = join(folder, 'empty');
      writeFileSync(kernel, '');
      const { status, messages } = await vm(['--in', host, '--kernel', kernel, '--timeout', '60']);
      expect(status).toBe(1);
      expect(messages.split('\n').length).toBeGreaterThan(1);
    });

    test('writes to the file of a disk, and keeps that of a disk with ,snapshot as it is', async () => {
      const [kept, written] = [join(folder, `${host}.img`), join(folder, `${host}-written.img`)];
      const first = Buffer.alloc(64 * SECTOR_BYTES, 'unchanged ');
      writeFileSync(kept, first);
      writeFileSync(written, Buffer.alloc(64 * SECTOR_BYTES));
      const lines = [
        'head -c 9 /dev/vda; echo " was there"',
        'echo rewritten | dd of=/dev/vda bs=512 conv=sync,fsync; echo 3 > /proc/sys/vm/drop_caches',
        'head -c 9 /dev/vda; echo " is there"',
        'echo rewritten | dd of=/dev/vdb bs=512 seek=3 conv=sync,fsync',
        'poweroff',
      ];
      const { status, output } = await vm(
        ['--in', host, '--disk', `${kept},snapshot`, '--disk', written, '--timeout', '100'],
        `${lines.join('\n')}\n`,
      );
      expect(output).toContain('unchanged was there');
      expect(output).toContain('rewritten is there');
      expect(status).toBe(0);
      expect(readFileSync(kept).equals(first)).toBe(true);
      expect(readFileSync(written, 'latin1').indexOf('rewritten\n')).toBe(3 * SECTOR_BYTES);
    });
  });
}
