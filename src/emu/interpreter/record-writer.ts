/**
 * Turns instruction words into decoded records (see record.ts). A boot decodes some 370,000 words, two thirds of
 * which have been seen before; so records are kept by word, and what a row's operands need is worked out once
 * for each handler.
 */
import { assert } from '../base/assert.ts';
import type { Decoder } from '../isa/decoder.ts';
import type { OperandSpec, RawFields, Row } from '../isa/row.ts';
import type { RegisterRole } from '../isa/semantics.ts';
import { RECORD_SIZE } from '../layout/memory-map.ts';
import { choose } from './handler.ts';
import type { HandlerTable } from './handler-table.ts';
import { type RecordSlot, registerFieldOffset } from './record.ts';

const PAGE_BYTES = 4096;
const INSTRUCTION_BYTES = 4;
const RECORD_WORDS = RECORD_SIZE / 4;

/**
 * Records by word, in a table with one place for each hash: the word, what it is, a branch's distance, then
 * the record.
 */
const IMAGE_BITS = 15;
const IMAGE_WORDS = 8;
const IMAGE_STATE = 1;
const IMAGE_DISTANCE = 2;
const IMAGE_RECORD = 4;
/** 2^32 divided by the golden ratio: spreads words that differ in few bits (Knuth, TAOCP 6.4). */
const HASH_FACTOR = 0x9e37_79b1;

const EMPTY = 0;
const STRAIGHT = 1;
const NEAR_BRANCH = 2;
const FAR_BRANCH = 3;

/** A handler, and how its record is filled in. */
interface RecordPlan {
  readonly handler: number;
  readonly registers: readonly {
    readonly offset: number;
    readonly low: number;
    readonly mask: number;
    /** Offset of each register in its file, by number. */
    readonly offsets: readonly number[];
  }[];
  readonly operands: readonly { readonly slot: RecordSlot; readonly value: OperandSpec['value'] }[];
}

/** What is known of a row: its plans by the bits that choose a handler. */
interface RowPlans {
  readonly choosing: readonly { readonly low: number; readonly width: number }[];
  readonly facts: readonly ((f: RawFields) => boolean)[];
  readonly branch: OperandSpec | undefined;
  readonly plans: Map<number, RecordPlan>;
}

export class RecordWriter {
  private readonly decoder: Decoder;
  private readonly handlers: HandlerTable;
  private readonly words32: Int32Array;
  private readonly words16: Uint16Array;
  private readonly view: DataView;
  private readonly images = new Int32Array(IMAGE_WORDS << IMAGE_BITS);
  private readonly rows = new Map<Row, RowPlans>();

  constructor(buffer: ArrayBufferLike, handlers: HandlerTable, decoder: Decoder) {
    this.decoder = decoder;
    this.handlers = handlers;
    this.words32 = new Int32Array(buffer);
    this.words16 = new Uint16Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Writes a word's record to `at`; gives whether the instruction after it may be decoded along with it. */
  write(at: number, offsetInPage: number, word: number): boolean {
    const { images, words32 } = this;
    const image = (Math.imul(word, HASH_FACTOR) >>> (32 - IMAGE_BITS)) * IMAGE_WORDS;
    const state = images[image + IMAGE_STATE];
    if (images[image] === word && state !== EMPTY) {
      const isNear = staysInPage(offsetInPage, images[image + IMAGE_DISTANCE] as number);
      if (state === STRAIGHT || isNear === (state === NEAR_BRANCH)) {
        for (let i = 0; i < RECORD_WORDS; i++)
          words32[(at >> 2) + i] = images[image + IMAGE_RECORD + i] as number;
        return state === STRAIGHT;
      }
    }
    return this.writeNew(at, offsetInPage, word, image);
  }

  private writeNew(at: number, offsetInPage: number, word: number, image: number): boolean {
    const { images, words32 } = this;
    const decoded = this.decoder.decode(word);
    if (!decoded) {
      this.words16[at >> 1] = this.handlers.undefinedHandler;
      return false;
    }
    const { row, fields } = decoded;
    const known = this.plansOf(row);
    const distance = known.branch ? Number(known.branch.value(fields)) : 0;
    const near = known.branch !== undefined && staysInPage(offsetInPage, distance);
    const plan = this.plan(row, known, word, fields, near);
    this.words16[at >> 1] = plan.handler;
    for (const { offset, low, mask, offsets } of plan.registers)
      this.words16[(at + offset) >> 1] = offsets[(word >>> low) & mask] as number;
    for (const { slot, value } of plan.operands) this.writeOperand(at, slot, value(fields), near);
    images[image] = word;
    images[image + IMAGE_STATE] = known.branch ? (near ? NEAR_BRANCH : FAR_BRANCH) : STRAIGHT;
    images[image + IMAGE_DISTANCE] = distance;
    for (let i = 0; i < RECORD_WORDS; i++)
      images[image + IMAGE_RECORD + i] = words32[(at >> 2) + i] as number;
    return known.branch === undefined;
  }

  private writeOperand(
    at: number,
    { kind, offset }: RecordSlot,
    value: number | bigint,
    near: boolean,
  ): void {
    if (kind === 'u16') this.words16[(at + offset) >> 1] = Number(value);
    else if (kind === 'i64') this.view.setBigInt64(at + offset, BigInt.asIntN(64, BigInt(value)), true);
    else {
      const scale = kind === 'branch' && near ? RECORD_SIZE / INSTRUCTION_BYTES : 1;
      this.view.setInt32(at + offset, Number(value) * scale, true);
    }
  }

  private plansOf(row: Row): RowPlans {
    const found = this.rows.get(row);
    if (found) return found;
    const plans: RowPlans = {
      choosing: row.pattern.fields.filter(({ name }) => row.choosing.includes(name)),
      facts: Object.values(row.specialise),
      // One operand at most: an instruction branches to one place.
      branch: Object.values(row.operands).find(({ kind }) => kind === 'branch'),
      plans: new Map(),
    };
    const bits = plans.choosing.reduce((sum, { width }) => sum + width, plans.facts.length + 1);
    assert(bits < 32, `${row.name}: ${bits} bits choose a handler`);
    this.rows.set(row, plans);
    return plans;
  }

  private plan(
    row: Row,
    { choosing, facts, plans }: RowPlans,
    word: number,
    fields: RawFields,
    near: boolean,
  ): RecordPlan {
    let key = near ? 1 : 0;
    for (const { low, width } of choosing) key = (key << width) | ((word >>> low) & ((1 << width) - 1));
    for (const fact of facts) key = (key << 1) | (fact(fields) ? 1 : 0);
    const found = plans.get(key);
    if (found) return found;
    const { number, slots } = this.handlers.find(row, choose(row, fields), near);
    const plan: RecordPlan = {
      handler: number,
      registers: slots.flatMap((slot) => ('register' in slot.source ? [registerLane(row, slot)] : [])),
      operands: slots.flatMap((slot) =>
        'operand' in slot.source ? [{ slot, value: operandValue(row, slot.source.operand) }] : [],
      ),
    };
    plans.set(key, plan);
    return plan;
  }
}

/** Where a register's offset goes, and the offset for each number. */
function registerLane({ pattern }: Row, { offset, source }: RecordSlot): RecordPlan['registers'][number] {
  assert('register' in source, 'a register');
  // A name like Rt+1 begins with its field's.
  const field = pattern.fields.find(({ name }) => source.register.split('+')[0] === name);
  assert(field, `${source.register} is a field`);
  const { name, low, width } = field;
  const key = `${source.register.slice(name.length)} ${source.role} ${width}`;
  const offsets = offsetsOf.get(key) ?? registerOffsets(name, source.register, source.role, width);
  offsetsOf.set(key, offsets);
  return { offset, low, mask: (1 << width) - 1, offsets };
}

/** Offsets by number, for each way to use a register: a handful, where handlers have hundreds of registers. */
const offsetsOf = new Map<string, readonly number[]>();

function registerOffsets(field: string, register: string, role: RegisterRole, width: number): number[] {
  return Array.from({ length: 1 << width }, (_, number) =>
    registerFieldOffset({ [field]: number }, register, role),
  );
}

function operandValue(row: Row, operand: string): OperandSpec['value'] {
  return row.operands[operand]?.value ?? (() => 0);
}

function staysInPage(offsetInPage: number, distance: number): boolean {
  const target = offsetInPage + distance;
  return target >= 0 && target < PAGE_BYTES;
}
