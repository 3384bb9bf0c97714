/**
 * `npm run bench:debian -- [--rounds N]`: Debian with systemd from a disk of the library in Chromium, and from the same
 * image in QEMU, in turn: to `login:` and to the prompt, on the clock and on the processors.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BuiltGuest, builtGuests } from '../../src/cli/default-guest.ts';
import { ProofGuest } from '../proof/guest.ts';
import { MEMORY_MIB, machineCommand } from '../proof/machines.ts';
import { DisksHarness } from './harness.ts';
import { Round } from './soak-round.ts';

const LOGIN = 'login: ';
const PROMPT = 'root@debian:~# ';
const MS_PER_SECOND = 1000;
const BOOT_TIMEOUT_SECONDS = 600;
const PATHS = { kernel: '/guest/kernel', initrd: '/guest/initrd', disk: '/guest/disk' };

interface BootTime {
  readonly loginSeconds: number;
  readonly promptSeconds: number;
  readonly cpuSeconds: number;
}

type Debian = BuiltGuest & { readonly initrd: string; readonly disk: string };

function findDebian(): Debian {
  const guest = builtGuests().find(({ name }) => name === 'debian');
  if (guest?.initrd === undefined || guest.disk === undefined)
    throw new Error('Debian is not built ("npm run images debian" builds it)');
  return { ...guest, initrd: guest.initrd, disk: guest.disk };
}

/** A browser of its own, over the same profile, so that nothing is in memory. */
async function bootInChromium(harness: DisksHarness, id: string, append: string): Promise<BootTime> {
  const round = new Round(0, -1);
  const { page, kill } = await harness.openPage((fresh) => round.prepare(fresh));
  const [started, cpuBefore] = [performance.now(), harness.cpuSeconds()];
  const seconds = (): number => (performance.now() - started) / MS_PER_SECOND;
  await round.start(page, id, { ...PATHS, commandLine: append, memoryMiB: MEMORY_MIB });
  await round.prints(LOGIN);
  const loginSeconds = seconds();
  await round.prints(PROMPT);
  const time = { loginSeconds, promptSeconds: seconds(), cpuSeconds: harness.cpuSeconds() - cpuBefore };
  await kill();
  return time;
}

/** What the guest writes is dropped, as the disk of the browser is a new clone each time. */
async function bootInQemu({ kernel, initrd, append }: Debian, path: string): Promise<BootTime> {
  const image = { kernel, initrd, append, disk: path };
  const guest = new ProofGuest(machineCommand('qemu', image, { path, keep: true }, append));
  const [login, prompt] = await Promise.all([
    guest.waitFor(new RegExp(LOGIN), BOOT_TIMEOUT_SECONDS),
    guest.waitFor(new RegExp(`${PROMPT}$`), BOOT_TIMEOUT_SECONDS),
  ]);
  await guest.kill();
  return {
    loginSeconds: login.seconds,
    promptSeconds: prompt.seconds,
    cpuSeconds: prompt.cpuSeconds ?? Number.NaN,
  };
}

function unpack(image: string, target: string): void {
  const file = openSync(target, 'w');
  const { status, stderr, error } = spawnSync('xz', ['-dc', image], { stdio: ['ignore', file, 'pipe'] });
  closeSync(file);
  if (status !== 0) throw new Error(`xz: ${error?.message ?? stderr}`);
}

function tell(where: string, { loginSeconds, promptSeconds, cpuSeconds }: BootTime): void {
  const [load] = readFileSync('/proc/loadavg', 'utf8').split(' ');
  console.log(
    `${where}: login ${loginSeconds.toFixed(1)} s, prompt ${promptSeconds.toFixed(1)} s, ` +
      `${cpuSeconds.toFixed(1)} s of CPU; load ${load}`,
  );
}

async function compare(rounds: number): Promise<void> {
  const debian = findDebian();
  const folder = mkdtempSync(join(tmpdir(), 'bramble-boot-'));
  const harness = await DisksHarness.open(
    new Map([
      [PATHS.kernel, { file: debian.kernel }],
      [PATHS.initrd, { file: debian.initrd }],
      [PATHS.disk, { file: debian.disk }],
    ]),
  );
  try {
    const raw = join(folder, 'disk.img');
    unpack(debian.disk, raw);
    const { page, context } = await harness.openPage();
    const base = await page.evaluate(
      async (source) => (await window.disks.disks.import({ source, name: 'debian' })).id,
      PATHS.disk,
    );
    const clones: string[] = [];
    for (let round = 0; round < rounds; round++)
      clones.push(await page.evaluate(async (id) => (await window.disks.disks.clone(id, 'x')).id, base));
    await context.close();
    for (const clone of clones) {
      tell('Chromium, from the library', await bootInChromium(harness, clone, debian.append ?? ''));
      tell('QEMU', await bootInQemu(debian, raw));
    }
  } finally {
    await harness.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } });
await compare(Number(values.rounds));
