/**
 * Operands of assembly syntax: what a name in angle brackets prints as, from an instruction's fields.
 *
 * | notation | prints |
 * | `<Xd>` `<Wn\|SP>` `<Vm>` `<St2>` `<Xs+1>` | the register of field Rd, Rn, …, plus a step |
 * | `<Rd>` | W or X by sf; after a letter or another operand only the number |
 * | `<Rm:option>` `<Rt:b5>` | W or X by that field (of an extend option: bits 1:0 = 3) |
 * | `<size.Q:8b\|16b\|…>` | one of the words, chosen by the fields put together, first field highest |
 * | `<imm12>` `<H.L>` `<imm12*8>` `<16*hw>` `<64-imm>` `<imm4/2>` | a number |
 * | `<imm16:hex>` `<imm8:float>` `<abc.defgh:bytes>` | a number in another format: see FORMATS |
 * | `<simm9>` `<simm7*8>` | the same, signed, where the field has no s |
 * | `<Rn?30>` `<imm4?15>` | … with this default instead of zero |
 * | a name of NAMED | what stands there |
 */
import { assert } from '../base/assert.ts';
import { decodeBitMask } from './bitmask.ts';
import { expandFloatImmediate } from './float-immediate.ts';
import { signed } from './pattern.ts';
import type { RawFields, Row } from './row.ts';
import { systemRegisterName } from './system-register-names.ts';

/** How one operand prints. */
export interface OperandPrinter {
  print(fields: RawFields, pc: bigint): string;
  /** Whether an optional group with this operand may be left out. */
  isDefault(fields: RawFields): boolean;
}

const NUMBER_31 = 31;
const PAGE_MASK = ~0xfffn;
const INSTRUCTION_BYTES = 4;

export const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le al nv'.split(' ');
const EXTENDS = 'uxtb uxth uxtw uxtx sxtb sxth sxtw sxtx'.split(' ');
const UXTW = 2;
const UXTX = 3;
const SHIFTS = 'lsl lsr asr ror'.split(' ');
/** Barrier types by CRm; the others are numbers. */
const BARRIERS = ' oshld oshst osh  nshld nshst nsh  ishld ishst ish  ld st sy'.split(' ');
const PREFETCH_TYPES = ['pld', 'pli', 'pst'];
/** PSTATE fields that MSR (immediate) writes here, by op1:op2. */
const PSTATE_FIELDS: Readonly<Record<number, string>> = {
  3: 'uao',
  4: 'pan',
  5: 'spsel',
  25: 'ssbs',
  26: 'dit',
  30: 'daifset',
  31: 'daifclr',
};

const field = (fields: RawFields, name: string) => fields[name] ?? 0;
const hex = (value: number | bigint) => value.toString(16);
const twoDigits = (value: number) => `#0x${hex(value).padStart(2, '0')}`;
const never = () => false;

function general(number: number, is64: boolean, isSp: boolean): string {
  if (number === NUMBER_31) return isSp ? (is64 ? 'sp' : 'wsp') : is64 ? 'xzr' : 'wzr';
  return `${is64 ? 'x' : 'w'}${number}`;
}

const label = (name: string, width: number): OperandPrinter => ({
  print: (f, pc) => {
    const distance = BigInt(signed(field(f, name), width) * INSTRUCTION_BYTES);
    return `0x${hex(BigInt.asUintN(64, pc + distance))}`;
  },
  isDefault: never,
});
const adrDistance = (f: RawFields) => BigInt(signed((field(f, 'immhi') << 2) | field(f, 'immlo'), 21));

/** Operands that are more than a register, a number or a choice. */
const NAMED: Readonly<Record<string, OperandPrinter['print']>> = {
  label21: (f, pc) => `0x${hex(BigInt.asUintN(64, pc + adrDistance(f)))}`,
  page21: (f, pc) => `0x${hex(BigInt.asUintN(64, (pc & PAGE_MASK) + (adrDistance(f) << 12n)))}`,
  bitmask: (f) => {
    const mask = decodeBitMask(field(f, 'N'), field(f, 'imms'), field(f, 'immr')) ?? 0n;
    return `0x${hex(BigInt.asUintN(f.sf ? 64 : 32, mask))}`;
  },
  cond: (f) => CONDITIONS[field(f, 'cond')] ?? '',
  'inverted-cond': (f) => CONDITIONS[field(f, 'cond') ^ 1] ?? '',
  barrier: (f) => BARRIERS[field(f, 'imm4')] || twoDigits(field(f, 'imm4')),
  prfop: (f) => {
    const operation = field(f, 'imm5');
    const [type, level] = [PREFETCH_TYPES[operation >> 3], (operation >> 1) & 3];
    if (!type || level === 3) return twoDigits(operation);
    return `${type}l${level + 1}${operation & 1 ? 'strm' : 'keep'}`;
  },
  'read-sysreg': (f) => systemRegisterName(systemRegisterKey(f), false),
  'written-sysreg': (f) => systemRegisterName(systemRegisterKey(f), true),
  'pstate-field': (f) => {
    const [op1, op2, crm] = [field(f, 'op1'), field(f, 'op2'), field(f, 'CRm')];
    const name = PSTATE_FIELDS[(op1 << 3) | op2];
    const accepts = crm <= 1 || name?.startsWith('daif');
    return name && accepts ? `${name}, #0x${hex(crm)}` : `s0_${op1}_c4_c${crm}_${op2}, xzr`;
  },
  'wide-immediate': (f) => {
    const value = BigInt(field(f, 'imm16')) << BigInt(16 * field(f, 'hw'));
    return `0x${hex(value)}`;
  },
  'inverted-wide-immediate': (f) => {
    const value = BigInt(field(f, 'imm16')) << BigInt(16 * field(f, 'hw'));
    return `0x${hex(BigInt.asUintN(f.sf ? 64 : 32, ~value))}`;
  },
  // Lengths and positions of bit fields, as the aliases of BFM and its relatives name them.
  'field-lsb': (f) => String((-field(f, 'immr') & (f.sf ? 63 : 31)) >>> 0),
  'field-width': (f) => String(field(f, 'imms') + 1),
  'extract-width': (f) => String(field(f, 'imms') - field(f, 'immr') + 1),
  'lsl-amount': (f) => String((f.sf ? 63 : 31) - field(f, 'imms')),
};

const LABELS: Readonly<Record<string, OperandPrinter>> = {
  label14: label('imm14', 14),
  label19: label('imm19', 19),
  label26: label('imm26', 26),
};

function systemRegisterKey(f: RawFields): number {
  return (
    ((2 | field(f, 'o0')) << 14) |
    (field(f, 'op1') << 11) |
    (field(f, 'CRn') << 7) |
    (field(f, 'CRm') << 3) |
    field(f, 'op2')
  );
}

const FRACTION_DIGITS = 18;
/** As C prints it with %.18e: two digits of exponent. */
function floatText(value: number): string {
  return value.toExponential(FRACTION_DIGITS).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Bits become bytes of ones: the immediate of MOVI for 64 bits. */
function byteMask(bits: number): bigint {
  let value = 0n;
  for (let i = 0; i < 8; i++) if ((bits >> i) & 1) value |= 0xffn << BigInt(8 * i);
  return value;
}

/** Words after the colon that print a number in their own way. */
const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  hex: (value) => `0x${hex(value)}`,
  float: (value) => floatText(expandFloatImmediate(value)),
  bytes: (value) => `0x${hex(byteMask(value))}`,
};

/** The printer of the operand `name` in the syntax of a row. */
export function operandPrinter(row: Row, name: string, glued: boolean): OperandPrinter {
  const [head = '', fallback] = name.split('?');
  const printer =
    LABELS[head] ??
    namedPrinter(head) ??
    registerPrinter(row, head, glued) ??
    extendPrinter(row, head) ??
    choicePrinter(row, head) ??
    numberPrinter(row, head);
  assert(printer, `${row.name}: no operand <${name}>`);
  if (fallback === undefined) return printer;
  const source = REGISTER.test(head) ? head.replace(REGISTER, 'R$2') : head.replace(/:.*/, '');
  const { fields } = fieldsOf(row, source) ?? {};
  assert(fields, `${row.name}: no field for <${name}>`);
  return { ...printer, isDefault: (f) => concatenate(f, fields) === Number(fallback) };
}

function namedPrinter(name: string): OperandPrinter | undefined {
  const print = NAMED[name];
  return print && { print, isDefault: never };
}

const REGISTER = /^([WXRBHSDQV])([a-z]2?)(?:\+(\d))?(\|SP)?(?::(\w+))?$/;

function registerPrinter(row: Row, name: string, glued: boolean): OperandPrinter | undefined {
  const [all, kind = '', role = '', step = '0', sp, chooser] = REGISTER.exec(name) ?? [];
  if (!all) return undefined;
  const source = `R${role}`;
  assert(
    row.pattern.fields.some((f) => f.name === source),
    `${row.name}: no field ${source}`,
  );
  const number = (f: RawFields) => (field(f, source) + Number(step)) % 32;
  const is64 = wide(row, kind, chooser);
  const print = (f: RawFields) => {
    if (kind === 'R' && glued) return String(number(f));
    if ('WXR'.includes(kind)) return general(number(f), is64(f), sp !== undefined);
    return `${kind.toLowerCase()}${number(f)}`;
  };
  return { print, isDefault: never };
}

function wide(row: Row, kind: string, chooser: string | undefined): (f: RawFields) => boolean {
  if (kind !== 'R') return () => kind === 'X';
  const sized = row.pattern.fields.some((f) => f.name === 'sf');
  if (chooser === 'option')
    return (f) => (field(f, 'option') & 3) === UXTX && (!sized || field(f, 'sf') !== 0);
  if (chooser) return (f) => field(f, chooser) !== 0;
  return (f) => !sized || field(f, 'sf') !== 0;
}

/**
 * `<extend:option>` of an index register: LSL instead of UXTX. `<extend:option/Rd.Rn>`: LSL instead of the
 * extend of the operation's own size when one of these registers is SP.
 */
const EXTEND = /^extend:option(?:\/([A-Za-z.]+))?$/;

function extendPrinter(_row: Row, name: string): OperandPrinter | undefined {
  const [all, registers] = EXTEND.exec(name) ?? [];
  if (!all) return undefined;
  const isLsl = (f: RawFields) => {
    const option = field(f, 'option');
    if (!registers) return option === UXTX;
    return option === (f.sf ? UXTX : UXTW) && registers.split('.').some((r) => field(f, r) === NUMBER_31);
  };
  return {
    print: (f) => (isLsl(f) ? 'lsl' : (EXTENDS[field(f, 'option')] ?? '')),
    isDefault: isLsl,
  };
}

interface FieldList {
  readonly fields: readonly { readonly name: string; readonly width: number }[];
}

/** The fields of a row in `a.b.c`. */
function fieldsOf(row: Row, names: string): FieldList | undefined {
  const fields = names.split('.').map((name) => row.pattern.fields.find((f) => f.name === name));
  return fields.every((f) => f !== undefined) ? { fields } : undefined;
}

function concatenate(f: RawFields, fields: FieldList['fields']): number {
  return fields.reduce((value, { name, width }) => (value << width) | field(f, name), 0);
}

function choicePrinter(row: Row, name: string): OperandPrinter | undefined {
  const colon = name.indexOf(':');
  if (name === 'shift') return choice(row, 'shift', SHIFTS);
  if (colon < 0) return undefined;
  const [names, words] = [name.slice(0, colon), name.slice(colon + 1)];
  const list = fieldsOf(row, names);
  const format = FORMATS[words];
  if (!list || !format) return choice(row, names, words.split('|'));
  return {
    print: (f) => format(concatenate(f, list.fields)),
    isDefault: (f) => concatenate(f, list.fields) === 0,
  };
}

function choice(row: Row, names: string, words: readonly string[]): OperandPrinter | undefined {
  const list = fieldsOf(row, names);
  if (!list) return undefined;
  return {
    print: (f) => words[concatenate(f, list.fields)] ?? '',
    isDefault: (f) => concatenate(f, list.fields) === 0,
  };
}

const NUMBER = /^(?:(\d+)([*-]))?([A-Za-z][\w.]*)(?:([*/])(\d+))?$/;

function numberPrinter(row: Row, name: string): OperandPrinter | undefined {
  const [all, left, before, names = '', after, right] = NUMBER.exec(name) ?? [];
  if (!all) return undefined;
  const plain = fieldsOf(row, names);
  const list = plain ?? (names.startsWith('s') ? fieldsOf(row, names.slice(1)) : undefined);
  if (!list) return undefined;
  const width = list.fields.reduce((sum, f) => sum + f.width, 0);
  const raw = (f: RawFields) => {
    const value = concatenate(f, list.fields);
    return plain ? value : signed(value, width);
  };
  const scale = (value: number) => {
    if (before === '*') return value * Number(left);
    if (before === '-') return Number(left) - value;
    if (after === '*') return value * Number(right);
    return after === '/' ? Math.floor(value / Number(right)) : value;
  };
  return {
    print: (f) => String(scale(raw(f))),
    isDefault: (f) => raw(f) === 0,
  };
}
