/** Debian with systemd on a disk that is written to: login, a file, a restart, the file again, off. */

import { spawnSync } from 'node:child_process';
import { constants, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ProofGuest, SHELL_PROMPT } from './guest.ts';
import type { ProofImage } from './image.ts';
import { type MachineName, machineCommand } from './machines.ts';
import type { ResultRow } from './table.ts';

const BOOT_TIMEOUT_SECONDS = 600;
const COMMAND_TIMEOUT_SECONDS = 120;
const LOGIN = /login: /;
const MEGABYTES = 8;
const DIGEST = /[0-9a-f]{64}/;

const WRITE = `head -c ${MEGABYTES}M /dev/urandom >/root/kept && sync /root/kept && sha256sum /root/kept`;

/** Keeps holes where the system can. */
function copyDisk(from: string, to: string): void {
  if (spawnSync('cp', ['--sparse=always', from, to]).status !== 0) {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

export async function proveBoot(
  machine: MachineName,
  image: ProofImage,
  say: (text: string) => void,
): Promise<ResultRow[]> {
  const path = join(image.disk, '..', `boot-${machine}.img`);
  copyDisk(image.disk, path);
  const command = machineCommand(machine, image, { path, keep: false }, image.append);
  const guest = new ProofGuest(command);
  const rows: ResultRow[] = [];
  const add = (name: string, seconds: number, failure?: string): void => {
    rows.push({ machine, group: 'system', name, seconds, ...(failure !== undefined && { failure }) });
    say(`${machine}: ${name}: ${failure ?? `${seconds.toFixed(1)} s`}`);
  };
  try {
    const login = await guest.waitFor(LOGIN, BOOT_TIMEOUT_SECONDS);
    add('first boot to "login:"', login);
    const prompt = await guest.waitFor(SHELL_PROMPT, BOOT_TIMEOUT_SECONDS);
    await guest.plainShell(COMMAND_TIMEOUT_SECONDS);
    const failed = await guest.run('systemctl --failed --quiet --no-legend', COMMAND_TIMEOUT_SECONDS);
    add('no unit has failed', failed.seconds, failed.output.trim() || undefined);
    const before = await guest.run(WRITE, COMMAND_TIMEOUT_SECONDS);
    const again = guest.waitFor(LOGIN, BOOT_TIMEOUT_SECONDS);
    guest.type('systemctl reboot\r');
    await again;
    await guest.waitFor(SHELL_PROMPT, BOOT_TIMEOUT_SECONDS);
    await guest.plainShell(COMMAND_TIMEOUT_SECONDS);
    const after = await guest.run('sha256sum /root/kept', COMMAND_TIMEOUT_SECONDS);
    const isKept =
      DIGEST.test(before.output) && DIGEST.exec(before.output)?.[0] === DIGEST.exec(after.output)?.[0];
    const problem = isKept ? undefined : `before: ${before.output}after: ${after.output}`;
    add(`${MEGABYTES} MB written are there after a restart`, after.seconds, problem);
    say(`${machine}: the first prompt came after ${prompt.toFixed(1)} s`);
    await guest.leave('poweroff');
  } catch (failure) {
    add('a restart', BOOT_TIMEOUT_SECONDS, String(failure));
    await guest.kill();
  }
  const check = spawnSync('e2fsck', ['-fn', path], { encoding: 'utf8' });
  if (check.error === undefined) {
    add('e2fsck finds the disk clean', 0, check.status === 0 ? undefined : check.stdout.trim());
  }
  rmSync(path, { force: true });
  return rows;
}
