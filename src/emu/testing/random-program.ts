/**
 * Random programs from the instruction table: each row's own pattern gives its fields. Branches lead forward,
 * one loop at most counts down, so every program ends.
 */
import { assert } from '../base/assert.ts';
import { systemKey } from '../cpu/runtime.ts';
import type { RandomWords } from '../fp/hard-operands.ts';
import type { Decoder } from '../isa/decoder.ts';
import { type Field, insertFields } from '../isa/pattern.ts';
import type { Row } from '../isa/row.ts';
import { SLOT_WORDS } from './arena.ts';
import { type ProcessorState, STATE } from './processor-state.ts';
import { chooseRoles, oneIn, pick, type Roles, randomState, SP_OR_ZERO } from './random-state.ts';
import {
  EXCLUDED,
  isMemoryAccess,
  isStoreExclusive,
  isUnpredictable,
  mustBeMadeAligned,
} from './unpredictable.ts';

export interface TestProgram {
  readonly words: readonly number[];
  /** Registers at the start; PC is the caller's. */
  readonly state: ProcessorState;
  /** Other registers to start the same program with. */
  readonly anotherState: () => ProcessorState;
  /** The row that the program was made for. */
  readonly row: Row;
}

const [FPCR_KEY, FPSR_KEY] = [systemKey(3, 3, 4, 4, 0), systemKey(3, 3, 4, 4, 1)];
/** System registers that EL0 may use in both machines: NZCV, TPIDR_EL0, FPCR, FPSR. */
const ALL_SYSTEM_KEYS = [systemKey(3, 3, 4, 2, 0), systemKey(3, 3, 13, 0, 2), FPCR_KEY, FPSR_KEY];
const READS_SYSTEM = 'MRS';
const WRITES_SYSTEM = 'MSR (register)';
const SYSTEM_ROWS = [READS_SYSTEM, WRITES_SYSTEM];
/** The oracle keeps FPCR's and FPSR's bits for AArch32, RES0 here: what a program writes there it may not read. */
const READS_MODES = ['MRS FPCR', 'MRS FPSR'];
const KEYS_TO_READ_AND_WRITE = ALL_SYSTEM_KEYS.filter((key) => key !== FPCR_KEY && key !== FPSR_KEY);

/** QEMU 7.2 sets Z for an operand that it has flushed to zero (docs/floating-point.md): never with FPCR.FZ. */
const FLUSHES_WRONG = 'FJCVTZS';
const FPCR_FZ = 1n << 24n;

/** What a program may do with FPCR and FPSR. */
export type Modes = 'reads' | 'writes';
/** Whether a row may stand in a program with such modes. */
export function fitsModes({ name }: Row, modes: Modes): boolean {
  return modes === 'reads' || !READS_MODES.includes(name);
}
/** The system registers that a row may name in a program with such modes; FPCR and FPSR are read by rows of their own. */
function systemKeysFor({ name }: Row, modes: Modes): readonly number[] {
  return name === WRITES_SYSTEM && modes === 'writes' ? ALL_SYSTEM_KEYS : KEYS_TO_READ_AND_WRITE;
}
/** Whether a program that may write FPCR must do without the row. */
export function needsFixedModes(row: Row): boolean {
  return row.name === FLUSHES_WRONG;
}
/** A program with such a row starts without FPCR.FZ. */
export function stopFlushing(state: ProcessorState): void {
  state[STATE.FPCR] = (state[STATE.FPCR] ?? 0n) & ~FPCR_FZ;
}

const MAX_ITEMS = 14;
const ATTEMPTS = 200;
/** Room for the loop's end and the program's. */
const MAX_WORDS = SLOT_WORDS - 4;
const INSTRUCTION_BYTES = 4;

/** One planned instruction; an indirect branch and a store-exclusive need one more before them. */
interface Item {
  readonly row: Row;
  readonly words: 1 | 2;
  at: number;
}

/** Where an instruction stands and where branches may go. */
export interface Place {
  readonly at: number;
  readonly targets: readonly number[];
  readonly roles: Roles;
  readonly modes: Modes;
}

const isIndirectBranch = (row: Row) => /^(br|blr|ret)\b/.test(row.syntax);

export class ProgramGenerator {
  readonly rows: readonly Row[];
  private readonly decoder: Decoder;
  private readonly random: RandomWords;

  /** Programs consist of rows that `isWanted` takes. */
  constructor(decoder: Decoder, random: RandomWords, isWanted: (row: Row) => boolean = () => true) {
    this.decoder = decoder;
    this.random = random;
    this.rows = decoder.rows.filter((row) => !(row.name in EXCLUDED) && isWanted(row));
  }

  /** A program with an instruction of `row`, among others from the whole table when `others` says so. */
  generate(row: Row, others: boolean): TestProgram {
    const { random } = this;
    const roles = chooseRoles(random);
    const items = this.plan(row, others);
    const end = items.reduce((sum, item) => sum + item.words, 0);
    const loop = others && oneIn(random, 5);
    const starts = [...items.map(({ at }) => at), end];
    const does = (name: string) => items.some((item) => item.row.name === name);
    const modes: Modes = READS_MODES.some(does) ? 'reads' : 'writes';
    const words: number[] = [];
    for (const item of items) {
      const targets = starts.filter((at) => at > item.at);
      words.push(...this.emit(item, { at: item.at, targets, roles, modes }));
    }
    if (loop) words.push(...countDown(roles.counter, words.length - pick(random, starts)));
    const anotherState = () => {
      const state = randomState(random, roles);
      if (does(FLUSHES_WRONG)) stopFlushing(state);
      return state;
    };
    return { words, state: anotherState(), anotherState, row };
  }

  private plan(row: Row, others: boolean): Item[] {
    const count = others ? this.random.below(MAX_ITEMS) : 0;
    const rows = Array.from({ length: count }, () => pick(this.random, this.rows));
    rows.splice(this.random.below(rows.length + 1), 0, row);
    const dropped = row.name === WRITES_SYSTEM ? FLUSHES_WRONG : WRITES_SYSTEM;
    const keepsModes = rows.some(({ name }) => name === FLUSHES_WRONG);
    const items: Item[] = [];
    let at = 0;
    for (const one of rows) {
      if (keepsModes && one.name === dropped) continue;
      const words = isIndirectBranch(one) || isStoreExclusive(one) || mustBeMadeAligned(one) ? 2 : 1;
      items.push({ row: one, words, at });
      at += words;
    }
    assert(at <= MAX_WORDS, 'the program fits into its slot');
    return items;
  }

  private emit({ row }: Item, place: Place): number[] {
    if (isStoreExclusive(row)) return this.exclusivePair(row, place);
    return isIndirectBranch(row) ? this.indirectBranch(row, place) : this.straight(row, place);
  }

  /** ADR of a later instruction into the register, then the branch. */
  private indirectBranch(row: Row, { at, targets, roles }: Place): number[] {
    const Rn = pick(this.random, roles.data);
    const branch = insertFields(row.pattern, { Rn });
    if (oneIn(this.random, 16)) return [NOP, branch];
    const distance = (pick(this.random, targets) - at) * INSTRUCTION_BYTES;
    return [adr(Rn, distance), branch];
  }

  /** An instruction that needs no other; the base register of an access that must be aligned is rounded down. */
  straight(row: Row, place: Place): number[] {
    if (!mustBeMadeAligned(row)) return [this.instruction(row, place)];
    const fields = { ...this.fields(row, place), Rn: pick(this.random, place.roles.pointers) };
    return [roundDown(fields.Rn), insertFields(row.pattern, fields)];
  }

  /** The load-exclusive of the same size and address before the store. */
  private exclusivePair(row: Row, place: Place): number[] {
    for (;;) {
      const fields = this.fields(row, place);
      if (isUnpredictable(row, fields)) continue;
      const store = insertFields(row.pattern, fields);
      const loaded = place.roles.data.filter((r) => r !== fields.Rn);
      const Rt = pick(this.random, loaded);
      const Rt2 = pick(
        this.random,
        loaded.filter((r) => r !== Rt),
      );
      const isPair = row.syntax.includes('t2>');
      // L set; Rs, and Rt2 of the single form, all ones.
      const load = (store | LOAD_EXCLUSIVE | (31 << 16)) & ~0x1f & ~(isPair ? 0x1f << 10 : 0);
      return [(load | Rt | (isPair ? Rt2 << 10 : 0)) >>> 0, store];
    }
  }

  /** A word of a row, with registers by their roles and branches to the targets. */
  private instruction(row: Row, place: Place): number {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const fields = this.fields(row, place);
      const word = insertFields(row.pattern, fields);
      if (this.decoder.decode(word)?.row !== row || isUnpredictable(row, fields)) continue;
      return word;
    }
    throw new Error(`no allocated word found for ${row.name}`);
  }

  private fields(row: Row, place: Place): Record<string, number> {
    const fields: Record<string, number> = {};
    const branch = Object.values(row.operands).find(({ kind }) => kind === 'branch');
    for (const field of row.pattern.fields) {
      if (field.name.startsWith('R')) fields[field.name] = this.register(row, field.name, place.roles);
      else if (branch?.from.includes(field.name) || row.name.includes('(literal'))
        fields[field.name] = pick(this.random, place.targets) - place.at;
      else fields[field.name] = this.plainField(row, field);
    }
    if (SYSTEM_ROWS.includes(row.name))
      setSystemKey(fields, pick(this.random, systemKeysFor(row, place.modes)));
    return fields;
  }

  private plainField(row: Row, { width }: Field): number {
    const { random } = this;
    const small = isMemoryAccess(row) && width >= 7;
    if (small && !oneIn(random, 8)) return random.below(9) - (width === 12 ? 0 : 4);
    switch (random.below(8)) {
      case 0:
        return 0;
      case 1:
        return -1;
      case 2:
        return 1 << random.below(width);
      default:
        return random.next();
    }
  }

  private register(row: Row, name: string, roles: Roles): number {
    const { random } = this;
    const memory = isMemoryAccess(row);
    if (memory && name === 'Rn') return oneIn(random, 4) ? SP_OR_ZERO : pick(random, roles.pointers);
    if (memory && name === 'Rm') return oneIn(random, 8) ? SP_OR_ZERO : pick(random, roles.indexes);
    if (oneIn(random, 10)) return SP_OR_ZERO;
    if (!oneIn(random, 10)) return pick(random, roles.data);
    // Never the counter, nor the register before it, which leads a pair.
    const any = random.below(SP_OR_ZERO);
    return any === roles.counter || any + 1 === roles.counter ? pick(random, roles.data) : any;
  }
}

const NOP = 0xd503201f;
const LOAD_EXCLUSIVE = 1 << 22;

function adr(Rd: number, distance: number): number {
  return (0x10000000 | ((distance & 3) << 29) | ((distance >> 2) << 5) | Rd) >>> 0;
}

/** AND Xr, Xr, #-8. */
function roundDown(register: number): number {
  return (0x927df000 | (register << 5) | register) >>> 0;
}

/** SUB Xc, Xc, #1 and CBNZ Xc to `back` instructions before the SUB. */
function countDown(counter: number, back: number): number[] {
  const offset = (-back - 1) & 0x7ffff;
  return [0xd1000400 | (counter << 5) | counter, 0xb5000000 | (offset << 5) | counter].map((w) => w >>> 0);
}

function setSystemKey(fields: Record<string, number>, key: number): void {
  fields.o0 = (key >> 14) & 1;
  fields.op1 = (key >> 11) & 7;
  fields.CRn = (key >> 7) & 15;
  fields.CRm = (key >> 3) & 15;
  fields.op2 = key & 7;
}
