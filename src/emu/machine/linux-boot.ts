/**
 * Puts a kernel, an initrd and a device tree into RAM by the arm64 boot protocol (Linux
 * Documentation/arch/arm64/booting.rst, sections 2 to 4): the kernel at a 2 MiB boundary plus text_offset,
 * the device tree within 2 MiB and not across a 2 MiB boundary, x0 = its address. Nothing overlaps.
 */
import type { DmaMemory } from '../base/ports.ts';
import { MachineConfigError } from './contract.ts';
import {
  type BootFacts,
  DeviceTreeError,
  patchForBoot,
  readDeviceTree,
  writeDeviceTree,
} from './device-tree.ts';
import { type Arriving, type GuestFile, headOf, lengthOf, partsOf, unpackedLimit } from './guest-file.ts';
import { gunzip, isGzip } from './gunzip.ts';
import { type KernelImage, readKernelImage } from './kernel-image.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const ALIGNMENT = 2 * MIB;
const PAGE = 4 * KIB;
const LARGEST_DEVICE_TREE = 2 * MIB;
/** An Image without an offset of its own starts this far into RAM, where QEMU puts it. */
const KERNEL_OFFSET = 2 * MIB;
const SMALL_TEXT_OFFSET = 4 * KIB;
/** Preferred place of the initrd: half of RAM, at most this far in; the kernel unpacks itself below. */
const INITRD_OFFSET = 128 * MIB;

/** What boots. */
export interface BootFiles {
  readonly kernel: Arriving<GuestFile>;
  readonly initrd?: Arriving<GuestFile | undefined>;
  /** Replaces the generated device tree; /chosen and /memory are filled in. */
  readonly dtb?: Arriving<GuestFile | undefined>;
  readonly commandLine: string;
}

/** RAM as the loader sees it. */
export interface BootMemory extends DmaMemory {
  readonly ramBase: number;
  readonly ramSize: number;
}

/** How the boot CPU starts. */
export interface BootEntry {
  readonly entry: number;
  /** Goes to x0; x1 to x3 are zero. */
  readonly deviceTreeAddress: number;
}

interface Placement {
  readonly kernel: number;
  readonly initrd: number;
  readonly deviceTree: number;
  readonly end: number;
}

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;
const inMib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;

/**
 * Loads everything. `generateDeviceTree` makes the board's own device tree once the addresses are known.
 * @throws {MachineConfigError}
 */
export async function loadGuest(
  memory: BootMemory,
  files: BootFiles,
  generateDeviceTree: (facts: BootFacts) => Uint8Array,
): Promise<BootEntry> {
  const [kernel, initrd, dtb] = await Promise.all([
    readKernelImage(files.kernel, memory.ramSize),
    readInitrd(files.initrd, memory.ramSize),
    files.dtb,
  ]);
  const initrdBytes = initrd ? lengthOf(initrd) : 0;
  const placement = place(memory, kernel, initrdBytes);
  const facts: BootFacts = {
    commandLine: files.commandLine,
    initrd: initrd && { start: placement.initrd, end: placement.initrd + initrdBytes },
    memory: { base: memory.ramBase, size: memory.ramSize },
  };
  const deviceTree = dtb
    ? adoptDeviceTree(headOf(partsOf(dtb), Number.POSITIVE_INFINITY), facts)
    : generateDeviceTree(facts);
  put(memory, placement.kernel, kernel.parts);
  if (initrd) put(memory, placement.initrd, initrd);
  put(memory, placement.deviceTree, [deviceTree]);
  return { entry: placement.kernel, deviceTreeAddress: placement.deviceTree };
}

async function readInitrd(
  arriving: BootFiles['initrd'],
  ramBytes: number,
): Promise<readonly Uint8Array[] | undefined> {
  const file = await arriving;
  if (!file) return undefined;
  const parts = partsOf(file);
  const start = headOf(parts, PAGE);
  if (start.length === 0) throw new MachineConfigError('bad-initrd', 'The initrd file is empty.');
  if (start[0] === '<'.charCodeAt(0)) {
    throw new MachineConfigError(
      'bad-initrd',
      'The initrd file is a web page.',
      'The download probably gave an error page; look at its address.',
    );
  }
  return isGzip(start) ? unpackInitrd(parts, ramBytes) : parts;
}

/**
 * A gzip-compressed initrd is unpacked here, where it takes a tenth of the time that the guest would need; Linux
 * takes both. What does not unpack as a whole (another format, archives one after the other, too large) is left
 * to the guest.
 */
async function unpackInitrd(parts: readonly Uint8Array[], ramBytes: number): Promise<readonly Uint8Array[]> {
  const result = await gunzip(parts, unpackedLimit('initrd', ramBytes));
  return result.kind === 'unpacked' ? result.parts : parts;
}

function place({ ramBase, ramSize }: BootMemory, kernel: KernelImage, initrdBytes: number): Placement {
  const startsAtBase = kernel.kind === 'raw' || kernel.loadOffset >= SMALL_TEXT_OFFSET;
  const kernelOffset = kernel.loadOffset + (startsAtBase ? 0 : KERNEL_OFFSET);
  const kernelEnd = kernelOffset + kernel.memoryBytes;
  const after = (initrdOffset: number): Placement => {
    const deviceTree = alignUp(initrdOffset + initrdBytes, ALIGNMENT);
    return {
      kernel: ramBase + kernelOffset,
      initrd: ramBase + initrdOffset,
      deviceTree: ramBase + deviceTree,
      end: deviceTree + LARGEST_DEVICE_TREE,
    };
  };
  const preferred = after(alignUp(Math.max(kernelEnd, Math.min(ramSize / 2, INITRD_OFFSET)), PAGE));
  if (preferred.end <= ramSize) return preferred;
  const tight = after(alignUp(kernelEnd, PAGE));
  if (tight.end <= ramSize) return tight;
  const isKernelTooLarge = kernelEnd > ramSize;
  const culprit = isKernelTooLarge ? 'The kernel' : initrdBytes > 0 ? 'The initrd' : 'The device tree';
  throw new MachineConfigError(
    'memory',
    `${culprit} does not fit: the machine has ${inMib(ramSize)} of memory, ` +
      `the kernel needs ${inMib(kernel.memoryBytes)}${initrdBytes > 0 ? `, the initrd ${inMib(initrdBytes)}` : ''}.`,
    `Give the machine at least ${inMib(tight.end)}; Linux itself wants more than that to run.`,
  );
}

function adoptDeviceTree(dtb: Uint8Array, facts: BootFacts): Uint8Array {
  try {
    const tree = readDeviceTree(dtb);
    // An empty command line leaves the one in the file.
    patchForBoot(tree.root, {
      ...facts,
      commandLine: facts.commandLine === '' ? undefined : facts.commandLine,
    });
    const blob = writeDeviceTree(tree);
    if (blob.length <= LARGEST_DEVICE_TREE) return blob;
    throw new DeviceTreeError(`it is larger than ${inMib(LARGEST_DEVICE_TREE)}, the most that Linux takes`);
  } catch (error) {
    if (!(error instanceof DeviceTreeError)) throw error;
    throw new MachineConfigError('bad-dtb', `The device tree file cannot be used: ${error.message}.`);
  }
}

function put(memory: DmaMemory, address: number, parts: readonly Uint8Array[]): void {
  let at = address;
  for (const part of parts) {
    memory.view(at, part.length)?.set(part);
    at += part.length;
  }
}
