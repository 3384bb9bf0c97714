/**
 * What a kernel file is: an arm64 Linux Image (Linux Documentation/arch/arm64/booting.rst, section 4),
 * gzip around anything accepted, a raw binary, or one of the files people pick by mistake.
 */
import { MachineConfigError } from './contract.ts';
import { type Arriving, type GuestFile, headOf, lengthOf, partsOf, unpackedLimit } from './guest-file.ts';
import { gunzip, isGzip } from './gunzip.ts';

export interface KernelImage {
  readonly kind: 'linux' | 'raw';
  readonly parts: readonly Uint8Array[];
  /** Where it wants to be, relative to a 2 MiB boundary (Linux) or to the start of RAM (raw). */
  readonly loadOffset: number;
  /** Memory it needs from there on, including what is not in the file (bss). */
  readonly memoryBytes: number;
}

/** What is looked at to tell what a file is: a Linux header, or a magic number of the rows below. */
const PROBE_BYTES = 1024;
const HEADER_BYTES = 64;
const TEXT_OFFSET_AT = 8;
const IMAGE_SIZE_AT = 16;
const FLAGS_AT = 24;
const MAGIC_AT = 56;
/** "ARM\x64", little-endian. */
const MAGIC = 0x644d_5241;
const FLAG_BIG_ENDIAN = 1;
/** What image_size = 0 means: a kernel before 3.17, whose text_offset is this whatever it says. */
const OLD_TEXT_OFFSET = 0x8_0000;
/** Where raw binaries go: the place bare-metal programs for AArch64 are commonly linked for. */
const RAW_OFFSET = 0x8_0000;
const INSTRUCTION_BYTES = 4;
/** A file of which this many bytes are printable text is taken for text. */
const TEXT_PROBE_BYTES = 256;

interface KnownFile {
  readonly what: string;
  readonly hint: string;
  readonly at: number;
  readonly magic: readonly number[];
}
const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
const UNPACK = 'Unpack it first, or use a kernel that is plain or gzip-compressed.';
const NOT_ARM64 = 'Use a kernel built for arm64 (aarch64).';

/** Files that are not kernels for this machine, by their magic numbers. */
const KNOWN_FILES: readonly KnownFile[] = [
  {
    what: 'an EFI zboot image, a kernel packed inside an EFI program',
    hint: 'Use the Image it was made from (arch/arm64/boot/Image), plain or gzip-compressed.',
    at: 4,
    magic: ascii('zimg'),
  },
  {
    what: 'an ELF file (vmlinux, or a program)',
    hint: 'Use arch/arm64/boot/Image, or convert it with "objcopy -O binary".',
    at: 0,
    magic: [0x7f, ...ascii('ELF')],
  },
  { what: 'a kernel for x86 (bzImage)', hint: NOT_ARM64, at: 0x202, magic: ascii('HdrS') },
  { what: 'a kernel for 32-bit Arm (zImage)', hint: NOT_ARM64, at: 0x24, magic: [0x18, 0x28, 0x6f, 0x01] },
  { what: 'a U-Boot image (uImage)', hint: UNPACK, at: 0, magic: [0x27, 0x05, 0x19, 0x56] },
  { what: 'compressed with xz', hint: UNPACK, at: 0, magic: [0xfd, ...ascii('7zXZ')] },
  { what: 'compressed with zstd', hint: UNPACK, at: 0, magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { what: 'compressed with lz4', hint: UNPACK, at: 0, magic: [0x02, 0x21, 0x4c, 0x18] },
  { what: 'compressed with bzip2', hint: UNPACK, at: 0, magic: ascii('BZh') },
  { what: 'a zip archive', hint: UNPACK, at: 0, magic: [...ascii('PK'), 3, 4] },
  { what: 'a Debian package', hint: 'Take vmlinuz out of it.', at: 0, magic: ascii('!<arch>') },
  {
    what: 'an initial RAM disk (cpio)',
    hint: 'Give it as the initrd, and a kernel beside it.',
    at: 0,
    magic: ascii('07070'),
  },
  {
    what: 'a device tree blob',
    hint: 'Give it as the device tree, and a kernel beside it.',
    at: 0,
    magic: [0xd0, 0x0d, 0xfe, 0xed],
  },
];

export function startsWith(bytes: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, index) => bytes[at + index] === byte);
}

function looksLikeText(bytes: Uint8Array): boolean {
  const probe = bytes.subarray(0, TEXT_PROBE_BYTES);
  return probe.every(
    (byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09,
  );
}

function bad(message: string, hint?: string): MachineConfigError {
  return new MachineConfigError('bad-kernel', message, hint);
}

/**
 * Recognises a kernel; unpacks gzip up to the size of RAM.
 * @throws {MachineConfigError} 'bad-kernel', or 'memory' when unpacking goes beyond the limit.
 */
export async function readKernelImage(file: Arriving<GuestFile>, ramBytes: number): Promise<KernelImage> {
  const packed = partsOf(await file);
  const parts = isGzip(headOf(packed, PROBE_BYTES)) ? await unpackGzip(packed, ramBytes) : packed;
  const length = lengthOf(parts);
  if (length === 0) throw bad('The kernel file is empty.');
  const start = headOf(parts, PROBE_BYTES);
  return { ...(readLinuxHeader(start, length) ?? readRaw(start, length)), parts };
}

/** 64-bit header fields above 2^53 come out as a huge number, which fits nowhere: no special case needed. */
function readLinuxHeader(start: Uint8Array, length: number): Omit<KernelImage, 'parts'> | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (length < HEADER_BYTES || view.getUint32(MAGIC_AT, true) !== MAGIC) return undefined;
  if (view.getUint32(FLAGS_AT, true) & FLAG_BIG_ENDIAN) {
    throw bad('This is a big-endian arm64 kernel.', 'Use a little-endian one, as all distributions ship.');
  }
  const imageSize = Number(view.getBigUint64(IMAGE_SIZE_AT, true));
  return {
    kind: 'linux',
    loadOffset: imageSize === 0 ? OLD_TEXT_OFFSET : Number(view.getBigUint64(TEXT_OFFSET_AT, true)),
    memoryBytes: Math.max(imageSize, length),
  };
}

function readRaw(start: Uint8Array, length: number): Omit<KernelImage, 'parts'> {
  const known = KNOWN_FILES.find(({ magic, at }) => startsWith(start, magic, at));
  if (known) throw bad(`The kernel file is ${known.what}.`, known.hint);
  if (looksLikeText(start)) {
    const isPage = /^\s*</.test(new TextDecoder('latin1').decode(start.slice(0, TEXT_PROBE_BYTES)));
    throw bad(
      isPage ? 'The kernel file is a web page.' : 'The kernel file is text.',
      isPage ? 'The download probably gave an error page; look at its address.' : undefined,
    );
  }
  if (length < INSTRUCTION_BYTES || start.subarray(0, HEADER_BYTES).every((byte) => byte === 0)) {
    throw bad(
      'The kernel file is not an arm64 Linux Image, and too short or too empty for a program.',
      'Use an arm64 Image (plain or gzip), or a raw binary that starts with an instruction.',
    );
  }
  return { kind: 'raw', loadOffset: RAW_OFFSET, memoryBytes: length };
}

async function unpackGzip(file: readonly Uint8Array[], ramBytes: number): Promise<readonly Uint8Array[]> {
  const result = await gunzip(file, unpackedLimit('kernel', ramBytes));
  if (result.kind === 'unpacked') return result.parts;
  if (result.kind === 'damaged') {
    throw bad(
      `The kernel is gzip-compressed, but damaged or cut off after ${result.unpackedBytes} unpacked bytes.`,
      'Download or copy it again.',
    );
  }
  throw new MachineConfigError(
    'memory',
    'The unpacked kernel is larger than the memory.',
    'Give more memory.',
  );
}
