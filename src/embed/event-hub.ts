/** Typed event listeners. */

export class EventHub<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void {
    let listeners = this.#listeners.get(event);
    if (!listeners) this.#listeners.set(event, (listeners = new Set()));
    // A wrapper of its own, so that a listener registered twice is called twice and removed singly.
    const entry = (value: Events[K]): void => listener(value);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** A listener that throws is reported to the host and does not keep the others from being called. */
  emit<K extends keyof Events>(event: K, value: Events[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(value as never);
      } catch (failure) {
        queueMicrotask(() => {
          throw failure;
        });
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
