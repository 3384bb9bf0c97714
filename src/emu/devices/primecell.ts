/**
 * PrimeCell identification: eight byte-wide read-only registers at the end of a 4 KiB window
 * (each PrimeCell's manual, "Peripheral identification registers"). Linux binds AMBA drivers by them.
 */

/** Offset of UARTPeriphID0 and its counterparts. */
const PERIPHERAL_ID_0 = 0xfe0;
const LAST_ID = 0xffc;
/** PCellID0–3: the same in every PrimeCell. */
const PRIMECELL_ID = [0x0d, 0xf0, 0x05, 0xb1] as const;
/** JEP106 code of Arm, as Designer0 and Designer1 hold it. */
const DESIGNER_ARM = 0x41;

export interface PrimeCellPart {
  readonly partNumber: number;
  readonly revision: number;
}

/** The eight identification bytes, PeriphID0 first. */
export function primeCellBytes({ partNumber, revision }: PrimeCellPart): readonly number[] {
  return [
    partNumber & 0xff,
    ((partNumber >> 8) & 0xf) | ((DESIGNER_ARM & 0xf) << 4),
    (DESIGNER_ARM >> 4) | (revision << 4),
    0,
    ...PRIMECELL_ID,
  ];
}

/** The identification register at `offset`, or undefined when there is none. */
export function readPrimeCellId(identification: readonly number[], offset: number): number | undefined {
  if (offset < PERIPHERAL_ID_0 || offset > LAST_ID) return undefined;
  return identification[(offset - PERIPHERAL_ID_0) >> 2];
}
