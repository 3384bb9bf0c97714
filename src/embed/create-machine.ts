/** `createMachine`: from options to a machine that loads and runs in a worker of its own. */
import type { DiskSetup, MachineSetup } from '../workers/protocol.ts';
import type { CreateMachine, DiskOptions, LoadProgress, MachineOptions } from './api.ts';
import { type LoadContext, loadBytes, loadImage, measureRemote } from './load-bytes.ts';
import { type LoadSetup, RemoteMachine } from './remote-machine.ts';
import { type MachineTransport, openWorkerTransport } from './transport.ts';

export const DEFAULT_MEMORY_MIB = 512;
export const SMALLEST_MEMORY_MIB = 32;
export const LARGEST_MEMORY_MIB = 3072;
const BYTES_PER_MIB = 1 << 20;

export const createMachine: CreateMachine = async (options) =>
  createMachineOver(openWorkerTransport, options, {
    fetch: globalThis.fetch.bind(globalThis),
    baseUrl: location.href,
  });

/** The same over any transport, fetch and base address. @throws {RangeError} for an option out of range */
export function createMachineOver(
  openTransport: () => MachineTransport,
  options: MachineOptions,
  net: Pick<LoadContext, 'fetch' | 'baseUrl'>,
): RemoteMachine {
  const memoryMiB = options.memoryMiB ?? DEFAULT_MEMORY_MIB;
  if (!Number.isInteger(memoryMiB) || memoryMiB < SMALLEST_MEMORY_MIB || memoryMiB > LARGEST_MEMORY_MIB) {
    throw new RangeError(
      `memory is a whole number from ${SMALLEST_MEMORY_MIB} to ${LARGEST_MEMORY_MIB} MiB, not ${memoryMiB}`,
    );
  }
  const loadSetup: LoadSetup = (progress, signal) =>
    gatherSetup(options, memoryMiB * BYTES_PER_MIB, { ...net, progress, signal });
  return new RemoteMachine(openTransport(), loadSetup, options.autostart ?? true);
}

async function gatherSetup(
  options: MachineOptions,
  ramBytes: number,
  context: Omit<LoadContext, 'what'>,
): Promise<MachineSetup> {
  const optional = async (what: LoadProgress['what'], source: MachineOptions['initrd']) =>
    source === undefined ? undefined : loadBytes(source, { ...context, what });
  const [kernel, initrd, dtb, disks] = await Promise.all([
    loadBytes(options.kernel, { ...context, what: 'kernel' }),
    optional('initrd', options.initrd),
    optional('dtb', options.dtb),
    Promise.all((options.disks ?? []).map((disk) => prepareDisk(disk, { ...context, what: 'disk' }))),
  ]);
  return {
    board: options.board ?? 'virt',
    cpus: options.cpus ?? 1,
    ramBytes,
    kernel,
    ...(initrd && { initrd }),
    ...(dtb && { dtb }),
    commandLine: options.commandLine ?? '',
    disks,
    engine: options.engine ?? 'normal',
    ...(options.cpu && { cpu: options.cpu }),
  };
}

async function prepareDisk(disk: DiskOptions, context: LoadContext): Promise<DiskSetup> {
  if ('library' in disk) throw new RangeError(`this build has no disk library to open ${disk.library} from`);
  if (disk.mode === 'remote') return { mode: 'remote', ...(await measureRemote(disk.source, context)) };
  return { mode: disk.mode ?? 'snapshot', image: await loadImage(disk.source, context) };
}
