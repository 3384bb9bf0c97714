/** Sizes as people enter them: a number and a unit. Pure. */

export type SizeUnit = 'MiB' | 'GiB';

export interface EnteredSize {
  readonly text: string;
  readonly unit: SizeUnit;
}

export const UNIT_BYTES: Readonly<Record<SizeUnit, number>> = { MiB: 2 ** 20, GiB: 2 ** 30 };

/** A disk has whole sectors; a page of memory is also the smallest block that file systems like. */
const SIZE_STEP_BYTES = 4096;
const SMALLEST_BYTES = UNIT_BYTES.MiB;
/** More than any browser stores; what is never written takes no room, but its map does. */
const LARGEST_BYTES = 2048 * UNIT_BYTES.GiB;

/** In bytes, or undefined when it is no size that a disk can have. */
export function enteredBytes({ text, unit }: EnteredSize): number | undefined {
  const number = Number(text.trim().replace(',', '.'));
  if (text.trim() === '' || !Number.isFinite(number)) return undefined;
  const bytes = Math.round((number * UNIT_BYTES[unit]) / SIZE_STEP_BYTES) * SIZE_STEP_BYTES;
  return bytes >= SMALLEST_BYTES && bytes <= LARGEST_BYTES ? bytes : undefined;
}

/** The same size as it would be entered; in MiB where GiB would need more than two digits after the point. */
export function asEntered(bytes: number): EnteredSize {
  const gib = bytes / UNIT_BYTES.GiB;
  const isRound = Math.abs(gib * 100 - Math.round(gib * 100)) < 1e-9;
  if (gib >= 1 && isRound) return { text: String(Math.round(gib * 100) / 100), unit: 'GiB' };
  return { text: String(Math.round((bytes / UNIT_BYTES.MiB) * 100) / 100), unit: 'MiB' };
}
