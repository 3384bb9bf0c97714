/**
 * Identification registers (Arm ARM D17.2, group "Identification"): what this CPU is and what it implements.
 * Fields of optional features come from the CPU's profile (isa/features.ts); those that all our CPUs share are
 * here. A field that neither names is zero: not implemented.
 */
import { CTR_EL0_VALUE, DCZID_BS, DCZID_DZP_SHIFT } from '../../isa/cache-identity.ts';
import { featureFields, type IdentificationRegister } from '../../isa/features.ts';
import type { CpuProfile } from '../profiles.ts';
import { type CpuState, cellOffset } from '../state.ts';
import { atEl0, GATE, type SystemContext, type SystemRegister } from './row.ts';

/** A field of an identification register: lowest bit, value, meaning. */
type Field = readonly [bit: number, value: number, meaning: string];

function fields(...rows: readonly Field[]): bigint {
  return rows.reduce((value, [bit, field]) => value | (BigInt(field) << BigInt(bit)), 0n);
}

const MPIDR_RES1 = 0x8000_0000n;

const CLIDR = fields(
  [0, 3, 'Ctype1: separate'],
  [3, 4, 'Ctype2: unified'],
  [21, 1, 'LoUIS'],
  [24, 2, 'LoC'],
  [27, 1, 'LoUU'],
);

const PFR0 = fields(
  [0, 1, 'EL0: AArch64 only'],
  [4, 1, 'EL1: AArch64 only'],
  [24, 1, 'GIC: system registers, version 3.0'],
);
const DFR0 = fields([0, 6, 'DebugVer: Armv8'], [12, 1, 'BRPs: 2'], [20, 1, 'WRPs: 2']);
const MMFR0 = fields(
  [0, 5, 'PARange: 48 bits'],
  [4, 2, 'ASIDBits: 16'],
  [20, 1, 'TGran16'],
  [24, 0, 'TGran64: yes'],
  [28, 0, 'TGran4: yes'],
);

/** CCSIDR_EL1 by CSSELR_EL1 (level − 1 and InD): line 64 bytes. */
const CACHES = [
  { select: 0, name: 'L1 data', sets: 256, ways: 2 },
  { select: 1, name: 'L1 instruction', sets: 256, ways: 3 },
  { select: 2, name: 'L2 unified', sets: 1024, ways: 16 },
] as const;
const LINE_64_BYTES = 2;
const CSSELR_MASK = 0xf;

function cacheGeometry(state: CpuState): number {
  const select = state.get(cellOffset('CSSELR_EL1')) & CSSELR_MASK;
  const cache = CACHES.find((row) => row.select === select);
  return cache ? ((cache.sets - 1) << 13) | ((cache.ways - 1) << 3) | LINE_64_BYTES : 0;
}

/** Rows of op0 = 3, op1 = 0, CRn = 0 by CRm and op2; all others there are reserved and read as zero. */
type NamedRegister = IdentificationRegister | 'ID_AA64DFR0_EL1' | 'ID_AA64MMFR0_EL1';
const FEATURES: readonly (readonly [name: NamedRegister, crm: number, op2: number, common: bigint])[] = [
  ['ID_AA64PFR0_EL1', 4, 0, PFR0],
  ['ID_AA64PFR1_EL1', 4, 1, 0n],
  ['ID_AA64DFR0_EL1', 5, 0, DFR0],
  ['ID_AA64ISAR0_EL1', 6, 0, 0n],
  ['ID_AA64ISAR1_EL1', 6, 1, 0n],
  ['ID_AA64MMFR0_EL1', 7, 0, MMFR0],
  ['ID_AA64MMFR1_EL1', 7, 1, 0n],
  ['ID_AA64MMFR2_EL1', 7, 2, 0n],
];

/** What software can ask about a CPU, by register. */
export function identificationValues({ midr, features }: CpuProfile): ReadonlyMap<string, bigint> {
  const values = FEATURES.map(([name, , , common]) => {
    const announced = featureFields(features, name as IdentificationRegister);
    return [name, common | announced] as const;
  });
  return new Map<string, bigint>([['MIDR_EL1', midr], ...values]);
}

const LOW_WORD = 0xffff_ffffn;

function identify(name: string): (c: SystemContext) => number {
  return (c) => {
    const value = c.identification.get(name) ?? 0n;
    c.hi = Number(value >> 32n);
    return Number(value & LOW_WORD);
  };
}

/** The AArch32 registers (CRm 1 … 3) are UNKNOWN without AArch32: zero, like the reserved ones. */
function featureRows(): SystemRegister[] {
  const rows: SystemRegister[] = [];
  for (let crm = 1; crm < 8; crm++) {
    for (let op2 = 0; op2 < 8; op2++) {
      const row = FEATURES.find(([, c, o]) => c === crm && o === op2);
      const name = row?.[0] ?? `S3_0_C0_C${crm}_${op2}`;
      rows.push({
        name,
        encoding: [3, 0, 0, crm, op2],
        access: 'EL1 RO',
        ...(row ? { read: identify(name) } : { value: 0n }),
      });
    }
  }
  return rows;
}

export const IDENTIFICATION: readonly SystemRegister[] = [
  { name: 'MIDR_EL1', encoding: [3, 0, 0, 0, 0], access: 'EL1 RO', read: identify('MIDR_EL1') },
  {
    name: 'MPIDR_EL1',
    encoding: [3, 0, 0, 0, 5],
    access: 'EL1 RO',
    read: (c) => Number(MPIDR_RES1) | c.affinity,
  },
  { name: 'REVIDR_EL1', encoding: [3, 0, 0, 0, 6], access: 'EL1 RO', value: 0n },
  ...featureRows(),
  {
    name: 'CCSIDR_EL1',
    encoding: [3, 1, 0, 0, 0],
    access: 'EL1 RO',
    read: (c) => cacheGeometry(c.state),
  },
  { name: 'CLIDR_EL1', encoding: [3, 1, 0, 0, 1], access: 'EL1 RO', value: CLIDR },
  { name: 'AIDR_EL1', encoding: [3, 1, 0, 0, 7], access: 'EL1 RO', value: 0n },
  {
    name: 'CSSELR_EL1',
    encoding: [3, 2, 0, 0, 0],
    access: 'EL1 RW',
    cell: 'CSSELR_EL1',
    writable: 0xfn,
  },
  {
    name: 'CTR_EL0',
    encoding: [3, 3, 0, 0, 1],
    access: 'EL0 RO',
    gate: GATE.uct,
    value: BigInt(CTR_EL0_VALUE),
  },
  {
    name: 'DCZID_EL0',
    encoding: [3, 3, 0, 0, 7],
    access: 'EL0 RO',
    read: (c) => DCZID_BS | (atEl0(c.state) && !GATE.dze(c.state) ? 1 << DCZID_DZP_SHIFT : 0),
  },
];
