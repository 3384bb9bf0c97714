/**
 * What profiles announce beside what their chips do (Technical Reference Manuals of Cortex-A53, -A72 and -A76, "AArch64
 * identification registers"; read from qemu-system's CPUs of these names, too). Every field in which they differ is listed.
 */
import { describe, expect, it } from 'vitest';
import { CPU_PROFILES, type CpuName } from './profiles.ts';
import { identificationValues } from './system-registers/identification.ts';

interface Difference {
  /** Lowest bit of the field of four. */
  readonly low: number;
  readonly why: string;
}
const differ = (why: string, ...lows: readonly number[]): Difference[] => lows.map((low) => ({ low, why }));

const NO_AARCH32 = differ('AArch64 only: no AArch32 at EL0 and EL1', 0, 4);
const NO_EL2_EL3 = differ('no EL2, no EL3', 8, 12);
const NO_CRYPTOGRAPHY = differ('an option of the chip, which the Raspberry Pi 3 was built without', 4, 8, 12);
const DEBUG = differ('no PMU; two breakpoints and watchpoints, the fewest that are allowed', 8, 12, 20, 28);
const SIZES = differ(
  'address size and granules are those of our MMU; no mixed endianness, no Secure state',
  0,
  8,
  12,
  20,
);

/** Register, the chip's value, what differs. */
type Row = readonly [register: string, chip: bigint, differences: readonly Difference[]];
const CHIPS: Readonly<Record<Exclude<CpuName, 'max'>, readonly Row[]>> = {
  'cortex-a53': [
    ['MIDR_EL1', 0x410f_d034n, []],
    [
      'ID_AA64PFR0_EL1',
      0x0000_2222n,
      [...NO_AARCH32, ...NO_EL2_EL3, ...differ('GICv3 by system registers', 24)],
    ],
    ['ID_AA64PFR1_EL1', 0n, []],
    ['ID_AA64DFR0_EL1', 0x1030_5106n, DEBUG],
    ['ID_AA64ISAR0_EL1', 0x0001_1120n, NO_CRYPTOGRAPHY],
    ['ID_AA64ISAR1_EL1', 0n, []],
    ['ID_AA64MMFR0_EL1', 0x0000_1122n, [...SIZES, ...differ('16 bits of ASID', 4)]],
    ['ID_AA64MMFR1_EL1', 0n, []],
    ['ID_AA64MMFR2_EL1', 0n, []],
  ],
  'cortex-a72': [
    ['MIDR_EL1', 0x410f_d083n, []],
    [
      'ID_AA64PFR0_EL1',
      0x0000_2222n,
      [...NO_AARCH32, ...NO_EL2_EL3, ...differ('GICv3 by system registers', 24)],
    ],
    ['ID_AA64PFR1_EL1', 0n, []],
    ['ID_AA64DFR0_EL1', 0x1030_5106n, DEBUG],
    ['ID_AA64ISAR0_EL1', 0x0001_1120n, []],
    ['ID_AA64ISAR1_EL1', 0n, []],
    ['ID_AA64MMFR0_EL1', 0x0000_1124n, SIZES],
    ['ID_AA64MMFR1_EL1', 0n, []],
    ['ID_AA64MMFR2_EL1', 0n, []],
  ],
  'cortex-a76': [
    ['MIDR_EL1', 0x414f_d0b1n, []],
    [
      'ID_AA64PFR0_EL1',
      0x1100_0000_1111_1112n,
      [...NO_AARCH32, ...NO_EL2_EL3, ...differ('GICv3 by system registers', 24), ...differ('no RAS', 28)],
    ],
    ['ID_AA64PFR1_EL1', 0x10n, []],
    ['ID_AA64DFR0_EL1', 0x1030_5408n, [...DEBUG, ...differ('debug of Armv8.0', 0)]],
    ['ID_AA64ISAR0_EL1', 0x1000_1021_1120n, []],
    ['ID_AA64ISAR1_EL1', 0x10_0001n, []],
    ['ID_AA64MMFR0_EL1', 0x10_1122n, SIZES],
    [
      'ID_AA64MMFR1_EL1',
      0x1021_2122n,
      [
        ...differ('no EL2', 4, 8, 28),
        ...differ('no hardware update of access flags, no hierarchical permission disable', 0, 12),
      ],
    ],
    [
      'ID_AA64MMFR2_EL1',
      0x1011n,
      differ('no common-not-private translations; no IESB, which is part of RAS', 0, 12),
    ],
  ],
};

const FIELD = 0xfn;
const fieldsOf = (value: bigint) =>
  Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(4 * i)) & FIELD));

describe.each(Object.entries(CHIPS))('%s', (name, rows) => {
  const ours = identificationValues(CPU_PROFILES[name as CpuName]);

  it.each(rows)('%s is the chip’s but for the fields listed', (register, chip, differences) => {
    const announced = fieldsOf(ours.get(register) ?? 0n);
    const different = fieldsOf(chip).flatMap((value, i) => (value === announced[i] ? [] : [4 * i]));
    const listed = differences.map(({ low }) => low);
    expect(different.filter((low) => !listed.includes(low))).toEqual([]);
  });

  it('announces nothing that the chip has not, but for sizes and the GIC', () => {
    const instructions = rows.filter(([register]) => /ISAR|PFR1|MMFR[12]/.test(register));
    for (const [register, chip] of instructions) {
      const announced = fieldsOf(ours.get(register) ?? 0n);
      expect([register, fieldsOf(chip).every((value, i) => value >= (announced[i] ?? 0))]).toEqual([
        register,
        true,
      ]);
    }
  });
});
