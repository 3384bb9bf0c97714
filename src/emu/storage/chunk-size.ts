/** How large the pieces are in which disks are kept. */

/** Of images: few large pieces make an import fast. */
export const CHUNK_BYTES = 256 << 10;
/**
 * Of layers that a guest writes. A read that misses, or a flush after a small write, costs one of them, and
 * browsers keep what is larger than 64 kB in a file of its own, which costs four times as much to read.
 */
export const WRITTEN_CHUNK_BYTES = 32 << 10;
