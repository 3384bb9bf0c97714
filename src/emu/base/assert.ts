/** Checks of our own invariants. Never for guest input: that ends in an architected fault or a device status. */

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`);
}

/** For checks that run often: `found ?? fail(…)` makes the message only when it is needed. */
export function fail(message: string): never {
  throw new Error(`internal error: ${message}`);
}

/** The `default` of an exhaustive switch. */
export function unreachable(value: never, what: string): never {
  throw new Error(`internal error: unexpected ${what}: ${String(value)}`);
}
