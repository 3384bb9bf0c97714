/** Debian with systemd on a disk that is written to: login, a file, a restart, the file again, off. */

import { spawnSync } from 'node:child_process';
import { constants, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ProofGuest, SHELL_PROMPT, type Spent } from './guest.ts';
import type { ProofImage } from './image.ts';
import { type MachineName, machineCommand } from './machines.ts';
import { type ResultRow, timeText } from './table.ts';

const BOOT_TIMEOUT_SECONDS = 3600;
const COMMAND_TIMEOUT_SECONDS = 900;
const LOGIN = /login: /;
const MEGABYTES = 8;
const DIGEST = /[0-9a-f]{64}/;

const FAILED_UNITS = 'systemctl --failed --quiet --no-legend --no-pager';
const WRITE = `head -c ${MEGABYTES}M /dev/urandom >/root/kept && sync /root/kept && sha256sum /root/kept`;

/** Keeps holes where the system can. */
function copyDisk(from: string, to: string): void {
  if (spawnSync('cp', ['--sparse=always', from, to]).status !== 0) {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

/** Waits for the next login, then makes its shell one that takes commands. */
async function loggedIn(guest: ProofGuest): Promise<readonly [Spent, Spent]> {
  const seen = await Promise.all([
    guest.waitFor(LOGIN, BOOT_TIMEOUT_SECONDS),
    guest.waitFor(SHELL_PROMPT, BOOT_TIMEOUT_SECONDS),
  ]);
  await guest.plainShell(COMMAND_TIMEOUT_SECONDS);
  return seen;
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
  const add = (name: string, result: Pick<ResultRow, 'time' | 'failure'>): void => {
    rows.push({ machine, group: 'system', name, ...result });
    say(`${machine}: ${name}: ${result.failure ?? (result.time ? timeText(result.time) : 'yes')}`);
  };
  try {
    const [login, prompt] = await loggedIn(guest);
    add('first boot to "login:"', { time: login });
    add('first boot to the prompt', { time: prompt });
    const { output: failed } = await guest.run(FAILED_UNITS, COMMAND_TIMEOUT_SECONDS);
    add('no unit has failed', { ...(failed.trim() !== '' && { failure: failed.trim() }) });
    const before = await guest.run(WRITE, COMMAND_TIMEOUT_SECONDS);
    guest.type('systemctl reboot\r');
    await loggedIn(guest);
    const after = await guest.run('sha256sum /root/kept', COMMAND_TIMEOUT_SECONDS);
    const [written, kept] = [before, after].map(({ output }) => DIGEST.exec(output)?.[0]);
    const isKept = written !== undefined && written === kept;
    const problem = `before: ${before.output}after: ${after.output}`;
    add(`${MEGABYTES} MB written are there after a restart`, { ...(!isKept && { failure: problem }) });
    await guest.leave('poweroff');
  } catch (failure) {
    add('boot, restart, power off', { failure: String(failure) });
    await guest.kill();
  }
  const check = spawnSync('e2fsck', ['-fn', path], { encoding: 'utf8' });
  if (check.error === undefined) {
    const problem = check.status === 0 ? undefined : check.stdout.trim();
    add('e2fsck finds the disk clean', { ...(problem !== undefined && { failure: problem }) });
  }
  rmSync(path, { force: true });
  return rows;
}
