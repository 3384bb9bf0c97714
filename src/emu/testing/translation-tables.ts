/**
 * Builds VMSAv8-64 stage 1 tables in a harness's RAM, for any granule and level. Written from Arm ARM D8.3,
 * independently of the walker: whole 64-bit descriptors, no shared code.
 */
import { type CpuHarness, RAM_BASE } from './cpu-harness.ts';

export const DESCRIPTOR = {
  valid: 1n << 0n,
  table: 1n << 1n,
  attribute: (index: number) => BigInt(index) << 2n,
  el0: 1n << 6n,
  readOnly: 1n << 7n,
  innerShareable: 3n << 8n,
  accessFlag: 1n << 10n,
  notGlobal: 1n << 11n,
  contiguous: 1n << 52n,
  pxn: 1n << 53n,
  uxn: 1n << 54n,
  /** In table descriptors. */
  pxnTable: 1n << 59n,
  uxnTable: 1n << 60n,
  noEl0Table: 1n << 61n,
  readOnlyTable: 1n << 62n,
} as const;

/** Memory attribute indices that `MAIR` below defines. */
export const NORMAL = 0;
export const DEVICE = 1;
export const MAIR = 0x04ffn;

export type GranuleKib = 4 | 16 | 64;

const GRANULE_BITS: Readonly<Record<GranuleKib, bigint>> = { 4: 12n, 16: 14n, 64: 16n };
const TG0: Readonly<Record<GranuleKib, bigint>> = { 4: 0n, 64: 1n, 16: 2n };
const TG1: Readonly<Record<GranuleKib, bigint>> = { 16: 1n, 4: 2n, 64: 3n };
const VA_BITS = 48n;
/** Tables are taken from the upper half of RAM. */
const FIRST_TABLE = RAM_BASE + 0x40_0000;

export class TranslationTables {
  readonly granule: GranuleKib;
  readonly bits: bigint;
  /** The level at which a 48-bit walk starts. */
  readonly startLevel: number;
  readonly root: number;
  private readonly harness: CpuHarness;
  private next: number;

  constructor(harness: CpuHarness, granule: GranuleKib = 4, area = 0) {
    this.harness = harness;
    this.granule = granule;
    this.bits = GRANULE_BITS[granule];
    this.startLevel = granule === 64 ? 1 : 0;
    this.next = FIRST_TABLE + area * 0x10_0000;
    this.root = this.allocate();
  }

  private allocate(): number {
    const address = this.next;
    this.next += this.granule * 1024;
    return address;
  }

  /** log2 of what an entry at `level` covers. */
  span(level: number): bigint {
    return this.bits + BigInt(3 - level) * (this.bits - 3n);
  }

  /** Address of the descriptor for `va` at `level`; makes the tables above it with `tableBits`. */
  entry(va: bigint, level: number, tableBits = 0n): number {
    let table = this.root;
    for (let at = this.startLevel; ; at++) {
      const width = at === this.startLevel ? VA_BITS - this.span(at) : this.bits - 3n;
      const index = Number((va >> this.span(at)) & ((1n << width) - 1n));
      const address = table + index * 8;
      if (at === level) return address;
      if ((this.harness.peek(address) & DESCRIPTOR.valid) === 0n) {
        this.harness.poke(address, BigInt(this.allocate()) | DESCRIPTOR.table | DESCRIPTOR.valid | tableBits);
      }
      table = Number(this.harness.peek(address) & 0xffff_ffff_f000n);
    }
  }

  /** Maps the page or block at `va`, by default a kernel page of Normal memory. */
  map(va: bigint, pa: number, options: { level?: number; bits?: bigint; tableBits?: bigint } = {}): number {
    const { level = 3, bits = DESCRIPTOR.accessFlag, tableBits = 0n } = options;
    const page = level === 3 ? DESCRIPTOR.table : 0n;
    const address = this.entry(va, level, tableBits);
    this.harness.poke(address, BigInt(pa) | page | DESCRIPTOR.valid | bits);
    return address;
  }
}

export interface EnableOptions {
  readonly low?: TranslationTables;
  readonly high?: TranslationTables;
  readonly asid?: bigint;
  /** Added to TCR_EL1 and SCTLR_EL1. */
  readonly tcr?: bigint;
  readonly sctlr?: bigint;
}

/** 48-bit halves, 48-bit physical addresses, 16-bit ASIDs, TTBR0's ASID. */
const T0SZ = 16n;
const T1SZ = 16n << 16n;
const EPD0 = 1n << 7n;
const EPD1 = 1n << 23n;
const IPS_48 = 5n << 32n;
const AS16 = 1n << 36n;
const SCTLR_M = 1n;
const SCTLR_SPAN = 1n << 23n;

/** Sets the translation registers and turns the MMU on. */
export function enableMmu(harness: CpuHarness, options: EnableOptions): void {
  const { low, high, asid = 0n, tcr = 0n, sctlr = 0n } = options;
  const halves =
    (low ? TG0[low.granule] << 14n : EPD0) | (high ? TG1[high.granule] << 30n : EPD1) | T0SZ | T1SZ;
  harness.msr('MAIR_EL1', MAIR);
  harness.msr('TTBR0_EL1', BigInt(low?.root ?? 0) | (asid << 48n));
  harness.msr('TTBR1_EL1', BigInt(high?.root ?? 0));
  harness.msr('TCR_EL1', halves | IPS_48 | AS16 | tcr);
  harness.msr('SCTLR_EL1', SCTLR_M | SCTLR_SPAN | sctlr);
}
