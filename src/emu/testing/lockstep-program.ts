/**
 * Random programs rich in control flow, for comparing engine modes: functions of blocks that branch anywhere,
 * forwards, backwards and into the middle of loops, directly, through registers and through jump tables; calls
 * and returns, recursion, page crossings, flags that live across blocks, faults in loops.
 *
 * Every edge that may close a cycle counts a register down and leaves for the end when it is used up, so that
 * nearly every program ends.
 */
import type { RandomWords } from '../fp/hard-operands.ts';
import type { Decoder } from '../isa/decoder.ts';
import type { Row } from '../isa/row.ts';
import { END_WORD } from './arena.ts';
import { type ProcessorState, STATE } from './processor-state.ts';
import { fitsModes, type Modes, needsFixedModes, ProgramGenerator, stopFlushing } from './random-program.ts';
import { chooseRoles, oneIn, pick, type Roles, randomState, SP_OR_ZERO } from './random-state.ts';
import { isMemoryAccess, isStoreExclusive } from './unpredictable.ts';

const WORD_BYTES = 4;
const PAGE_WORDS = 1024;
/** Pages that a program may use. */
export const FLOW_PAGES = 3;
export const FLOW_BYTES = FLOW_PAGES * PAGE_WORDS * WORD_BYTES;

/** Times that edges may close a cycle; long runs let indirect jumps show where they go. */
const SHORT_RUN = 30;
const LONG_RUN = 800;

export interface FlowProgram {
  /** From the start of its first page to its last instruction; what is not code is the end's BRK. */
  readonly words: readonly number[];
  /** Byte offset of the first instruction. */
  readonly entry: number;
  /** Registers at the start; PC is the caller's. */
  readonly state: ProcessorState;
}

/** Rows by what they exercise; a body draws from one of the lists. */
const KINDS: readonly { readonly weight: number; readonly test: (row: Row) => boolean }[] = [
  {
    weight: 5,
    test: ({ syntax }) => /^(adds|subs|ands|bics|adcs|sbcs|ccmp|ccmn|fcmpe?|fccmpe?) /.test(syntax),
  },
  { weight: 3, test: ({ syntax }) => /^(csel|csinc|csinv|csneg|fcsel|adc|sbc) /.test(syntax) },
  { weight: 5, test: (row) => isMemoryAccess(row) },
  { weight: 4, test: ({ pattern }) => /^0\w? ?.* 01110|1110/.test(pattern.text) },
  { weight: 4, test: () => true },
];
const IS_BRANCH = /^(b|bl|br|blr|ret|cbn?z|tbn?z)\b|^b\./;
const TOTAL_WEIGHT = KINDS.reduce((sum, { weight }) => sum + weight, 0);

/** A place in the code whose address may not be known yet. */
interface Label {
  at: number;
}

/** Instruction words with branches to labels that are set later. */
class CodeBuffer {
  readonly words: number[] = [];
  private readonly fixups: { readonly at: number; readonly target: Label; readonly encode: Encode }[] = [];

  label(): Label {
    return { at: -1 };
  }
  place(label: Label): void {
    label.at = this.words.length;
  }
  emit(word: number): void {
    this.words.push(word >>> 0);
  }
  /** A word that depends on the distance to a label, in words. */
  emitTo(target: Label, encode: Encode): void {
    this.fixups.push({ at: this.words.length, target, encode });
    this.words.push(0);
  }
  skipTo(index: number): void {
    while (this.words.length < index) this.words.push(END_WORD >>> 0);
  }
  finish(): readonly number[] {
    for (const { at, target, encode } of this.fixups) this.words[at] = encode(target.at - at) >>> 0;
    return this.words;
  }
}
type Encode = (distance: number) => number;

const OPCODE = {
  b: 0x1400_0000,
  bl: 0x9400_0000,
  bCond: 0x5400_0000,
  cbz: 0x3400_0000,
  tbz: 0x3600_0000,
  br: 0xd61f_0000,
  blr: 0xd63f_0000,
  ret: 0xd65f_0000,
  adr: 0x1000_0000,
  /** SUB Xd, Xn, #1. */
  subOne: 0xd100_0400,
  /** AND Xd, Xn, #3. */
  andThree: 0x9240_0400,
  /** ADD Xd, Xn, Xm, LSL #2. */
  addScaled: 0x8b00_0800,
  /** MOV Xd, Xm: ORR Xd, XZR, Xm. */
  move: 0xaa00_03e0,
  /** STR X30, [SP, #-16]! and LDR X30, [SP], #16. */
  push: 0xf81f_0ffe,
  pop: 0xf841_07fe,
} as const;
const LINK = 30;
const SIGN_BIT = 63;

const direct =
  (opcode: number): Encode =>
  (distance) =>
    opcode | (distance & 0x3ff_ffff);
/** Forms with a 19-bit distance at bit 5, and with a 14-bit one. */
const wide =
  (opcode: number): Encode =>
  (distance) =>
    opcode | ((distance & 0x7ffff) << 5);
const narrow =
  (opcode: number): Encode =>
  (distance) =>
    opcode | ((distance & 0x3fff) << 5);
const adrOf =
  (register: number): Encode =>
  (distance) =>
    OPCODE.adr | ((distance & 0x7ffff) << 5) | register;

interface FunctionPlan {
  readonly entry: Label;
  readonly blocks: readonly Label[];
  /** Where it keeps its return address: a register, or the stack. */
  readonly link: number | 'stack';
}

export class FlowGenerator {
  private readonly random: RandomWords;
  private readonly single: ProgramGenerator;
  private readonly rows: readonly (readonly Row[])[];
  // The program being made.
  private code = new CodeBuffer();
  private roles: Roles;
  private functions: readonly FunctionPlan[] = [];
  private modes: Modes = 'reads';
  private needsFixedModes = false;
  private end: Label = { at: -1 };

  constructor(decoder: Decoder, random: RandomWords) {
    this.random = random;
    this.single = new ProgramGenerator(decoder, random);
    const straight = this.single.rows.filter(
      (row) => !IS_BRANCH.test(row.syntax) && !isStoreExclusive(row) && !/^(brk|udf|clrex)/.test(row.syntax),
    );
    this.rows = KINDS.map(({ test }) => straight.filter(test));
    this.roles = chooseRoles(random);
  }

  generate(): FlowProgram {
    const { random } = this;
    this.code = new CodeBuffer();
    const roles = chooseRoles(random);
    const links = roles.data.slice(-3);
    this.roles = { ...roles, data: roles.data.slice(0, -3) };
    this.end = this.code.label();
    this.modes = oneIn(random, 2) ? 'reads' : 'writes';
    this.needsFixedModes = false;
    this.functions = Array.from({ length: 1 + random.below(4) }, (_, index) => ({
      entry: this.code.label(),
      blocks: Array.from({ length: 1 + random.below(6) }, () => this.code.label()),
      link: oneIn(random, 3) ? 'stack' : (links[index % links.length] ?? LINK),
    }));
    // Often just before the end of a page, so that code crosses it.
    this.code.skipTo(oneIn(random, 2) ? PAGE_WORDS - random.below(60) : random.below(64));
    const entry = this.code.words.length;
    this.functions.forEach((_, index) => {
      this.emitFunction(index);
    });
    this.code.place(this.end);
    this.code.emit(END_WORD);
    const state = randomState(random, this.roles);
    if (this.needsFixedModes) stopFlushing(state);
    this.pairUp(state);
    state[STATE.X + roles.counter] = BigInt(1 + random.below(oneIn(random, 8) ? LONG_RUN : SHORT_RUN));
    return { words: this.code.finish(), entry: entry * WORD_BYTES, state };
  }

  /** Neighbours and equals among the data, so that comparisons meet their edges. */
  private pairUp(state: ProcessorState): void {
    const { random } = this;
    const { data } = this.roles;
    for (let n = random.below(12); n > 0; n--) {
      const value = (state[STATE.X + pick(random, data)] ?? 0n) + BigInt(random.below(3) - 1);
      state[STATE.X + pick(random, data)] = BigInt.asUintN(64, value);
    }
  }

  private emitFunction(index: number): void {
    const { code, random } = this;
    const plan = this.functions[index];
    if (!plan) return;
    if (index > 0 && oneIn(random, 3))
      code.skipTo(Math.min(code.words.length + random.below(1100), 2 * PAGE_WORDS));
    code.place(plan.entry);
    if (index > 0) code.emit(plan.link === 'stack' ? OPCODE.push : OPCODE.move | (LINK << 16) | plan.link);
    plan.blocks.forEach((label, block) => {
      code.place(label);
      for (let n = random.below(6); n > 0; n--) this.emitStraight();
      if (index < this.functions.length && oneIn(random, 4)) this.emitCall(index);
      this.emitBranch(plan, block);
    });
    this.emitReturn(index, plan);
  }

  private emitStraight(): void {
    const { code, random } = this;
    let choice = random.below(TOTAL_WEIGHT);
    const kind = KINDS.findIndex(({ weight }) => (choice -= weight) < 0);
    const row = pick(random, this.rows[kind] ?? []);
    if (!fitsModes(row, this.modes)) return;
    if (needsFixedModes(row)) {
      if (this.modes === 'writes') return;
      this.needsFixedModes = true;
    }
    const at = code.words.length;
    const place = { at, targets: [at + 1], roles: this.roles, modes: this.modes };
    for (const word of this.single.straight(row, place)) code.emit(word);
  }

  /** Leaves for the end when the program has gone round often enough. */
  private emitCountdown(): void {
    const { counter } = this.roles;
    this.code.emit(OPCODE.subOne | (counter << 5) | counter);
    this.emitTest(this.end, counter, SIGN_BIT, true);
  }

  private emitTest(target: Label, register: number, bit: number, set: boolean): void {
    const opcode = OPCODE.tbz | (set ? 1 << 24 : 0) | ((bit >> 5) << 31) | ((bit & 31) << 19) | register;
    this.code.emitTo(target, narrow(opcode));
  }

  private emitBranch(plan: FunctionPlan, block: number): void {
    const { code, random } = this;
    const next = random.below(plan.blocks.length);
    const target = plan.blocks[next];
    if (!target || oneIn(random, 5)) return;
    if (next <= block) this.emitCountdown();
    const register = oneIn(random, 12) ? SP_OR_ZERO : pick(random, this.roles.data);
    switch (random.below(8)) {
      case 0:
        return code.emitTo(target, direct(OPCODE.b));
      case 1:
      case 2:
      case 3:
        return code.emitTo(target, wide(OPCODE.bCond | random.below(16)));
      case 4:
        return code.emitTo(
          target,
          wide(OPCODE.cbz | (random.below(2) << 31) | (random.below(2) << 24) | register),
        );
      case 5:
        return this.emitTest(target, register, random.below(64), oneIn(random, 2));
      case 6:
        return this.emitIndirect(target);
      default:
        return this.emitJumpTable(plan);
    }
  }

  private emitIndirect(target: Label): void {
    const register = pick(this.random, this.roles.data);
    this.code.emitTo(target, adrOf(register));
    if (oneIn(this.random, 3)) this.emitStraight();
    this.code.emit(OPCODE.br | (register << 5));
  }

  /** Four branches, chosen by two bits of a register. */
  private emitJumpTable(plan: FunctionPlan): void {
    const { code, random } = this;
    const [index, base] = [pick(random, this.roles.data), pick(random, this.roles.data)];
    const table = code.label();
    this.emitCountdown();
    code.emit(OPCODE.andThree | (pick(random, this.roles.data) << 5) | index);
    code.emitTo(table, adrOf(base));
    code.emit(OPCODE.addScaled | (index << 16) | (base << 5) | base);
    code.emit(OPCODE.br | (base << 5));
    code.place(table);
    for (let entry = 0; entry < 4; entry++) code.emitTo(pick(random, plan.blocks), direct(OPCODE.b));
  }

  private emitCall(from: number): void {
    const { code, random } = this;
    const to = random.below(this.functions.length);
    const target = this.functions[to]?.entry;
    if (!target || to === 0) return;
    if (to <= from) this.emitCountdown();
    if (!oneIn(random, 3)) return code.emitTo(target, direct(OPCODE.bl));
    const register = pick(random, this.roles.data);
    code.emitTo(target, adrOf(register));
    code.emit(OPCODE.blr | (register << 5));
  }

  private emitReturn(index: number, plan: FunctionPlan): void {
    const { code, random } = this;
    if (index === 0) return code.emitTo(this.end, direct(OPCODE.b));
    // A return address that recursion has overwritten makes a cycle of returns.
    this.emitCountdown();
    if (plan.link === 'stack') {
      code.emit(OPCODE.pop);
      return code.emit(OPCODE.ret | (LINK << 5));
    }
    if (oneIn(random, 2)) return code.emit(OPCODE.ret | (plan.link << 5));
    code.emit(OPCODE.move | (plan.link << 16) | LINK);
    code.emit(OPCODE.ret | (LINK << 5));
  }
}
