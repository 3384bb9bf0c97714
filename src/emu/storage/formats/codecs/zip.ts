/**
 * A .zip archive with one image in it (APPNOTE.TXT 6.3.10), read as a stream: local file headers (4.3.7) until the
 * central directory (4.3.12) begins. Entries that cannot be an image (folders, texts, sums) are passed over.
 */
import { viewOf } from '../data-view.ts';
import { ImageError } from '../image-error.ts';
import { crc32 } from './checksums.ts';
import { wrongSum } from './damage.ts';
import { DEFLATE_HISTORY_BYTES, inflate } from './inflate.ts';
import { OutputWindow } from './output-window.ts';
import type { StreamInput } from './stream-input.ts';

const LOCAL_HEADER = 0x0403_4b50;
const DESCRIPTOR = 0x0807_4b50;
/** What may follow the last entry: extra data, the directory, its end (also of ZIP64). */
const BEHIND_ENTRIES = [0x0806_4b50, 0x0201_4b50, 0x0606_4b50, 0x0605_4b50];
const LOCAL_HEADER_BYTES = 30;
const SIGNATURE_BYTES = 4;
const FIELD = { flags: 6, method: 8, crc: 14, packed: 18, size: 22, nameBytes: 26, extraBytes: 28 } as const;
const FLAG = { encrypted: 1 << 0, descriptor: 1 << 3, strong: 1 << 6, masked: 1 << 13 } as const;
const METHOD = { stored: 0, deflated: 8 } as const;
/** In a header: the size is in the ZIP64 field. */
const IN_ZIP64 = 0xffff_ffff;
const ZIP64_FIELD = 1;
const CHUNK_BYTES = 1 << 18;

/** Names that are no images: folders, hidden files and those that macOS adds, texts, sums, signatures. */
const PASSED_OVER =
  /\/$|(^|\/)\.|^__MACOSX\/|\.(txt|md|html?|pdf|json|ya?ml|sig|asc|md5|sha\d+|sums?|info|bmap)$/i;

interface Entry {
  readonly name: string;
  readonly offset: number;
  readonly method: number;
  /** Absent when they stand behind the contents, in a descriptor. */
  readonly sums: { readonly crc: number; readonly packed: number; readonly size: number } | undefined;
  readonly isZip64: boolean;
}

/** The contents of the one image in the archive. @throws {ImageError} */
export async function* unzip(input: StreamInput): AsyncGenerator<Uint8Array> {
  let image: string | undefined;
  while (await hasEntry(input)) {
    const entry = await readEntry(input);
    const isPassedOver = PASSED_OVER.test(entry.name);
    if (!isPassedOver && image !== undefined) {
      throw new ImageError(
        'unsupported',
        `the zip archive holds more than one file that may be the image ("${image}", "${entry.name}"); unpack it first`,
        entry.offset,
      );
    }
    if (!isPassedOver) image = entry.name;
    for await (const chunk of contentsOf(entry, input)) if (!isPassedOver) yield chunk;
  }
  if (image === undefined) throw new ImageError('unknown', 'the zip archive holds no image');
}

async function hasEntry(input: StreamInput): Promise<boolean> {
  await input.require(SIGNATURE_BYTES, 'the zip archive');
  const signature = viewOf(input.bytes, input.position).getUint32(0, true);
  if (signature === LOCAL_HEADER) return true;
  if (BEHIND_ENTRIES.includes(signature)) return false;
  throw new ImageError('corrupt', 'the zip archive has something else between its files', input.offset);
}

async function readEntry(input: StreamInput): Promise<Entry> {
  const { offset } = input;
  await input.require(LOCAL_HEADER_BYTES, 'the header of a zipped file');
  const header = viewOf(input.take(LOCAL_HEADER_BYTES).slice());
  const nameBytes = header.getUint16(FIELD.nameBytes, true);
  const extraBytes = header.getUint16(FIELD.extraBytes, true);
  await input.require(nameBytes + extraBytes, 'the header of a zipped file');
  const name = new TextDecoder().decode(input.take(nameBytes).slice());
  const extra = zip64Sizes(input.take(extraBytes));
  const flags = header.getUint16(FIELD.flags, true);
  const method = header.getUint16(FIELD.method, true);
  if (flags & (FLAG.encrypted | FLAG.strong | FLAG.masked)) {
    throw new ImageError('unsupported', 'the zip archive is encrypted; unpack it first', offset);
  }
  if (method !== METHOD.stored && method !== METHOD.deflated) {
    throw new ImageError('unsupported', `the zip archive uses method ${method}; unpack it first`, offset);
  }
  const hasDescriptor = (flags & FLAG.descriptor) !== 0;
  if (hasDescriptor && method === METHOD.stored) {
    throw new ImageError(
      'unsupported',
      'the zip archive does not tell in front how long its file is; unpack it first',
      offset,
    );
  }
  const sizeOf = (field: number, large: number | undefined): number => {
    const small = header.getUint32(field, true);
    return small === IN_ZIP64 && large !== undefined ? large : small;
  };
  const sums = {
    crc: header.getUint32(FIELD.crc, true),
    packed: sizeOf(FIELD.packed, extra?.packed),
    size: sizeOf(FIELD.size, extra?.size),
  };
  return { name, offset, method, sums: hasDescriptor ? undefined : sums, isZip64: extra !== undefined };
}

/** Section 4.5.3; undefined when there is no such field. */
function zip64Sizes(extra: Uint8Array): { readonly size: number; readonly packed: number } | undefined {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== ZIP64_FIELD || at + 20 > extra.length) continue;
    return {
      size: Number(view.getBigUint64(at + 4, true)),
      packed: Number(view.getBigUint64(at + 12, true)),
    };
  }
  return undefined;
}

async function* contentsOf(entry: Entry, input: StreamInput): AsyncGenerator<Uint8Array> {
  const start = input.offset;
  const unpacked =
    entry.method === METHOD.stored
      ? stored(input, entry.sums?.packed ?? 0)
      : inflate(input, new OutputWindow(DEFLATE_HISTORY_BYTES));
  let crc = 0;
  let size = 0;
  for await (const chunk of unpacked) {
    crc = crc32(chunk, crc);
    size += chunk.length;
    // A small file that unpacks to more than it says is stopped while it does.
    if (entry.sums && size > entry.sums.size) break;
    yield chunk;
  }
  const found = { crc, packed: input.offset - start, size };
  const told = entry.sums ?? (await readDescriptor(input, entry, found));
  if (told.size !== size || told.packed !== found.packed) {
    throw new ImageError('corrupt', `"${entry.name}" does not have the size that its header tells`, start);
  }
  if (told.crc !== crc) {
    throw wrongSum(start);
  }
}

async function* stored(input: StreamInput, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; ) {
    await input.require(1, 'a zipped file');
    const chunk = input.take(Math.min(left, input.available, CHUNK_BYTES)).slice();
    left -= chunk.length;
    yield chunk;
  }
}

/** Section 4.3.9: with or without a signature, with sizes of four or eight bytes. */
async function readDescriptor(
  input: StreamInput,
  entry: Entry,
  found: { readonly packed: number; readonly size: number },
): Promise<NonNullable<Entry['sums']>> {
  await input.require(SIGNATURE_BYTES, 'the sum behind a zipped file');
  if (viewOf(input.bytes, input.position).getUint32(0, true) === DESCRIPTOR) input.take(SIGNATURE_BYTES);
  const isLarge = entry.isZip64 || Math.max(found.packed, found.size) > IN_ZIP64;
  const bytes = SIGNATURE_BYTES + (isLarge ? 16 : 8);
  await input.require(bytes, 'the sum behind a zipped file');
  const view = viewOf(input.take(bytes));
  const crc = view.getUint32(0, true);
  if (!isLarge) return { crc, packed: view.getUint32(4, true), size: view.getUint32(8, true) };
  return { crc, packed: Number(view.getBigUint64(4, true)), size: Number(view.getBigUint64(12, true)) };
}
