/**
 * A block store that says when an operation is under way, and when it has ended: a guest that sleeps until
 * its disk answers has to be woken by the host. Operations that end at once say nothing.
 */
import type { BlockStore, MaybePromise } from '../emu/storage/block-store.ts';

export interface CompletionListener {
  begun(): void;
  ended(): void;
}

export function notifyCompletions(store: BlockStore, listener: CompletionListener): BlockStore {
  const ended = (): void => listener.ended();
  const watch = (result: MaybePromise<void>): MaybePromise<void> => {
    if (result instanceof Promise) {
      listener.begun();
      result.then(ended, ended);
    }
    return result;
  };
  return {
    get size() {
      return store.size;
    },
    readOnly: store.readOnly,
    read: (offset, target) => watch(store.read(offset, target)),
    write: (offset, source) => watch(store.write(offset, source)),
    flush: () => watch(store.flush()),
    discard: (offset, length) => watch(store.discard(offset, length)),
    watchSize: (resized) =>
      store.watchSize?.(() => {
        listener.begun();
        resized();
        listener.ended();
      }),
  };
}
