/**
 * A block store that says when an operation that was under way has ended: a guest that sleeps until its
 * disk answers has to be woken by the host. Operations that end at once say nothing.
 */
import type { BlockStore, MaybePromise } from '../emu/storage/block-store.ts';

export function notifyCompletions(store: BlockStore, completed: () => void): BlockStore {
  const watch = (result: MaybePromise<void>): MaybePromise<void> => {
    if (result instanceof Promise) result.then(completed, completed);
    return result;
  };
  return {
    size: store.size,
    readOnly: store.readOnly,
    read: (offset, target) => watch(store.read(offset, target)),
    write: (offset, source) => watch(store.write(offset, source)),
    flush: () => watch(store.flush()),
    discard: (offset, length) => watch(store.discard(offset, length)),
  };
}
