/**
 * Breakpoints and watchpoints of self-hosted debug (Arm ARM D2.9, D2.10), as far as DBGBCRn_EL1 and DBGWCRn_EL1 enable
 * them. While none is enabled nothing looks at them: a page with a breakpoint stays out of the fetch TLB, one that is
 * watched out of the data TLB, and whoever changes the registers calls `update`.
 *
 * Addresses are compared as bits 48:0, exact in a number. Security states: Non-secure only.
 */
import { CPU } from '../layout/cpu-state.ts';
import type { CellName } from '../layout/system-register-cells.ts';
import { debugExceptionsEnabled } from './software-step.ts';
import { type CpuState, cellOffset } from './state.ts';

/** ID_AA64DFR0_EL1: BRPs, WRPs. */
const COMPARATORS = 2;
/** ID_AA64DFR0_EL1.CTX_CMPs: the last breakpoint can compare CONTEXTIDR_EL1. */
export const CONTEXT_AWARE = COMPARATORS - 1;

const MDSCR = cellOffset('MDSCR_EL1');
const MDSCR_MDE = 1 << 15;
const OSLSR = cellOffset('OSLSR_EL1');
const OSLSR_OSLK = 1 << 1;
const CONTEXTIDR = cellOffset('CONTEXTIDR_EL1');

/** What DBGBCR and DBGWCR have in common: E, PMC or PAC, SSC, LBN. */
const ENABLE = 1;
const LEVELS_SHIFT = 1;
const SSC_SHIFT = 14;
const SSC_SECURE = 2;
const LINK_SHIFT = 16;
const LINK_MASK = 15;
/** DBGBCR.BT. BAS is RES1 without AArch32. */
const TYPE_SHIFT = 20;
const TYPE_MASK = 15;
const TYPE = { ADDRESS: 0, LINKED_ADDRESS: 1, CONTEXT: 2, LINKED_CONTEXT: 3 } as const;
/** DBGWCR: LSC, BAS, WT, MASK. */
const LOAD_SHIFT = 3;
const STORE_SHIFT = 4;
const BAS_SHIFT = 5;
const BAS_ALL = 0xff;
const BAS_WORD = 0xf;
const WATCH_LINKED_SHIFT = 20;
const MASK_SHIFT = 24;
const MASK_MASK = 31;
/** The smallest DBGWCR.MASK that is not reserved. */
const LEAST_MASK = 3;
const BYTES_OF_BAS = 8;
const WORD_BYTES = 4;

const PAGE_BYTES = 4096;
const ADDRESS_HIGH = 0x1_ffff;

interface Breakpoint {
  readonly type: number;
  readonly control: number;
  readonly address: number;
}

interface Watchpoint {
  readonly control: number;
  /** The bytes, first and last. */
  readonly first: number;
  readonly last: number;
}

/** An access that is watched: how far behind its start, and whether a store met the watchpoint. */
export interface WatchpointHit {
  readonly offset: number;
  readonly write: boolean;
}

const address = (lo: number, hi: number): number => (hi & ADDRESS_HIGH) * 2 ** 32 + (lo >>> 0);
const pageOf = (at: number): number => Math.floor(at / PAGE_BYTES);

function bit(control: number, shift: number): boolean {
  return ((control >>> shift) & 1) !== 0;
}

/** PMC or PAC: bit 0 for EL1, bit 1 for EL0. HMC adds levels that do not exist here. */
function matchesLevel(control: number, el: number): boolean {
  return ((control >>> SSC_SHIFT) & 3) !== SSC_SECURE && bit(control, LEVELS_SHIFT + (el === 0 ? 1 : 0));
}

export class Comparators {
  private readonly state: CpuState;
  private breakpoints: readonly Breakpoint[] = [];
  private watchpoints: readonly Watchpoint[] = [];

  constructor(state: CpuState) {
    this.state = state;
  }

  /** After a change of the debug registers: whether other addresses match from now on. */
  update(): boolean {
    const { state } = this;
    const on = (state.get(MDSCR) & MDSCR_MDE) !== 0 && (state.get(OSLSR) & OSLSR_OSLK) === 0;
    const before = JSON.stringify([this.breakpoints, this.watchpoints]);
    const indices = on ? Array.from({ length: COMPARATORS }, (_, index) => index) : [];
    this.breakpoints = indices.flatMap((index) => this.breakpoint(index) ?? []);
    this.watchpoints = indices.flatMap((index) => this.watchpoint(index) ?? []);
    return JSON.stringify([this.breakpoints, this.watchpoints]) !== before;
  }

  /** Whether instructions of a page must be looked at one by one. */
  breaksInPage(lo: number, hi: number): boolean {
    if (this.breakpoints.length === 0) return false;
    const page = pageOf(address(lo, hi));
    return this.breakpoints.some((one) => one.type === TYPE.CONTEXT || pageOf(one.address) === page);
  }

  /** Whether the instruction at PC meets a breakpoint. */
  breaksAt(lo: number, hi: number): boolean {
    if (this.breakpoints.length === 0) return false;
    const el = this.state.get(CPU.EL);
    if (!debugExceptionsEnabled(this.state, el, this.state.get(CPU.DAIF))) return false;
    const pc = address(lo, hi);
    return this.breakpoints.some(({ type, control, address: at }) => {
      if (!matchesLevel(control, el)) return false;
      if (type === TYPE.CONTEXT) return this.matchesContext(CONTEXT_AWARE);
      return at === pc && (type === TYPE.ADDRESS || this.matchesLink(control));
    });
  }

  watchesPage(lo: number, hi: number): boolean {
    if (this.watchpoints.length === 0) return false;
    const page = pageOf(address(lo, hi));
    return this.watchpoints.some(({ first, last }) => pageOf(first) <= page && page <= pageOf(last));
  }

  /** The watchpoint that an access as if from `el` meets. */
  watchpointHit(
    lo: number,
    hi: number,
    bytes: number,
    { el, read, write }: { readonly el: number; readonly read: boolean; readonly write: boolean },
  ): WatchpointHit | undefined {
    if (this.watchpoints.length === 0) return undefined;
    const { state } = this;
    if (!debugExceptionsEnabled(state, state.get(CPU.EL), state.get(CPU.DAIF))) return undefined;
    const start = address(lo, hi);
    for (const { control, first, last } of this.watchpoints) {
      const loads = read && bit(control, LOAD_SHIFT);
      const stores = write && bit(control, STORE_SHIFT);
      if (!loads && !stores) continue;
      if (first >= start + bytes || last < start || !matchesLevel(control, el)) continue;
      if (bit(control, WATCH_LINKED_SHIFT) && !this.matchesLink(control)) continue;
      return { offset: Math.max(0, first - start), write: !loads };
    }
    return undefined;
  }

  private breakpoint(index: number): Breakpoint | undefined {
    const [control, lo, hi] = this.registers('DBGB', index);
    const type = (control >>> TYPE_SHIFT) & TYPE_MASK;
    const known = type === TYPE.CONTEXT ? index === CONTEXT_AWARE : type <= TYPE.LINKED_ADDRESS;
    return control & ENABLE && known ? { type, control, address: address(lo & -WORD_BYTES, hi) } : undefined;
  }

  private watchpoint(index: number): Watchpoint | undefined {
    const [control, lo, hi] = this.registers('DBGW', index);
    if (!(control & ENABLE)) return undefined;
    const base = address(lo, hi);
    const mask = (control >>> MASK_SHIFT) & MASK_MASK;
    if (mask !== 0) {
      if (mask < LEAST_MASK) return undefined;
      const size = 2 ** mask;
      const first = Math.floor(base / size) * size;
      return { control, first, last: first + size - 1 };
    }
    // Bit 2 of the address: BAS selects among the bytes of that word only.
    const select = (control >>> BAS_SHIFT) & ((lo & WORD_BYTES) === 0 ? BAS_ALL : BAS_WORD);
    const bytes = Array.from({ length: BYTES_OF_BAS }, (_, n) => n).filter((n) => bit(select, n));
    const [from] = bytes;
    if (from === undefined) return undefined;
    // Bytes beside a gap are CONSTRAINED UNPREDICTABLE: the first run counts.
    const run = bytes.filter((n, i) => n === from + i).length;
    return { control, first: base + from, last: base + from + run - 1 };
  }

  /** Whether the context breakpoint that LBN names matches; its own levels do not count. */
  private matchesLink(control: number): boolean {
    if (((control >>> LINK_SHIFT) & LINK_MASK) !== CONTEXT_AWARE) return false;
    const [linked] = this.registers('DBGB', CONTEXT_AWARE);
    const type = (linked >>> TYPE_SHIFT) & TYPE_MASK;
    return (linked & ENABLE) !== 0 && type === TYPE.LINKED_CONTEXT && this.matchesContext(CONTEXT_AWARE);
  }

  private matchesContext(index: number): boolean {
    const [, id] = this.registers('DBGB', index);
    return this.state.get(CONTEXTIDR) === id;
  }

  /** Control, and the value as two halves. */
  private registers(kind: 'DBGB' | 'DBGW', index: number): readonly [number, number, number] {
    const { state } = this;
    const cell = (part: 'CR' | 'VR') => cellOffset(`${kind}${part}${index}_EL1` as CellName);
    return [state.get(cell('CR')), state.get(cell('VR')), state.high(cell('VR'))];
  }
}
