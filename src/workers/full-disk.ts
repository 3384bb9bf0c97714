/**
 * What happens when the browser has no more room for what a guest writes: the request waits while the
 * machine is paused and its user makes room; then it is tried once more, and fails for the guest if there is
 * still none. What was written stays in the store's memory meanwhile.
 */
import { type BlockStore, type MaybePromise, StorageError } from '../emu/storage/block-store.ts';

/** Pauses the machine; resolves when it goes on. */
export type PauseForRoom = (reason: string) => Promise<void>;

export function holdWhileFull(store: BlockStore, pause: PauseForRoom): BlockStore {
  const hold = (result: MaybePromise<void>): MaybePromise<void> => {
    if (!(result instanceof Promise)) return result;
    return result.catch(async (failure: unknown) => {
      if (!(failure instanceof StorageError) || failure.kind !== 'quota') throw failure;
      await pause(failure.message);
      // A flush keeps everything that waits; writing again could undo what was written since.
      await store.flush();
    });
  };
  return {
    get size() {
      return store.size;
    },
    readOnly: store.readOnly,
    read: (offset, target) => store.read(offset, target),
    write: (offset, source) => hold(store.write(offset, source)),
    flush: () => hold(store.flush()),
    discard: (offset, length) => hold(store.discard(offset, length)),
    watchSize: (listener) => store.watchSize?.(listener),
  };
}
