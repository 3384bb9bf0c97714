/**
 * The architecture's optional features (Arm ARM A2.2, "FEAT_…") that this CPU can have, one row each: the field
 * of an identification register that announces it, and the value there (D23.2). Instruction rows, system
 * registers and CPU profiles name features; what a profile leaves out is UNDEFINED and not announced.
 */
import { assert } from '../base/assert.ts';

/** The identification registers that have fields of features. */
export type IdentificationRegister =
  | 'ID_AA64PFR0_EL1'
  | 'ID_AA64PFR1_EL1'
  | 'ID_AA64ISAR0_EL1'
  | 'ID_AA64ISAR1_EL1'
  | 'ID_AA64MMFR1_EL1'
  | 'ID_AA64MMFR2_EL1';

/** Register, lowest bit of the field of four, its value, and a second field that says the same. */
type FeatureField = readonly [
  register: IdentificationRegister,
  field: string,
  low: number,
  value: number,
  also?: { readonly field: string; readonly low: number },
];

const ROWS = {
  // Data processing.
  FEAT_AES: ['ID_AA64ISAR0_EL1', 'AES', 4, 1],
  FEAT_PMULL: ['ID_AA64ISAR0_EL1', 'AES', 4, 2],
  FEAT_SHA1: ['ID_AA64ISAR0_EL1', 'SHA1', 8, 1],
  FEAT_SHA256: ['ID_AA64ISAR0_EL1', 'SHA2', 12, 1],
  FEAT_SHA512: ['ID_AA64ISAR0_EL1', 'SHA2', 12, 2],
  FEAT_CRC32: ['ID_AA64ISAR0_EL1', 'CRC32', 16, 1],
  FEAT_LSE: ['ID_AA64ISAR0_EL1', 'Atomic', 20, 2],
  FEAT_RDM: ['ID_AA64ISAR0_EL1', 'RDM', 28, 1],
  FEAT_SHA3: ['ID_AA64ISAR0_EL1', 'SHA3', 32, 1],
  FEAT_DotProd: ['ID_AA64ISAR0_EL1', 'DP', 44, 1],
  FEAT_FHM: ['ID_AA64ISAR0_EL1', 'FHM', 48, 1],
  FEAT_FlagM: ['ID_AA64ISAR0_EL1', 'TS', 52, 1],
  FEAT_FlagM2: ['ID_AA64ISAR0_EL1', 'TS', 52, 2],
  FEAT_RNG: ['ID_AA64ISAR0_EL1', 'RNDR', 60, 1],
  FEAT_PAuth: ['ID_AA64ISAR1_EL1', 'API', 8, 1, { field: 'GPI', low: 28 }],
  FEAT_JSCVT: ['ID_AA64ISAR1_EL1', 'JSCVT', 12, 1],
  FEAT_FCMA: ['ID_AA64ISAR1_EL1', 'FCMA', 16, 1],
  FEAT_LRCPC: ['ID_AA64ISAR1_EL1', 'LRCPC', 20, 1],
  FEAT_LRCPC2: ['ID_AA64ISAR1_EL1', 'LRCPC', 20, 2],
  FEAT_FRINTTS: ['ID_AA64ISAR1_EL1', 'FRINTTS', 32, 1],
  FEAT_SB: ['ID_AA64ISAR1_EL1', 'SB', 36, 1],
  FEAT_BF16: ['ID_AA64ISAR1_EL1', 'BF16', 44, 1],
  FEAT_I8MM: ['ID_AA64ISAR1_EL1', 'I8MM', 52, 1],
  FEAT_FP16: ['ID_AA64PFR0_EL1', 'FP', 16, 1, { field: 'AdvSIMD', low: 20 }],
  // PSTATE and control flow.
  FEAT_DIT: ['ID_AA64PFR0_EL1', 'DIT', 48, 1],
  FEAT_BTI: ['ID_AA64PFR1_EL1', 'BT', 0, 1],
  FEAT_SSBS: ['ID_AA64PFR1_EL1', 'SSBS', 4, 1],
  FEAT_SSBS2: ['ID_AA64PFR1_EL1', 'SSBS', 4, 2],
  FEAT_PAN: ['ID_AA64MMFR1_EL1', 'PAN', 20, 1],
  FEAT_PAN2: ['ID_AA64MMFR1_EL1', 'PAN', 20, 2],
  FEAT_LOR: ['ID_AA64MMFR1_EL1', 'LO', 16, 1],
  FEAT_UAO: ['ID_AA64MMFR2_EL1', 'UAO', 4, 1],
  // Memory.
  FEAT_LSE2: ['ID_AA64MMFR2_EL1', 'AT', 32, 1],
  FEAT_E0PD: ['ID_AA64MMFR2_EL1', 'E0PD', 60, 1],
  FEAT_DPB: ['ID_AA64ISAR1_EL1', 'DPB', 0, 1],
  FEAT_DPB2: ['ID_AA64ISAR1_EL1', 'DPB', 0, 2],
  FEAT_TLBIOS: ['ID_AA64ISAR0_EL1', 'TLB', 56, 1],
  FEAT_TLBIRANGE: ['ID_AA64ISAR0_EL1', 'TLB', 56, 2],
  FEAT_CSV2: ['ID_AA64PFR0_EL1', 'CSV2', 56, 1],
  FEAT_CSV2_2: ['ID_AA64PFR0_EL1', 'CSV2', 56, 2],
  FEAT_CSV2_3: ['ID_AA64PFR0_EL1', 'CSV2', 56, 3],
  FEAT_CSV3: ['ID_AA64PFR0_EL1', 'CSV3', 60, 1],
} as const satisfies Record<string, FeatureField>;

export type FeatureName = keyof typeof ROWS;
export type FeatureSet = ReadonlySet<FeatureName>;

const FIELDS: Readonly<Record<FeatureName, FeatureField>> = ROWS;

export const ALL_FEATURES: readonly FeatureName[] = Object.keys(ROWS) as FeatureName[];

/** Whether a CPU with `features` has what a row names; a row without a feature belongs to every CPU. */
export function has(features: FeatureSet, feature: FeatureName | undefined): boolean {
  return feature === undefined || features.has(feature);
}

const FIELD_BITS = 4;

/** The fields of features in an identification register; where several share a field, the highest counts. */
export function featureFields(features: FeatureSet, register: IdentificationRegister): bigint {
  const values = new Map<number, number>();
  const raise = (low: number, value: number) => values.set(low, Math.max(value, values.get(low) ?? 0));
  for (const feature of features) {
    const [of, , low, value, also] = FIELDS[feature];
    assert(low % FIELD_BITS === 0, `${feature}: fields are four bits wide`);
    if (of !== register) continue;
    raise(low, value);
    if (also) raise(also.low, value);
  }
  return [...values].reduce((all, [low, value]) => all | (BigInt(value) << BigInt(low)), 0n);
}

/** Where a feature is announced, for documents: `ID_AA64ISAR0_EL1.AES = 2`. */
export function announcement(feature: FeatureName): string {
  const [register, field, , value, also] = FIELDS[feature];
  return `${register}.${also ? `${field} and ${also.field}` : field} = ${value}`;
}
