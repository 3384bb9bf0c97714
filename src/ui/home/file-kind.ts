/**
 * Guesses what a picked or dropped file is good for, by content first and by name where content is silent.
 * Content: the arm64 Image header (magic at byte 56), a newc cpio archive, a flattened device tree (its
 * specification, 5.2), a boot sector or qcow2. Gzip is looked into. The user can overrule the guess.
 */
import type { FileRole } from './launch-options.ts';

interface Signature {
  readonly role: FileRole;
  readonly offset: number;
  readonly bytes: readonly number[];
}

const SIGNATURES: readonly Signature[] = [
  { role: 'kernel', offset: 56, bytes: [0x41, 0x52, 0x4d, 0x64] }, // "ARM\x64"
  { role: 'initrd', offset: 0, bytes: [0x30, 0x37, 0x30, 0x37, 0x30] }, // "07070": newc, crc and odc cpio
  { role: 'dtb', offset: 0, bytes: [0xd0, 0x0d, 0xfe, 0xed] },
  { role: 'disk', offset: 0, bytes: [0x51, 0x46, 0x49, 0xfb] }, // "QFI\xfb": qcow2
  { role: 'disk', offset: 510, bytes: [0x55, 0xaa] }, // a partition table's boot signature
  { role: 'disk', offset: 1080, bytes: [0x53, 0xef] }, // ext2/3/4 superblock
  { role: 'disk', offset: 0, bytes: [0x68, 0x73, 0x71, 0x73] }, // "hsqs": squashfs
];

const NAMES: readonly { readonly role: FileRole; readonly pattern: RegExp }[] = [
  { role: 'dtb', pattern: /\.dtb$/i },
  { role: 'initrd', pattern: /init(rd|ramfs)|\.cpio/i },
  { role: 'disk', pattern: /\.(img|iso|raw|qcow2|ext4|squashfs|wic)(\.|$)/i },
  { role: 'kernel', pattern: /vmlinu|^image|kernel|\.(bin|elf)$/i },
];

const GZIP = [0x1f, 0x8b] as const;
/** Enough for every signature above. */
const HEAD_BYTES = 2048;
/** Compressed bytes that surely hold HEAD_BYTES of content, or all there is. */
const COMPRESSED_HEAD_BYTES = 65_536;

export async function guessRole(file: File): Promise<FileRole> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const isGzip = head[0] === GZIP[0] && head[1] === GZIP[1];
  const content = isGzip ? await gunzipHead(file.slice(0, COMPRESSED_HEAD_BYTES)) : head;
  return roleOfContent(content) ?? roleOfName(file.name) ?? 'disk';
}

export function roleOfContent(head: Uint8Array): FileRole | undefined {
  const matches = ({ offset, bytes }: Signature): boolean =>
    bytes.every((byte, index) => head[offset + index] === byte);
  return SIGNATURES.find(matches)?.role;
}

export function roleOfName(name: string): FileRole | undefined {
  return NAMES.find(({ pattern }) => pattern.test(name))?.role;
}

/** The first bytes of a gzip stream's content; the input is cut off, so its end is not waited for. */
async function gunzipHead(compressed: Blob): Promise<Uint8Array> {
  const head = new Uint8Array(HEAD_BYTES);
  let filled = 0;
  const reader = compressed.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    while (filled < HEAD_BYTES) {
      const { value, done } = await reader.read();
      if (done) break;
      const part = value.subarray(0, HEAD_BYTES - filled);
      head.set(part, filled);
      filled += part.length;
    }
    await reader.cancel();
  } catch {
    // A damaged stream: what came out before still counts.
  }
  return head.subarray(0, filled);
}
