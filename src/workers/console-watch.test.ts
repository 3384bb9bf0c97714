import { describe, expect, it } from 'vitest';
import { ConsoleWatch } from './console-watch.ts';
import type { BootPhase, MachineError } from './protocol.ts';

function watchConsole() {
  const phases: BootPhase[] = [];
  const failures: (Pick<MachineError, 'code' | 'message'> & { stopped: boolean })[] = [];
  const details: (string | undefined)[] = [];
  const watch = new ConsoleWatch({
    phase: (phase) => phases.push(phase),
    failure: (error, stopped) => {
      failures.push({ code: error.code, message: error.message, stopped });
      details.push(error.details);
    },
  });
  return { watch, phases, failures, details };
}

describe('ConsoleWatch', () => {
  it('reports each phase of a boot once, whatever the chunks', () => {
    const { watch, phases } = watchConsole();
    const boot =
      '[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd083]\n' +
      '[    0.700000] Run /init as init process\n/bin/sh: no job control\n~ # ';
    for (const character of boot) watch.push(character, 0);
    watch.push('ls\nbin\n~ # ', 1);
    expect(phases).toEqual(['kernel', 'init', 'ready']);
  });

  it.each(['debian login: ', '~ # ', 'user@host:~$ ', 'root@host:/# ', '# '])(
    'takes %j for ready',
    (prompt) => {
      const { watch, phases } = watchConsole();
      watch.push(`\n${prompt}`, 0);
      expect(phases).toEqual(['ready']);
    },
  );

  it('skips phases that a quiet kernel does not print', () => {
    const { watch, phases } = watchConsole();
    watch.push('/ # ', 0);
    watch.push('Booting Linux on physical CPU\n', 0);
    expect(phases).toEqual(['ready']);
  });

  it.each([
    ['No working init found.  Try passing init= option to kernel.', 'no-init'],
    ['VFS: Unable to mount root fs on unknown-block(0,0)', 'no-init'],
    ['Requested init /bin/nope failed (error -2).', 'no-init'],
    ['System is deadlocked on memory', 'memory'],
    ['Attempted to kill init! exitcode=0x0000000b', 'guest-panic'],
    ['Attempted to kill init! exitcode=0x00000004', 'unsupported-instruction'],
    ['Asynchronous SError Interrupt', 'guest-panic'],
  ])('explains the panic "%s" once the console is silent', (cause, code) => {
    const { watch, failures, details } = watchConsole();
    const line = `[    1.5] Kernel panic - not syncing: ${cause}`;
    watch.push(
      `${line}\n[    1.5] Call trace:\n[    1.6] ---[ end Kernel panic - not syncing: ${cause} ]---\n`,
      0,
    );
    watch.tick(100);
    expect(failures).toEqual([]);
    watch.tick(1000);
    watch.tick(2000);
    expect(failures).toEqual([{ code, message: expect.any(String), stopped: true }]);
    expect(details[0]).toContain('Call trace');
  });

  it('names the root device in the message when it cannot be mounted', () => {
    const { watch, failures } = watchConsole();
    watch.push('Kernel panic - not syncing: VFS: Unable to mount root fs on /dev/vda\n', 0);
    watch.tick(1000);
    expect(failures[0]?.message).toContain('(/dev/vda)');
  });

  it('does not count the guest as stopped when the kernel restarts after the panic', () => {
    const { watch, failures } = watchConsole();
    watch.push('Kernel panic - not syncing: oops\nRebooting in 1 seconds..\n', 0);
    watch.tick(1000);
    expect(failures).toEqual([expect.objectContaining({ code: 'guest-panic', stopped: false })]);
  });

  it('ignores an old panic that someone reads at a prompt', () => {
    const { watch, failures } = watchConsole();
    watch.push('Kernel panic - not syncing: old\n---[ end Kernel panic - not syncing: old ]---\n', 0);
    watch.push('~ # ', 10);
    watch.tick(5000);
    expect(failures).toEqual([]);
  });

  it('reports a broken initrd at once, without stopping', () => {
    const { watch, failures } = watchConsole();
    watch.push('[    0.4] Initramfs unpacking failed: write error\n', 0);
    expect(failures).toEqual([expect.objectContaining({ code: 'bad-initrd', stopped: false })]);
  });
});
