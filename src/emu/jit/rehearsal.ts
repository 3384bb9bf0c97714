/**
 * Translates an instruction of every kind while there is nothing else to do. JavaScript that runs for the first time is
 * slow: hosts parse and compile it then. A program's first floating-point loop waited five times as long for its
 * translation as the next one, because no code of the kernel had used these rows.
 */
import { a64Decoder } from '../isa/a64/index.ts';
import type { Row } from '../isa/row.ts';
import { forgetLifted } from './lift.ts';
import type { RegionSource } from './region.ts';
import { type ModuleShape, translate } from './translate.ts';

/** Translated in one go: some milliseconds. */
const ROWS_AT_ONCE = 8;
/** What the free bits of an instruction may be: the first that gives a word of the row is taken. */
const FILLINGS = [0, 0x0060_0c20, 0x5555_5555, 0xaaaa_aaaa, 0x0042_1084, 0xffff_ffff];

export class Rehearsal {
  private readonly shape: ModuleShape;
  private next = 0;

  constructor(shape: ModuleShape) {
    this.shape = shape;
  }

  /** Goes on for some milliseconds; whether there is more to do. */
  step(): boolean {
    const rows = a64Decoder.rows.slice(this.next, this.next + ROWS_AT_ONCE);
    this.next += ROWS_AT_ONCE;
    for (const row of rows) {
      const word = exampleOf(row);
      if (word !== undefined) translate([sourceOf(word)], this.shape);
    }
    const goesOn = this.next < a64Decoder.rows.length;
    // What programs run is hardly among these words, and their bodies are 20 MB that collectors would look through.
    if (!goesOn) forgetLifted();
    return goesOn;
  }
}

/** A word of a row. */
export function exampleOf(row: Row): number | undefined {
  const { mask, value } = row.pattern;
  return FILLINGS.map((bits) => (value | (bits & ~mask)) >>> 0).find(
    (word) => a64Decoder.decode(word)?.row === row,
  );
}

function sourceOf(word: number): RegionSource {
  const page = { records: 0, wordAt: (offset: number) => (offset === 0 ? word : undefined) };
  return { entry: 0, page: (delta) => (delta === 0 ? page : undefined), jumpTargets: () => [] };
}
