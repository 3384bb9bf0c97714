import { describe, expect, it } from 'vitest';
import { GuestProcess } from './guest-process.ts';

const TIMEOUT_SECONDS = 20;
/** Shows a prompt, answers a line with its length, and ends at "off". */
const SHELL = `
  process.stdout.write('prompt# ');
  process.stdin.on('data', (line) => {
    if (String(line).trim() === 'off') process.exit();
    process.stdout.write('length ' + String(line).trim().length + '\\n');
  });`;
const start = (program: string) => new GuestProcess(process.execPath, ['-e', program]);

describe('a guest in a process', () => {
  it('is typed to, answers, and ends when it is told to', async () => {
    const guest = start(SHELL);
    await guest.waitFor(/prompt# /, TIMEOUT_SECONDS);
    guest.type('hello\r');
    const [, length] = await guest.waitFor(/^length (\d+)$/m, TIMEOUT_SECONDS);
    expect(length).toBe('5');
    await guest.leave('off\r', TIMEOUT_SECONDS);
    expect(guest.lastOutput).toContain('length 5');
  });

  it('gives its diagnosis to whoever waits when it ends too early', async () => {
    const guest = start("console.error('no such kernel'); process.exitCode = 1;");
    await expect(guest.waitFor(/prompt/, TIMEOUT_SECONDS)).rejects.toThrow('no such kernel');
  });

  it('is killed when it does not answer', async () => {
    const guest = start('setInterval(() => {}, 1000); console.log("deaf");');
    await guest.waitFor(/deaf/, TIMEOUT_SECONDS);
    const refused = expect(guest.waitFor(/prompt/, TIMEOUT_SECONDS)).rejects.toThrow('the guest ended');
    await guest.kill();
    await refused;
  });
});
