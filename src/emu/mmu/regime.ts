/**
 * The EL1&0 translation regime, derived from SCTLR_EL1, TCR_EL1, MAIR_EL1 and TTBRn_EL1 (Arm ARM D8.2).
 * Out-of-range TxSZ values behave as the nearest legal one, reserved granules as 4 KiB (both CONSTRAINED
 * UNPREDICTABLE choices). Base addresses ignore CnP, which is not implemented.
 */

/** The registers as 32-bit halves. */
export interface RegimeRegisters {
  readonly sctlr: number;
  readonly tcrLo: number;
  readonly tcrHi: number;
  readonly mairLo: number;
  readonly mairHi: number;
  readonly ttbr0Lo: number;
  readonly ttbr0Hi: number;
  readonly ttbr1Lo: number;
  readonly ttbr1Hi: number;
}

/** Bits of the registers that steer translation. */
const SCTLR_M = 1 << 0;
const SCTLR_A = 1 << 1;
const SCTLR_NAA = 1 << 6;
const SCTLR_I = 1 << 12;
const SCTLR_WXN = 1 << 19;
const TCR_A1 = 1 << 22;
const TCR_HI_IPS_MASK = 7;
const TCR_HI_AS = 1 << 4;
/** Bits 47:32 of a base address in the high half of a TTBR; above them the ASID. */
const TTBR_HI_BASE_MASK = 0xffff;
const ASID_SHIFT = 16;
const SHORT_ASID_MASK = 0xff;

/** Where the fields of one half of the address space are in TCR_EL1. */
const HALVES = [
  { tsz: 0, epd: 7, tg: 14, granules: [12, 16, 14, 12], tbiHi: 5, tbidHi: 19, e0pdHi: 23 },
  { tsz: 16, epd: 23, tg: 30, granules: [12, 14, 12, 16], tbiHi: 6, tbidHi: 20, e0pdHi: 24 },
] as const;
const TSZ_MASK = 0x3f;
const TSZ_MIN = 16;
const TSZ_MAX = 39;
const ADDRESS_BITS = 64;

/** TCR_EL1.IPS → bits of a physical address; the implemented size (ID_AA64MMFR0_EL1.PARange) is 48. */
const PHYSICAL_BITS = [32, 36, 40, 42, 44, 48, 48, 48] as const;
export const PHYSICAL_ADDRESS_BITS = 48;
const WORD = 2 ** 32;
const LAST_LEVEL = 3;
const DESCRIPTOR_BITS = 3;

/** One half of the virtual address space. */
export class TranslationHalf {
  /** TCR_EL1.EPDn: no walks. */
  walkDisabled = false;
  /** TCR_EL1.E0PDn: EL0 may not use it. */
  hiddenFromEl0 = false;
  /** TCR_EL1.TBIn, for data; and for instructions, which TBIDn may leave out. */
  topByteIgnored = false;
  codeTopByteIgnored = false;
  /** Bits of a virtual address that are translated. */
  inputBits = 48;
  granuleBits = 12;
  startLevel = 0;
  tableBase = 0;

  configure(which: 0 | 1, r: RegimeRegisters): void {
    const at = HALVES[which];
    const tsz = Math.min(Math.max((r.tcrLo >>> at.tsz) & TSZ_MASK, TSZ_MIN), TSZ_MAX);
    this.walkDisabled = ((r.tcrLo >>> at.epd) & 1) !== 0;
    this.hiddenFromEl0 = ((r.tcrHi >>> at.e0pdHi) & 1) !== 0;
    this.topByteIgnored = ((r.tcrHi >>> at.tbiHi) & 1) !== 0;
    this.codeTopByteIgnored = this.topByteIgnored && ((r.tcrHi >>> at.tbidHi) & 1) === 0;
    this.inputBits = ADDRESS_BITS - tsz;
    this.granuleBits = at.granules[(r.tcrLo >>> at.tg) & 3]!;
    const stride = this.granuleBits - DESCRIPTOR_BITS;
    const levels = Math.ceil((this.inputBits - this.granuleBits) / stride);
    this.startLevel = LAST_LEVEL + 1 - levels;
    const tableBits = this.inputBits - this.granuleBits - (levels - 1) * stride + DESCRIPTOR_BITS;
    const baseMask = -(1 << Math.max(tableBits, 6));
    const [lo, hi] = which === 0 ? [r.ttbr0Lo, r.ttbr0Hi] : [r.ttbr1Lo, r.ttbr1Hi];
    this.tableBase = (hi & TTBR_HI_BASE_MASK) * WORD + ((lo & baseMask) >>> 0);
  }
}

export class Stage1Regime {
  enabled = false;
  /** SCTLR_EL1.A: every access must be aligned to its elements. */
  alignmentChecked = false;
  /** SCTLR_EL1.nAA: LDAR, STLR and the like may be misaligned anywhere. */
  orderedNeedNoAlignment = false;
  instructionCache = false;
  writeImpliesNoExecute = false;
  physicalLimit = 2 ** PHYSICAL_ADDRESS_BITS;
  asid = 0;
  readonly low = new TranslationHalf();
  readonly high = new TranslationHalf();
  private mairLo = 0;
  private mairHi = 0;
  /** Everything but the table bases and ASID, for telling TLB banks apart. */
  signature = '';

  configure(r: RegimeRegisters): void {
    this.enabled = (r.sctlr & SCTLR_M) !== 0;
    this.alignmentChecked = (r.sctlr & SCTLR_A) !== 0;
    this.orderedNeedNoAlignment = (r.sctlr & SCTLR_NAA) !== 0;
    this.instructionCache = (r.sctlr & SCTLR_I) !== 0;
    this.writeImpliesNoExecute = (r.sctlr & SCTLR_WXN) !== 0;
    this.physicalLimit = 2 ** PHYSICAL_BITS[r.tcrHi & TCR_HI_IPS_MASK]!;
    this.mairLo = r.mairLo;
    this.mairHi = r.mairHi;
    // SCTLR_EL1.I, too: fetches that may not be cached must not find what was entered when they might.
    const checks = r.sctlr & (SCTLR_M | SCTLR_A | SCTLR_WXN | SCTLR_I);
    this.signature = `${checks},${r.tcrLo},${r.tcrHi},${r.mairLo},${r.mairHi}`;
    this.configureTables(r);
  }

  /** After a change of TTBRn_EL1 alone. */
  configureTables(r: RegimeRegisters): void {
    this.low.configure(0, r);
    this.high.configure(1, r);
    const asid = ((r.tcrLo & TCR_A1 ? r.ttbr1Hi : r.ttbr0Hi) >>> ASID_SHIFT) & 0xffff;
    this.asid = r.tcrHi & TCR_HI_AS ? asid : asid & SHORT_ASID_MASK;
  }

  /** Whether the ASIDs of TLBI operands have 16 bits. */
  sameAsid(a: number, b: number, tcrHi: number): boolean {
    const mask = tcrHi & TCR_HI_AS ? 0xffff : SHORT_ASID_MASK;
    return (a & mask) === (b & mask);
  }

  /** The byte of MAIR_EL1 that a descriptor's AttrIndx selects. */
  memoryAttributes(index: number): number {
    return ((index < 4 ? this.mairLo : this.mairHi) >>> ((index & 3) * 8)) & 0xff;
  }

  /** The half that a virtual address belongs to: bit 55 decides where tags are ignored. */
  halfOf(vaHi: number): TranslationHalf {
    return (vaHi >>> 23) & 1 ? this.high : this.low;
  }

  /** The high half of a branch target as PC holds it: an ignored top byte becomes the sign of bit 55. */
  canonicalHigh(vaHi: number): number {
    return this.halfOf(vaHi).codeTopByteIgnored ? (vaHi << 8) >> 8 : vaHi;
  }
}

/** Normal memory, Inner and Outer Non-cacheable. */
export const NORMAL_NON_CACHEABLE = 0x44;

/** MAIR attribute bytes 0b0000dd00 are Device memory. */
export function isDevice(attributes: number): boolean {
  return (attributes & 0xf3) === 0;
}
