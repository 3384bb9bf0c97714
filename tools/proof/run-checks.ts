/** Runs the checks in one guest, one after the other; a guest that hangs or dies is replaced by a fresh one. */
import { type Check, PREPARATION } from './checks.ts';
import { ProofGuest, SHELL_PROMPT } from './guest.ts';
import type { ProofImage } from './image.ts';
import { type MachineName, machineCommand } from './machines.ts';
import { type ResultRow, timeText } from './table.ts';

/** The longest check takes minutes on a quiet machine; one that takes this long will never end. */
const HANG_SECONDS = 3600;
const BOOT_TIMEOUT_SECONDS = 3600;
const PREPARATION_TIMEOUT_SECONDS = 300;
const LONGEST_FAILURE = 1500;
/** Without systemd nothing else runs beside the checks. */
const PLAIN_INIT = 'quiet init=/usr/local/sbin/plain-init';

async function bootPlain(machine: MachineName, image: ProofImage): Promise<ProofGuest> {
  const disk = { path: image.disk, keep: true };
  const guest = new ProofGuest(machineCommand(machine, image, disk, `${image.append} ${PLAIN_INIT}`));
  await guest.waitFor(SHELL_PROMPT, BOOT_TIMEOUT_SECONDS);
  await guest.plainShell(PREPARATION_TIMEOUT_SECONDS);
  const { status, output } = await guest.run(PREPARATION, PREPARATION_TIMEOUT_SECONDS);
  if (status !== 0) throw new Error(`the guest could not be prepared: ${output}`);
  return guest;
}

/** What the pattern finds; a global one adds up the numbers of all that it finds. */
export function figureOf({ figure }: Pick<Check, 'figure'>, output: string): string | undefined {
  if (figure === undefined) return undefined;
  if (!figure.global) return figure.exec(output)?.[1];
  const found = [...output.matchAll(figure)].map((match) => match[1] ?? '');
  const sum = found.reduce((total, text) => total + Number.parseInt(text, 10), 0);
  return found.length === 0 ? undefined : (found[0] ?? '').replace(/\d+/, String(sum));
}

export async function proveChecks(
  machine: MachineName,
  image: ProofImage,
  checks: readonly Check[],
  say: (text: string) => void,
): Promise<ResultRow[]> {
  const rows: ResultRow[] = [];
  let guest: ProofGuest | undefined;
  for (const check of checks) {
    const { group, name } = check;
    let row: ResultRow;
    try {
      guest ??= await bootPlain(machine, image);
      const { output, status, time } = await guest.run(check.command, HANG_SECONDS);
      const figure = figureOf(check, output);
      row = {
        ...{ machine, group, name, time },
        ...(figure !== undefined && { figure }),
        ...(status !== 0 && { failure: `status ${status}: ${output.trim().slice(-LONGEST_FAILURE)}` }),
      };
    } catch (failure) {
      row = { machine, group, name, failure: String(failure) };
      await guest?.kill();
      guest = undefined;
    }
    say(
      `${machine}: ${group}: ${name}: ${row.failure ?? `passed in ${row.time ? timeText(row.time) : 'time'}`}`,
    );
    rows.push(row);
  }
  await guest?.leave('exit');
  return rows;
}
