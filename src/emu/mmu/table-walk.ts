/**
 * Stage 1 translation of the EL1&0 regime: the walk of the VMSAv8-64 tables and the permissions that result
 * (Arm ARM D8.2 to D8.6). Hardware neither sets the access flag nor the dirty state. Tables must be in RAM.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import {
  ACCESS_FLAG_FAULT,
  ADDRESS_SIZE_FAULT,
  EXTERNAL_ABORT_ON_WALK,
  PERMISSION_FAULT,
  TRANSLATION_FAULT,
} from './faults.ts';
import {
  isDevice,
  NORMAL_NON_CACHEABLE,
  PHYSICAL_ADDRESS_BITS,
  type Stage1Regime,
  type TranslationHalf,
} from './regime.ts';

/** What a mapping permits. */
export const EL0_READ = 1 << 0;
export const EL0_WRITE = 1 << 1;
export const EL0_EXECUTE = 1 << 2;
export const EL1_READ = 1 << 3;
export const EL1_WRITE = 1 << 4;
export const EL1_EXECUTE = 1 << 5;
const ALL_PERMISSIONS = 0x3f;
/** How far the EL0 permissions must be shifted for EL1. */
const EL1_SHIFT = 3;

/** Descriptor bits, low half. */
const VALID = 1 << 0;
const TABLE_OR_PAGE = 1 << 1;
const ATTRIBUTE_INDEX_SHIFT = 2;
const AP_EL0 = 1 << 6;
const AP_READ_ONLY = 1 << 7;
const SHAREABILITY_SHIFT = 8;
const ACCESS_FLAG = 1 << 10;
const NOT_GLOBAL = 1 << 11;
/** Descriptor bits, high half. */
const OUTPUT_HI_MASK = 0xffff;
const GUARDED = 1 << 18;
const PXN = 1 << 21;
const UXN = 1 << 22;
const PXN_TABLE = 1 << 27;
const UXN_TABLE = 1 << 28;
const AP_TABLE_NO_EL0 = 1 << 29;
const AP_TABLE_READ_ONLY = 1 << 30;
const HIERARCHICAL = PXN_TABLE | UXN_TABLE | AP_TABLE_NO_EL0 | AP_TABLE_READ_ONLY;

const LAST_LEVEL = 3;
const DESCRIPTOR_BITS = 3;
const DESCRIPTOR_BYTES = 1 << DESCRIPTOR_BITS;
const PAGE_BITS = 12;
const TAGLESS_HI = 0xffffff;
const WORD = 2 ** 32;
const PAGE_MASK = 0xfff;
const OUTER_SHAREABLE = 0b10;
/** The first level at which each granule has block descriptors (without FEAT_LPA2). */
const FIRST_BLOCK_LEVEL: Readonly<Record<number, number>> = { 12: 1, 14: 2, 16: 2 };

export const NO_FAULT = -1;

/** What a walk found; one object is reused for every walk. */
export class Translation {
  /** NO_FAULT or a fault status code. */
  fault = NO_FAULT;
  /** Level of the leaf, for permission faults. */
  level = 0;
  /** Physical address of the 4 KiB page. */
  page = 0;
  /** log2 of the size of the mapping that a TLBI by address removes. */
  mappingBits = 12;
  permissions = 0;
  device = false;
  nonGlobal = false;
  /** Indirect branches must lead to instructions that are made for it (FEAT_BTI). */
  guarded = false;
  /** As PAR_EL1 reports them. */
  attributes = 0;
  shareability = 0;
}

/** Bits [shift, shift + count) of a 64-bit value, count < 32. */
function field(lo: number, hi: number, shift: number, count: number): number {
  const mask = (1 << count) - 1;
  if (shift >= 32) return (hi >>> (shift - 32)) & mask;
  if (shift === 0) return lo & mask;
  return ((lo >>> shift) | (hi << (32 - shift))) & mask;
}

/** Whether the bits above the translated ones are all copies of bit 55 (the tag aside). */
function inRange(half: TranslationHalf, vaLo: number, vaHi: number, code: boolean): boolean {
  const hi = (code ? half.codeTopByteIgnored : half.topByteIgnored) ? (vaHi << 8) >> 8 : vaHi | 0;
  const sign = (vaHi << 8) >> 31;
  if (half.inputBits >= 32) return hi >> (half.inputBits - 32) === sign;
  return hi === sign && (vaLo | 0) >> half.inputBits === sign;
}

export class TableWalker {
  private readonly memory: GuestMemory;
  private readonly words: Uint32Array;

  constructor(memory: GuestMemory) {
    this.memory = memory;
    this.words = new Uint32Array(memory.memory.buffer);
  }

  /** Translates without checking the permission of a particular access; `code`: of an instruction fetch. */
  translate(
    regime: Stage1Regime,
    vaLo: number,
    vaHi: number,
    el: number,
    out: Translation,
    code = false,
  ): void {
    const half = regime.halfOf(vaHi);
    out.level = 0;
    if (!regime.enabled) out.fault = identity(half, vaLo, vaHi, out);
    else if (half.walkDisabled || (half.hiddenFromEl0 && el === 0) || !inRange(half, vaLo, vaHi, code)) {
      out.fault = TRANSLATION_FAULT;
    } else out.fault = this.walk(regime, half, vaLo, vaHi, out);
  }

  /** The fault, or NO_FAULT with `out` filled in. */
  private walk(
    regime: Stage1Regime,
    half: TranslationHalf,
    vaLo: number,
    vaHi: number,
    out: Translation,
  ): number {
    const granule = half.granuleBits;
    const stride = granule - DESCRIPTOR_BITS;
    let table = half.tableBase;
    let inherited = 0;
    let bits = half.inputBits;
    if (table >= regime.physicalLimit) return ADDRESS_SIZE_FAULT;
    for (let level = half.startLevel; ; level++) {
      out.level = level;
      const shift = granule + (LAST_LEVEL - level) * stride;
      const at = this.memory.offsetOf(
        table + field(vaLo, vaHi, shift, bits - shift) * DESCRIPTOR_BYTES,
        DESCRIPTOR_BYTES,
      );
      if (at < 0) return EXTERNAL_ABORT_ON_WALK | level;
      const lo = this.words[at >>> 2]!;
      const hi = this.words[(at >>> 2) + 1]!;
      const leaf = level === LAST_LEVEL ? (lo & TABLE_OR_PAGE) !== 0 : (lo & TABLE_OR_PAGE) === 0;
      const allowed = leaf ? level >= FIRST_BLOCK_LEVEL[granule]! : level < LAST_LEVEL;
      if ((lo & VALID) === 0 || !allowed) return TRANSLATION_FAULT | level;
      const output = (hi & OUTPUT_HI_MASK) * WORD + ((lo & -(1 << (leaf ? shift : granule))) >>> 0);
      if (output >= regime.physicalLimit) return ADDRESS_SIZE_FAULT | level;
      if (leaf) {
        if ((lo & ACCESS_FLAG) === 0) return ACCESS_FLAG_FAULT | level;
        out.page = output + (vaLo & ((1 << shift) - 1) & ~PAGE_MASK);
        out.mappingBits = shift;
        describeLeaf(regime, lo, (hi & ~HIERARCHICAL) | (inherited & HIERARCHICAL), out);
        return NO_FAULT;
      }
      inherited |= hi;
      table = output;
      bits = shift;
    }
  }
}

/** MMU off (D8.2.10): flat, everything permitted, data is Device-nGnRnE. */
function identity(half: TranslationHalf, vaLo: number, vaHi: number, out: Translation): number {
  const hi = half.topByteIgnored ? vaHi & TAGLESS_HI : vaHi >>> 0;
  out.page = hi * WORD + ((vaLo & ~PAGE_MASK) >>> 0);
  out.mappingBits = PAGE_BITS;
  out.permissions = ALL_PERMISSIONS;
  out.device = true;
  out.nonGlobal = false;
  out.guarded = false;
  out.attributes = 0;
  out.shareability = OUTER_SHAREABLE;
  return hi >= 2 ** (PHYSICAL_ADDRESS_BITS - 32) ? ADDRESS_SIZE_FAULT : NO_FAULT;
}

/** In `hi` the bits of the tables on the way stand where the leaf has bits for software. */
function describeLeaf(regime: Stage1Regime, lo: number, hi: number, out: Translation): void {
  const attributes = regime.memoryAttributes((lo >>> ATTRIBUTE_INDEX_SHIFT) & 7);
  out.permissions = permissionsOf(lo, hi, regime.writeImpliesNoExecute);
  out.device = isDevice(attributes);
  out.nonGlobal = (lo & NOT_GLOBAL) !== 0;
  out.guarded = (hi & GUARDED) !== 0;
  out.attributes = attributes;
  const uncached = out.device || attributes === NORMAL_NON_CACHEABLE;
  out.shareability = uncached ? OUTER_SHAREABLE : (lo >>> SHAREABILITY_SHIFT) & 3;
}

/** Arm ARM D8.4: AP, the execute-never bits, WXN; hierarchical restrictions are in the high bits of `hi`. */
function permissionsOf(lo: number, hi: number, writeImpliesNoExecute: boolean): number {
  const user = (lo & AP_EL0) !== 0 && (hi & AP_TABLE_NO_EL0) === 0;
  const writable = (lo & AP_READ_ONLY) === 0 && (hi & AP_TABLE_READ_ONLY) === 0;
  const userWritable = user && writable;
  const el0NoExecute = (hi & (UXN | UXN_TABLE)) !== 0 || (writeImpliesNoExecute && userWritable);
  // What EL0 may write is never executable at EL1.
  const el1NoExecute = (hi & (PXN | PXN_TABLE)) !== 0 || userWritable || (writeImpliesNoExecute && writable);
  return (
    (user ? EL0_READ : 0) |
    (userWritable ? EL0_WRITE : 0) |
    (el0NoExecute ? 0 : EL0_EXECUTE) |
    EL1_READ |
    (writable ? EL1_WRITE : 0) |
    (el1NoExecute ? 0 : EL1_EXECUTE)
  );
}

/**
 * The fault of an access that needs all of `need` (EL0_… bits, whatever the level), or NO_FAULT. With PAN,
 * EL1 has no data access to what EL0 can read (D8.4.1).
 */
export function permissionFault(t: Translation, need: number, el: number, pan: boolean): number {
  const granted = el === 0 ? t.permissions : t.permissions >> EL1_SHIFT;
  const hidden = pan && el !== 0 && need !== EL0_EXECUTE && (t.permissions & EL0_READ) !== 0;
  return (granted & need) === need && !hidden ? NO_FAULT : PERMISSION_FAULT | t.level;
}
