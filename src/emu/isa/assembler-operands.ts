/**
 * What a piece of assembly text may mean, as values of an instruction's fields. Operands are read by turning
 * their printers around: every value of the fields that a printer looks at is printed once, and the texts
 * become the keys of a table. So the syntax of rows is defined by the disassembler alone. Only operands
 * with too many values, or that depend on PC, are computed.
 */
import { assert } from '../base/assert.ts';
import type { Printer } from './disassembler.ts';
import type { RawFields, Row } from './row.ts';

/** Values of some of a row's fields. */
export type Reading = RawFields;

const NUMBER = /(?<![\w.])-?(?:0x[0-9a-f]+|0b[01]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/gi;

/** Numbers in one form, so that 0x10 and 16 are the same. */
export function canonicalNumbers(text: string): string {
  return text.replace(NUMBER, (number) => {
    const isNegative = number.startsWith('-');
    const digits = isNegative ? number.slice(1) : number;
    const isFloat = !/^0x/i.test(digits) && /[.e]/i.test(digits);
    const value = isFloat ? String(Number(digits)) : String(BigInt(digits));
    return isNegative && value !== '0' ? `-${value}` : value;
  });
}

const WIDTHS = [64, 32] as const;

export class OperandTable {
  private readonly readings = new Map<string, Reading[]>();
  readonly longest: number;

  constructor(readings: Iterable<readonly [string, Reading]>) {
    let longest = 0;
    for (const [text, reading] of readings) {
      const known = this.readings.get(text);
      if (known) known.push(reading);
      else this.readings.set(text, [reading]);
      longest = Math.max(longest, text.length);
    }
    this.longest = longest;
  }

  /** Every text with its meanings. */
  entries(): Iterable<readonly [string, readonly Reading[]]> {
    return this.readings;
  }

  /** What a text can mean; a negative number may stand for its two's complement in a register. */
  read(text: string): readonly Reading[] {
    const found = this.readings.get(text);
    if (found || !/^-\d+$/.test(text)) return found ?? [];
    return WIDTHS.flatMap((width) => {
      const readings = this.readings.get(String(BigInt.asUintN(width, BigInt(text)))) ?? [];
      return readings.filter(({ sf }) => sf === (width === 64 ? 1 : 0));
    });
  }
}

/** No operand in a table has more values than this. */
const MOST_VALUES = 1 << 18;

interface Width {
  readonly name: string;
  readonly width: number;
}

/** Every combination of values of some fields. */
export function* combinationsOf(fields: readonly Width[]): Generator<Record<string, number>> {
  const total = fields.reduce((product, { width }) => product * 2 ** width, 1);
  assert(total <= MOST_VALUES, `too many values: ${fields.map(({ name }) => name).join()}`);
  for (let index = 0; index < total; index++) {
    const values: Record<string, number> = {};
    let rest = index;
    for (const { name, width } of fields) {
      values[name] = rest % 2 ** width;
      rest = Math.floor(rest / 2 ** width);
    }
    yield values;
  }
}

/** Prints `fields` and adds to `seen` the names that the printer looks at. */
function observe(printer: Printer, fields: Record<string, number>, seen: Set<string>): string {
  const watched = new Proxy(fields, {
    get: (target, name) => {
      if (typeof name !== 'string') return undefined;
      seen.add(name);
      return target[name];
    },
  });
  return printer.print(watched, 0n);
}

function fieldsIn(row: Row, names: ReadonlySet<string>): Width[] {
  return row.pattern.fields.filter(({ name }) => names.has(name));
}

function buildTable(row: Row, printer: Printer, first: ReadonlySet<string>): OperandTable {
  const seen = new Set(first);
  for (;;) {
    const fields = fieldsIn(row, seen);
    const entries: [string, Reading][] = [];
    for (const values of combinationsOf(fields))
      entries.push([canonicalNumbers(observe(printer, values, seen)).toLowerCase(), values]);
    // What a printer looks at may depend on what it has seen.
    if (fieldsIn(row, seen).length === fields.length) return new OperandTable(entries);
  }
}

const tables = new Map<string, OperandTable>();

/** The table of a printer; printers of the same notation over the same fields share one. */
export function operandTable(row: Row, notation: string, printer: Printer): OperandTable {
  const seen = new Set<string>();
  observe(printer, {}, seen);
  observe(printer, Object.fromEntries(row.pattern.fields.map((f) => [f.name, 2 ** f.width - 1])), seen);
  const fields = fieldsIn(row, seen).map(({ name, width }) => `${name}:${width}`);
  const key = `${notation} ${fields.join()}`;
  const known = tables.get(key);
  if (known) return known;
  const made = buildTable(row, printer, seen);
  tables.set(key, made);
  return made;
}

const INSTRUCTION_BYTES = 4n;
const PAGE_SHIFT = 12n;

/** How the distance of a PC-relative operand is stored. */
interface Relative {
  readonly bits: number;
  /** From the target and PC to the number in the fields; undefined when it cannot be expressed. */
  readonly distance: (target: bigint, pc: bigint) => bigint | undefined;
  readonly fields: (distance: number) => Reading;
}
const mask = (value: number, bits: number) => value & (2 ** bits - 1);
const words = (target: bigint, pc: bigint) =>
  (target - pc) % INSTRUCTION_BYTES === 0n ? (target - pc) / INSTRUCTION_BYTES : undefined;
const branchTo = (bits: number): Relative => ({
  bits,
  distance: words,
  fields: (distance) => ({ [`imm${bits}`]: mask(distance, bits) }),
});
const addressFields = (distance: number) => ({ immhi: mask(distance >> 2, 19), immlo: distance & 3 });
const RELATIVE: Readonly<Record<string, Relative>> = {
  label14: branchTo(14),
  label19: branchTo(19),
  label26: branchTo(26),
  label21: { bits: 21, distance: (target, pc) => target - pc, fields: addressFields },
  page21: {
    bits: 21,
    distance: (target, pc) => (target >> PAGE_SHIFT) - (pc >> PAGE_SHIFT),
    fields: addressFields,
  },
};

export function isRelative(name: string): boolean {
  return name in RELATIVE;
}

/** The fields of a PC-relative operand, or what is wrong with its target. */
export function readRelative(name: string, target: bigint, pc: bigint): Reading | string {
  const relative = RELATIVE[name];
  assert(relative, `no relative operand ${name}`);
  const distance = relative.distance(target, pc);
  if (distance === undefined) return 'the target is not aligned to four bytes';
  if (distance !== BigInt.asIntN(relative.bits, distance))
    return `the target is ${target - pc} bytes away: too far`;
  return relative.fields(Number(distance));
}

const HALF_WORD_BITS = 16;
/** MOV's immediates, which MOVZ and MOVN make: too many for a table. */
const WIDE: Readonly<Record<string, (value: bigint) => bigint>> = {
  'wide-immediate': (value) => value,
  'inverted-wide-immediate': (value) => ~value,
};

export function isWide(name: string): boolean {
  return name in WIDE;
}

/** The ways to make a number from one half-word of a register of either width. */
export function readWide(name: string, text: string): Reading[] {
  if (!/^-?\d+$/.test(text)) return [];
  return WIDTHS.flatMap((width) => {
    const value = BigInt(text);
    if (value !== BigInt.asIntN(width, value) && value !== BigInt.asUintN(width, value)) return [];
    const stored = BigInt.asUintN(width, WIDE[name]?.(value) ?? value);
    const halves = width / HALF_WORD_BITS;
    const readings: Reading[] = [];
    for (let hw = 0; hw < halves; hw++) {
      const imm16 = (stored >> BigInt(HALF_WORD_BITS * hw)) & 0xffffn;
      if (imm16 << BigInt(HALF_WORD_BITS * hw) === stored)
        readings.push({ sf: width === 64 ? 1 : 0, hw, imm16: Number(imm16) });
    }
    return readings;
  });
}
