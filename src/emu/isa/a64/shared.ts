/** Semantics that several groups of instructions share (Arm ARM, shared/functions/integer). */
import type { I32, I64 } from '../../ir/ir.ts';
import { BRANCH_TARGETS, CPU } from '../../layout/cpu-state.ts';
import type { RawFields } from '../row.ts';
import type { Semantics } from '../semantics.ts';

const INSTRUCTION_BYTES = 4;
/** Where a call from here returns to. */
export const returnAddress = (b: Semantics) => b.add(b.pc(), b.i64(INSTRUCTION_BYTES));

/** PSTATE.BTYPE after an indirect branch (Arm ARM D8.3.5); of BR through another register, in a guarded page. */
const BTYPE = { jumpX16: 1, call: 2, jump: 3 } as const;
/** Whether BR goes through X16 or X17, as linkers' stubs do. */
export const viaX16 = { viaX16: ({ Rn = 0 }: RawFields) => Rn === 16 || Rn === 17 };

/**
 * Branch target identification, once there are guarded pages: a target that has been checked since the last change
 * stands in a table, with the type of branch in its low bits; for others the runtime looks.
 */
function checkTarget(b: Semantics, target: I64, type: number): void {
  b.if(b.stateLoad<'i32'>('i32', CPU.BRANCH_TARGETS_GUARDED), () => {
    const low = b.wrap(target);
    const offset = b.and(b.shl(low, b.i32(1)), b.i32((BRANCH_TARGETS - 1) * 8));
    const checked = b.eq(b.stateLoad<'i64'>('i64', CPU.BRANCH_TARGETS, offset), b.add(target, b.i64(type)));
    const high = b.wrap(b.shrU(target, b.i64(32)));
    b.if(
      b.eqz(checked),
      () => b.callRuntime('branchTarget', [low, high, b.i32(type)]),
      undefined,
      'unlikely',
    );
  });
}

/** BR and its like. */
export function branchIndirect(b: Semantics, target: I64, isViaX16: number): void {
  checkTarget(b, target, isViaX16 ? BTYPE.jumpX16 : BTYPE.jump);
  b.branchTo(target, 'jump');
}

/** BLR: the target has been read already, because it may be X30. */
export function branchWithLink(b: Semantics, target: I64): void {
  checkTarget(b, target, BTYPE.call);
  b.setLinkRegister(returnAddress(b));
  b.branchTo(target, 'call');
}

/** Bits 31:12 of hints. */
export const HINT_PREFIX = '11010101000000110010';

export const flagWidth = (sf: number): 32 | 64 => (sf ? 64 : 32);

/** a + b, setting the flags. */
export function addFlags<T extends I32 | I64>(b: Semantics, sf: number, x: T, y: T): T {
  const result = b.add(x, y);
  b.setFlags('add', flagWidth(sf), [x, y, result]);
  return result;
}

/** a − b, setting the flags. */
export function subFlags<T extends I32 | I64>(b: Semantics, sf: number, x: T, y: T): T {
  const result = b.sub(x, y);
  b.setFlags('sub', flagWidth(sf), [x, y, result]);
  return result;
}

/** AddWithCarry(x, y, carry). */
export function addWithCarry<T extends I32 | I64>(
  b: Semantics,
  sf: number,
  x: T,
  y: T,
  setFlags: boolean,
): T {
  const carry = b.carry();
  const result = b.add(b.add(x, y), (sf ? b.zeroExtend(carry) : carry) as T);
  if (setFlags) b.setFlags('adc', flagWidth(sf), [x, y, carry, result]);
  return result;
}

/** ShiftReg by type: 0 LSL, 1 LSR, 2 ASR, 3 ROR; the amount is below the width. */
export function shift<T extends I32 | I64>(b: Semantics, type: number, value: T, amount: T): T {
  switch (type) {
    case 0:
      return b.shl(value, amount);
    case 1:
      return b.shrU(value, amount);
    case 2:
      return b.shrS(value, amount);
    default:
      return b.rotr(value, amount);
  }
}

/** ExtendReg: `x` is the register as 64 bits; gives 32 or 64 bits by sf, before the shift. */
export function extend(b: Semantics, sf: number, option: number, x: I64): I32 | I64 {
  const isSigned = option >= 4;
  const size = option & 3;
  if (size === 3 || (!sf && size === 2)) return b.sized(sf, x);
  if (sf) {
    if (isSigned) return b.numeric<'i64'>(`i64.extend${8 << size}_s`, [x]);
    return b.and(x, b.i64((1n << BigInt(8 << size)) - 1n));
  }
  const w = b.wrap(x);
  if (isSigned) return b.numeric<'i32'>(`i32.extend${8 << size}_s`, [w]);
  return b.and(w, b.i32((1 << (8 << size)) - 1));
}
