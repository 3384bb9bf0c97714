/** `createMachine`: from options to a machine that loads and runs in a worker of its own. */
import { unpackedLimit } from '../emu/machine/guest-file.ts';
import type { DiskSetup, MachineFiles, MachineSetup } from '../workers/protocol.ts';
import type { ByteSource, CreateMachine, DiskOptions, MachineOptions } from './api.ts';
import { loadInterpreterImage } from './interpreter-image.ts';
import { type LoadContext, loadFile, loadImage, measureRemote } from './load-bytes.ts';
import { MachineStorage } from './machine-storage.ts';
import { type LoadMachine, RemoteMachine } from './remote-machine.ts';
import { openStorageThread, type StorageThread } from './storage-thread.ts';
import { type MachineTransport, openWorkerTransport } from './transport.ts';

export const DEFAULT_MEMORY_MIB = 512;
export const SMALLEST_MEMORY_MIB = 32;
export const LARGEST_MEMORY_MIB = 3072;
const BYTES_PER_MIB = 1 << 20;

export const createMachine: CreateMachine = async (options) =>
  createMachineOver(openWorkerTransport, options, {
    fetch: globalThis.fetch.bind(globalThis),
    baseUrl: location.href,
    loadInterpreter: () => loadInterpreterImage(globalThis.crossOriginIsolated === true),
  });

/** The same over any transport, fetch and base address. @throws {RangeError} for an option out of range */
export function createMachineOver(
  openTransport: () => MachineTransport,
  options: MachineOptions,
  net: Pick<LoadContext, 'fetch' | 'baseUrl'> & {
    readonly openStorage?: () => StorageThread;
    readonly loadInterpreter?: () => Promise<WebAssembly.Module | undefined>;
  },
): RemoteMachine {
  const memoryMiB = options.memoryMiB ?? DEFAULT_MEMORY_MIB;
  if (!Number.isInteger(memoryMiB) || memoryMiB < SMALLEST_MEMORY_MIB || memoryMiB > LARGEST_MEMORY_MIB) {
    throw new RangeError(
      `memory is a whole number from ${SMALLEST_MEMORY_MIB} to ${LARGEST_MEMORY_MIB} MiB, not ${memoryMiB}`,
    );
  }
  const storage = new MachineStorage(net.openStorage ?? openStorageThread);
  const ramBytes = memoryMiB * BYTES_PER_MIB;
  const load: LoadMachine = (progress, signal) => {
    const context = { ...net, progress, signal, storage };
    return {
      setup: gatherSetup(options, ramBytes, context),
      files: gatherFiles(options, ramBytes, context),
    };
  };
  const transport = withStorage(openTransport(), storage);
  const machine = new RemoteMachine(transport, load, options.autostart ?? true);
  storage.onWrites = (areKept) => machine.tellWrites(areKept);
  storage.onLoss = (name) => machine.tellLoss(name);
  return machine;
}

/** Ends a machine's storage thread with the machine, and the machine with its storage thread. */
function withStorage(transport: MachineTransport, storage: MachineStorage): MachineTransport {
  const close = transport.close.bind(transport);
  storage.onFailure = (details) => transport.onFailure(details);
  transport.close = async () => {
    await close();
    await storage.close();
  };
  return transport;
}

type SetupContext = Omit<LoadContext, 'what'> & {
  readonly storage: MachineStorage;
  readonly loadInterpreter?: () => Promise<WebAssembly.Module | undefined>;
};

async function gatherSetup(
  options: MachineOptions,
  ramBytes: number,
  context: SetupContext,
): Promise<MachineSetup> {
  const loading = context.loadInterpreter?.();
  const disks = (options.disks ?? []).map((disk) => prepareDisk(disk, { ...context, what: 'disk' }));
  const interpreter = await loading;
  return {
    board: options.board ?? 'virt',
    cpus: options.cpus ?? 1,
    ramBytes,
    commandLine: options.commandLine ?? '',
    disks: await Promise.all(disks),
    engine: options.engine ?? 'normal',
    ...(options.cpu && { cpu: options.cpu }),
    ...(interpreter && { interpreter }),
  };
}

async function gatherFiles(
  { kernel, initrd, dtb }: MachineOptions,
  ramBytes: number,
  context: SetupContext,
): Promise<MachineFiles> {
  const load = (what: 'kernel' | 'initrd' | 'dtb', source: ByteSource) =>
    loadFile(source, { ...context, what }, what === 'dtb' ? undefined : unpackedLimit(what, ramBytes));
  const [kernelFile, initrdFile, dtbFile] = await Promise.all([
    load('kernel', kernel),
    initrd && load('initrd', initrd),
    dtb && load('dtb', dtb),
  ]);
  return {
    kernel: kernelFile,
    ...(initrdFile && { initrd: initrdFile }),
    ...(dtbFile && { dtb: dtbFile }),
  };
}

async function prepareDisk(disk: DiskOptions, context: SetupContext & LoadContext): Promise<DiskSetup> {
  if ('library' in disk) return context.storage.open(disk.library, disk.mode ?? 'write');
  if (disk.mode === 'remote') return { mode: 'remote', ...(await measureRemote(disk.source, context)) };
  return { mode: disk.mode ?? 'snapshot', image: await loadImage(disk.source, context) };
}
