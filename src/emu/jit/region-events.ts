/** What happens to regions, for who wants to know why code was compiled or thrown away (`npm run explain`). */

/** Why a region is thrown away: its code changed, others needed the room, or a jump in it has a new target. */
export type DropReason = 'changed' | 'evicted' | 'extended';

export type RegionEvent = {
  /** Virtual address of its entry. */
  readonly address: bigint;
} & (
  | {
      /** Its entry has become hot. */
      readonly kind: 'wanted';
      /** Rounds of branches that have reached it, in all and in the current period. */
      readonly rounds: number;
      readonly recent: number;
    }
  | {
      readonly kind: 'compiled';
      readonly sizeBytes: number;
      /** Instructions in the entry's page that it was made from: addresses from, to (exclusive). */
      readonly ranges: readonly (readonly [from: bigint, to: bigint])[];
    }
  /** A region that was made at the same time has it. */
  | { readonly kind: 'covered' }
  /** It cannot be translated. */
  | { readonly kind: 'refused' }
  /** Its code changed while it was translated. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'dropped'; readonly reason: DropReason }
);

/** The event in words. `heat`: branches in one round. */
export function describeEvent(event: RegionEvent, heat: number): string {
  switch (event.kind) {
    case 'wanted':
      return `wanted: reached by ${event.rounds} rounds of ${heat} branches, ${event.recent} of them lately`;
    case 'compiled':
      return `compiled: ${event.sizeBytes} bytes of WebAssembly`;
    case 'covered':
      return 'not translated: another region that was made then has it; its heat counts anew';
    case 'refused':
      return 'not translated: there is no instruction that could be';
    case 'outdated':
      return 'not used: its code changed while it was translated';
    case 'dropped':
      return `thrown away: ${REASONS[event.reason]}`;
  }
}

const REASONS: Readonly<Record<DropReason, string>> = {
  changed: 'its code changed',
  evicted: 'others needed the room',
  extended: 'a jump in it has a new target',
};
