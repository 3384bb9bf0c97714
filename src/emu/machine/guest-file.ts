/**
 * A file that a guest boots from: its bytes in the parts that they came in, because joining the parts of a kernel
 * takes a copy of 30 MB that nobody needs.
 */

export type GuestFile = Uint8Array | readonly Uint8Array[];

/** A file, or the promise of one that is still on its way. */
export type Arriving<T> = T | Promise<T>;

export function partsOf(file: GuestFile): readonly Uint8Array[] {
  return file instanceof Uint8Array ? [file] : file;
}

export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** The first `length` bytes in one piece, or all when there are fewer. */
export function headOf(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = parts;
  if (first && (parts.length === 1 || first.length >= length)) return first.subarray(0, length);
  const head = new Uint8Array(Math.min(length, lengthOf(parts)));
  let at = 0;
  for (const part of parts) {
    head.set(part.subarray(0, head.length - at), at);
    at += Math.min(part.length, head.length - at);
  }
  return head;
}

/** An initrd is unpacked before the guest starts when it takes no more than this part of RAM then. */
const INITRD_SHARE = 8;

/** How much of RAM a compressed file may take when it is unpacked before the guest starts. */
export function unpackedLimit(what: 'kernel' | 'initrd', ramBytes: number): number {
  return what === 'kernel' ? ramBytes : ramBytes / INITRD_SHARE;
}
