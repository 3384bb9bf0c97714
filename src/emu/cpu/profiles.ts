/**
 * The CPUs that a machine can have: an identity (MIDR_EL1), and the features of the architecture that its
 * identification registers announce and its decoder knows. A profile named after a chip has that chip's
 * features as far as this CPU implements them (Technical Reference Manuals of the chips, "Identification
 * registers"); caches, address sizes and granules are the same for all.
 */
import { ALL_FEATURES, type FeatureName, type FeatureSet } from '../isa/features.ts';

export interface CpuProfile {
  readonly name: CpuName;
  /** For people. */
  readonly title: string;
  readonly midr: bigint;
  /** `compatible` of the CPU's node in the device tree. */
  readonly compatible: string;
  readonly features: FeatureSet;
}

export type CpuName = 'max' | 'cortex-a53' | 'cortex-a72' | 'cortex-a76';

const CORTEX_A53: readonly FeatureName[] = ['FEAT_CRC32'];
const CRYPTOGRAPHY: readonly FeatureName[] = ['FEAT_AES', 'FEAT_PMULL', 'FEAT_SHA1', 'FEAT_SHA256'];
const CORTEX_A72: readonly FeatureName[] = [...CORTEX_A53, ...CRYPTOGRAPHY];
const CORTEX_A76: readonly FeatureName[] = [
  ...CORTEX_A72,
  'FEAT_LSE',
  'FEAT_RDM',
  'FEAT_DotProd',
  'FEAT_FP16',
  'FEAT_LRCPC',
  'FEAT_DPB',
  'FEAT_LOR',
  'FEAT_PAN',
  'FEAT_PAN2',
  'FEAT_UAO',
  'FEAT_SSBS',
  'FEAT_CSV2',
  'FEAT_CSV3',
];

/** A revision of Cortex-A72: what `max` says it is. */
const MIDR_CORTEX_A72_R0P3 = 0x410f_d083n;

export const CPU_PROFILES: Readonly<Record<CpuName, CpuProfile>> = {
  max: {
    name: 'max',
    title: 'Everything that Bramble implements',
    midr: MIDR_CORTEX_A72_R0P3,
    compatible: 'arm,armv8',
    features: new Set(ALL_FEATURES),
  },
  'cortex-a53': {
    name: 'cortex-a53',
    title: 'Cortex-A53, as in the Raspberry Pi 3 (no cryptography)',
    midr: 0x410f_d034n,
    compatible: 'arm,cortex-a53',
    features: new Set(CORTEX_A53),
  },
  'cortex-a72': {
    name: 'cortex-a72',
    title: 'Cortex-A72',
    midr: MIDR_CORTEX_A72_R0P3,
    compatible: 'arm,cortex-a72',
    features: new Set(CORTEX_A72),
  },
  'cortex-a76': {
    name: 'cortex-a76',
    title: 'Cortex-A76',
    midr: 0x414f_d0b1n,
    compatible: 'arm,cortex-a76',
    features: new Set(CORTEX_A76),
  },
};

export const CPU_NAMES: readonly CpuName[] = Object.keys(CPU_PROFILES) as CpuName[];
export const DEFAULT_CPU: CpuName = 'max';
