/**
 * One row per instruction. From it come the decoder, assembly text, the interpreter's handler, translated code
 * and the random programs of the tests.
 *
 * Fields of a pattern are of three kinds: registers (`Rd`, `Rn`, …), fields that operands are made of (named
 * in an operand's `from`), and all the others, which choose the operation. `execute` sees the choosing
 * fields as numbers, registers and operands as things whose value may be known only later. It is called
 * once for each combination of choosing fields by the interpreter's generator, and with everything known by
 * the translator; so it must not depend on anything but its arguments.
 */
import { assert } from '../base/assert.ts';
import type { I32, I64, SlotKind } from '../ir/ir.ts';
import type { FeatureName } from './features.ts';
import { type FieldName, type Pattern, parsePattern } from './pattern.ts';
import type { Semantics } from './semantics.ts';

/** A register operand: the field that holds its number, and the number where it is known. */
export interface Register {
  readonly field: string;
  readonly number?: number;
}

export type RawFields = Readonly<Record<string, number>>;

/** An operand computed from fields when the instruction is decoded. */
export interface OperandSpec<K extends OperandKind = OperandKind> {
  readonly kind: K;
  readonly from: readonly string[];
  readonly value: (f: RawFields) => number | bigint;
}
export type OperandKind = Exclude<SlotKind, 'register'>;

/** What `execute` receives for an operand of each kind. */
interface OperandValue {
  u16: I32;
  i32: I32;
  s32: I64;
  i64: I64;
  branch: BranchTarget;
}
/** A direct branch's distance; only `Semantics.branch` and friends take it. */
export interface BranchTarget {
  readonly operand: string;
}

const operand =
  <K extends OperandKind>(kind: K) =>
  (from: readonly string[], value: (f: RawFields) => number | bigint): OperandSpec<K> => ({
    kind,
    from,
    value,
  });

/** Unsigned 16-bit operand, an i32 in `execute`. */
export const u16 = operand('u16');
/** 32-bit operand, an i32 in `execute`. */
export const i32 = operand('i32');
/** Signed 32-bit operand, an i64 in `execute`. */
export const s32 = operand('s32');
/** 64-bit operand (value: a bigint or an exact number), an i64 in `execute`. */
export const i64 = operand('i64');
/** Distance in bytes to the target of a direct branch. */
export const branch = operand('branch');

type Operands = Readonly<Record<string, OperandSpec>>;
type FieldsFor<P extends string, O extends Operands, S extends string> = {
  readonly [K in FieldName<P>]: K extends `R${string}` ? Register : number;
} & { readonly [K in keyof O]: OperandValue[O[K]['kind']] } & { readonly [K in S]: number };

export type FeatureChoice = (f: RawFields) => FeatureName | undefined;

export interface RowSpec<P extends string, O extends Operands, S extends string> {
  readonly operands?: O;
  /** Facts (0 or 1) about operand fields that deserve a handler of their own. */
  readonly specialise?: Readonly<Record<S, (f: RawFields) => boolean>>;
  /** Which combinations of choosing fields are allocated; all by default. */
  readonly when?: (f: RawFields) => boolean;
  /** Which words are allocated, where that depends on operand fields too. */
  readonly valid?: (f: RawFields) => boolean;
  /** Whether its handlers, or those for some choices, stand in the interpreter's main loop. */
  readonly hot?: boolean | ((f: RawFields) => boolean);
  /** The feature that it belongs to, or a choice of it by the fields; none: every CPU has it. */
  readonly feature?: FeatureName | FeatureChoice;
  /** Traps while CPACR_EL1 disables FP and AdvSIMD. */
  readonly fp?: boolean;
  execute(f: FieldsFor<P, O, S>, b: Semantics): void;
}

/** A row with its types erased, as the tables hold it. */
export interface Row {
  readonly name: string;
  readonly pattern: Pattern;
  readonly syntax: string;
  readonly operands: Operands;
  readonly specialise: Readonly<Record<string, (f: RawFields) => boolean>>;
  readonly when: (f: RawFields) => boolean;
  readonly valid: (f: RawFields) => boolean;
  readonly hot: (f: RawFields) => boolean;
  /** What a CPU must have for a word of this row to be allocated. */
  readonly feature?: FeatureName | FeatureChoice | undefined;
  /** Names of the fields that choose the operation. */
  readonly choosing: readonly string[];
  /** Names of the register fields. */
  readonly registers: readonly string[];
  readonly execute: (f: Readonly<Record<string, unknown>>, b: Semantics) => void;
}

const always = () => true;
const never = () => false;

/** Defines an instruction. `name` is the manual's title, `syntax` its assembly syntax (see disassembler). */
export function row<P extends string, O extends Operands = Record<never, never>, S extends string = never>(
  name: string,
  pattern: P,
  syntax: string,
  spec: RowSpec<P, O, S>,
): Row {
  const parsed = parsePattern(pattern);
  const operands: Operands = spec.operands ?? {};
  const names = parsed.fields.map((field) => field.name);
  const consumed = new Set(Object.values(operands).flatMap((o) => o.from));
  for (const field of consumed) assert(names.includes(field), `${name}: no field ${field}`);
  const registers = names.filter((field) => field.startsWith('R'));
  const body = spec.execute as Row['execute'];
  return {
    name,
    pattern: parsed,
    syntax,
    operands,
    specialise: spec.specialise ?? {},
    when: spec.when ?? always,
    valid: spec.valid ?? always,
    hot: typeof spec.hot === 'function' ? spec.hot : spec.hot ? always : never,
    feature: spec.feature,
    choosing: names.filter((field) => !field.startsWith('R') && !consumed.has(field)),
    registers,
    execute: spec.fp
      ? (f, b) => {
          b.checkFpEnabled();
          body(f, b);
        }
      : body,
  };
}

/** The same rows, all of a feature. */
export function withFeature(feature: FeatureName, rows: readonly Row[]): Row[] {
  return rows.map((one) => ({ ...one, feature }));
}

/** The feature that a word of a row belongs to. */
export function featureOf({ feature }: Row, fields: RawFields): FeatureName | undefined {
  return typeof feature === 'function' ? feature(fields) : feature;
}
