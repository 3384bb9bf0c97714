/** A file of any size for measurements, in the browser's own file system, so that no test disk is shipped. */

const PIECE_BYTES = 4 << 20;

export class LoadSource {
  readonly #sizeBytes: number;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  /** Bytes that do not compress, other ones in every piece. */
  async file(): Promise<File> {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(`load-${this.#sizeBytes}.img`, { create: true });
    const found = await handle.getFile();
    if (found.size === this.#sizeBytes) return found;
    const writer = await handle.createWritable();
    const piece = new Uint32Array(PIECE_BYTES / Uint32Array.BYTES_PER_ELEMENT);
    for (let at = 0; at < this.#sizeBytes; at += PIECE_BYTES) {
      for (let word = 0; word < piece.length; word++)
        piece[word] = Math.imul(word + at, 0x9e37_79b1) ^ (word >>> 3);
      await writer.write(piece.slice());
    }
    await writer.close();
    return handle.getFile();
  }
}
