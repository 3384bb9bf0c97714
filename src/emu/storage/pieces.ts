/** How a range of a disk falls into blocks of one size, and how answers that come at once or later are joined. */
import type { MaybePromise } from './block-store.ts';

/** One block's part of a range. */
export interface Piece {
  /** The block's number. */
  readonly block: number;
  /** Within the block. */
  readonly from: number;
  readonly to: number;
  /** Within the caller's bytes. */
  readonly at: number;
}

export function* piecesOf(offset: number, length: number, blockBytes: number): Generator<Piece> {
  for (let at = 0; at < length; ) {
    const block = Math.floor((offset + at) / blockBytes);
    const from = offset + at - block * blockBytes;
    const to = Math.min(blockBytes, from + length - at);
    yield { block, from, to, at };
    at += to - from;
  }
}

/** Resolves when all have; at once when there is nothing to wait for. */
export function allOf(waits: readonly Promise<void>[]): MaybePromise<void> {
  return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
}
