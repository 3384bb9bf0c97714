/** FEAT_JSCVT: FJCVTZS, the ToInt32 of ECMAScript (Arm ARM C7.2, FPToFixedJS). */
import type { F64, I32, I64 } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { constant, DOUBLE, fastMode, putOperands, scalar, test } from './fp-shared.ts';

/** PSTATE.Z, where FJCVTZS says that the number was the integer. */
const Z_SHIFT = 2;
/** The integer, and whether nothing is lost by it, not even the sign of zero. */
function toInt32(b: Semantics, x: F64): { integer: I32; exact: I32 } {
  const truncated: I32 = b.numeric('i32.trunc_sat_f64_s', [x]);
  const back: F64 = b.numeric('f64.convert_i32_s', [truncated]);
  const bits = (value: F64): I64 => b.numeric('i64.reinterpret_f64', [value]);
  return { integer: truncated, exact: b.eq(bits(x), bits(back)) };
}

export const fpJavascript: readonly Row[] = [
  row('FJCVTZS', '0 0 0 11110 01 1 11 110 000000 Rn:5 Rd:5', 'fjcvtzs <Wd>, d<Rn>', {
    fp: true,
    feature: 'FEAT_JSCVT',
    execute: ({ Rn, Rd }, b) => {
      const x = b.lowV<'f64'>('f64', Rn);
      const { integer, exact } = toInt32(b, x);
      // What is exact raises nothing in any mode; otherwise it must be in range.
      const magnitude = b.numeric<'f64'>('f64.abs', [x]);
      const inRange = test(b, scalar(DOUBLE), 'lt', magnitude, constant(b, scalar(DOUBLE), 2 ** 31)) as I32;
      const usable = b.or(exact, b.and(inRange, fastMode(b)));
      const flags = b.choose<'i32'>(
        usable,
        () => exact,
        () => {
          putOperands(b, [x]);
          return b.call('fpToFixedJS', []);
        },
        'likely',
      );
      const result = b.select<'i32'>(usable, integer, b.stateLoad<'i32'>('i32', CPU.SCRATCH));
      b.setR(Rd, result);
      b.putFlags(b.shl(flags, b.i32(Z_SHIFT)));
    },
  }),
];
