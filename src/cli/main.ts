/** `npm run vm`: reads the options, runs the guest, ends with its status. Run by tools/vm.mjs. */
import { createVirtualMachine } from '../emu/machine/virtual-machine.ts';
import { type BuiltGuest, builtGuests } from './default-guest.ts';
import type { GuestFiles, OpenSession } from './guest-session.ts';
import { openInput } from './input-source.ts';
import { nodeSessions } from './node-session.ts';
import { helpText, parseOptions, UsageError, type VmOptions } from './options.ts';
import type { HostProfile } from './profile.ts';
import { runGuest } from './run.ts';

const STATUS_ERROR = 1;
const SIGNAL_STATUS_BASE = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const say = (line: string): void => void process.stderr.write(`vm: ${line}\n`);

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(helpText());
    return 0;
  }
  const files = chooseFiles(options);
  const input = openInput(process.stdin, process.stdout, say);
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      input.close();
      process.exit(SIGNAL_STATUS_BASE + number);
    });
  }
  if (input.isTerminal && !options.quiet) say('Ctrl-A x ends the machine, Ctrl-A h lists the keys');
  const profile = options.profile ? await startProfile(options.symbols) : undefined;
  const status = await runGuest(options, files, await chooseHost(options.host), {
    input,
    output: (bytes) => void process.stdout.write(bytes),
    say,
    nowMs: () => performance.now(),
  });
  if (profile) process.stderr.write(`${await profile.finish()}\n`);
  return status;
}

/** The profiler is loaded when it is wanted, too. */
async function startProfile(symbols: string | undefined): Promise<HostProfile> {
  const { HostProfile } = await import('./profile.ts');
  const profile = new HostProfile(symbols);
  profile.start();
  return profile;
}

/** What drives a browser takes half a second to load, so it is loaded when it is wanted. */
async function chooseHost(host: VmOptions['host']): Promise<OpenSession> {
  if (host === 'node') return nodeSessions(createVirtualMachine);
  const { chromiumSessions } = await import('./chromium-session.ts');
  return chromiumSessions();
}

/** @throws {UsageError} when there is nothing to run */
function chooseFiles(options: VmOptions): GuestFiles {
  const { kernel, initrd, dtb, append } = options;
  if (kernel !== undefined) return { kernel, initrd, dtb, append: append ?? '' };
  const guest = chooseGuest(options);
  const disk = options.disks.length === 0 ? guest.disk : undefined;
  if (disk !== undefined) options.disks.push({ path: disk, mode: 'snapshot' });
  if (!options.quiet) {
    if (options.guest === undefined) say(`no --kernel given: running the built guest "${guest.name}"`);
    if (disk !== undefined) say('what the guest writes is forgotten; --disk FILE keeps it');
  }
  return { ...guest, dtb, append: append ?? guest.append };
}

/** @throws {UsageError} when there is no such guest */
function chooseGuest({ guest: wanted }: VmOptions): BuiltGuest {
  const guests = builtGuests();
  const guest = wanted === undefined ? guests[0] : guests.find(({ name }) => name === wanted);
  if (guest !== undefined) return guest;
  if (wanted === undefined) {
    throw new UsageError(
      'no --kernel given, and no guest has been built yet ("npm start" builds one); see --help',
    );
  }
  const built = guests.map(({ name }) => name).join(', ') || 'none';
  throw new UsageError(
    `--guest ${wanted} has not been built (built: ${built}); "npm run images ${wanted}" would`,
  );
}

/** A reader that went away (`| head`) ends the run quietly, as it ends other programs. */
process.stdout.on('error', (failure: NodeJS.ErrnoException) => {
  process.exit(failure.code === 'EPIPE' ? 0 : STATUS_ERROR);
});

try {
  process.exitCode = await main();
} catch (failure) {
  say(failure instanceof UsageError ? `${failure.message} (--help lists the options)` : String(failure));
  process.exitCode = STATUS_ERROR;
}
