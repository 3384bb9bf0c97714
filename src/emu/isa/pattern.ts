/**
 * Bit patterns of instructions: `sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5`, from bit 31 down to bit 0.
 * A token of 0s and 1s is fixed; `name:width` is a field. Masks and field positions are derived here.
 */
import { assert } from '../base/assert.ts';

export interface Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
}

export interface Pattern {
  readonly text: string;
  /** Fixed bits. */
  readonly mask: number;
  readonly value: number;
  readonly fields: readonly Field[];
}

type Tokens<P extends string> = P extends `${infer Head} ${infer Tail}` ? Head | Tokens<Tail> : P;
type NameOf<T extends string> = T extends `${infer Name}:${string}` ? Name : never;
/** Names of the fields in a pattern. */
export type FieldName<P extends string> = NameOf<Tokens<P>>;

const WORD_BITS = 32;

/** @throws when the tokens do not add up to 32 bits: a mistake in a table. */
export function parsePattern(text: string): Pattern {
  let at = WORD_BITS;
  let mask = 0;
  let value = 0;
  const fields: Field[] = [];
  for (const token of text.split(' ')) {
    const [name = '', width] = token.split(':');
    if (width !== undefined) {
      at -= Number(width);
      fields.push({ name, low: at, width: Number(width) });
      continue;
    }
    assert(/^[01]+$/.test(token), `bad token "${token}" in pattern "${text}"`);
    for (const bit of token) {
      at--;
      mask |= 1 << at;
      if (bit === '1') value |= 1 << at;
    }
  }
  assert(at === 0, `pattern "${text}" has ${WORD_BITS - at} bits`);
  return { text, mask: mask >>> 0, value: value >>> 0, fields };
}

/** The fields of `word`, as unsigned numbers. */
export function extractFields(pattern: Pattern, word: number): Record<string, number> {
  const out: Record<string, number> = {};
  for (const { name, low, width } of pattern.fields) out[name] = (word >>> low) & ((1 << width) - 1);
  return out;
}

/** Puts fields into the fixed bits of a pattern. */
export function insertFields(pattern: Pattern, values: Readonly<Record<string, number>>): number {
  let word = pattern.value;
  for (const { name, low, width } of pattern.fields)
    word |= ((values[name] ?? 0) & ((1 << width) - 1)) << low;
  return word >>> 0;
}

/** The low `width` bits as a signed number. */
export function signed(value: number, width: number): number {
  return (value << (32 - width)) >> (32 - width);
}
