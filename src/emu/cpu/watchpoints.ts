/** Accesses that watchpoints are asked about, as the MMU knows them, and what FAR_EL1 tells (Arm ARM D2.10.5). */
import {
  ACCESS_READ,
  ACCESS_WRITE,
  ACCESS_ZERO_BLOCK,
  type Access,
  sizeOf,
  ZERO_BLOCK_BYTES,
} from '../mmu/access.ts';
import type { DataWatch } from '../mmu/mmu.ts';
import type { Comparators } from './comparators.ts';

const WORD = 2 ** 32;

export class Watchpoints implements DataWatch {
  private readonly comparators: Comparators;
  private readonly take: (vaLo: number, vaHi: number, write: boolean) => void;

  /** @param take takes the exception */
  constructor(comparators: Comparators, take: (vaLo: number, vaHi: number, write: boolean) => void) {
    this.comparators = comparators;
    this.take = take;
  }

  watchesPage(vaLo: number, vaHi: number): boolean {
    return this.comparators.watchesPage(vaLo, vaHi);
  }

  /** FAR has the first byte that was accessed and is watched. */
  meets(vaLo: number, vaHi: number, access: Access, el: number): boolean {
    const block = (access & ACCESS_ZERO_BLOCK) !== 0;
    const from = block ? vaLo & -ZERO_BLOCK_BYTES : vaLo;
    const bytes = block ? ZERO_BLOCK_BYTES : sizeOf(access);
    const [read, write] = [(access & ACCESS_READ) !== 0, (access & ACCESS_WRITE) !== 0];
    const hit = this.comparators.watchpointHit(from, vaHi, bytes, { el, read, write });
    if (!hit) return false;
    const at = (from >>> 0) + hit.offset;
    this.take(at | 0, at < WORD ? vaHi : vaHi + 1, hit.write);
    return true;
  }
}
