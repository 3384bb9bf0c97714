/**
 * Cache maintenance by address (Arm ARM C5.3), and the registers that software reads for it. A boot cleans and
 * invalidates 70,000 lines of code one by one. There is one level of memory, so cleaning is a check of the address,
 * which a hit in the TLB answers; invalidating instructions does nothing where none has been decoded. Whatever needs
 * more goes the general way (cpu/system-operations.ts), which these rows only shorten.
 */
import type { I32, I64 } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import {
  DECODED_PAGE_NUMBERS_AREA,
  RAM_OFFSET,
  TLB_ADDEND,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
} from '../../layout/memory-map.ts';
import { CELL_OFFSET } from '../../layout/system-register-cells.ts';
import { CTR_EL0_VALUE, DCZID_BS, DCZID_DZP_SHIFT } from '../cache-identity.ts';
import type { FeatureName } from '../features.ts';
import { type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';

/** SCTLR_EL1: what EL0 may do without a trap. */
const SCTLR_UCT = 1 << 15;
const SCTLR_UCI = 1 << 26;

/** At EL1 always, at EL0 while a bit of SCTLR_EL1 is set: not zero then. */
function allowed(b: Semantics, bit: number): I32 {
  const sctlr = b.stateLoad<'i32'>('i32', CPU.SYSTEM_REGISTERS + CELL_OFFSET.SCTLR_EL1);
  return b.or(b.stateLoad('i32', CPU.EL), b.and(sctlr, b.i32(bit)));
}

const PAGE_SHIFT = 12;
const PAGE_MASK = -4096n;
const ENTRY_SHIFT = Math.log2(TLB_ENTRY_SIZE);

/** Whether the read TLB maps the page of an address, and where that is in linear memory if it does. */
function lookUp(b: Semantics, va: I64): { readonly hit: I32; readonly address: I32 } {
  const low = b.wrap(va);
  const index = b.and(b.shrU(low, b.i32(PAGE_SHIFT - ENTRY_SHIFT)), b.i32((TLB_ENTRIES - 1) << ENTRY_SHIFT));
  const entry = b.add(b.stateLoad<'i32'>('i32', CPU.TLB_READ), index);
  const hit = b.eq(b.hostLoad<'i64'>('i64', entry), b.and(va, b.i64(PAGE_MASK)));
  return { hit, address: b.add(low, b.hostLoad<'i32'>('i32', entry, TLB_ADDEND)) };
}

const key = (crm: number) => (1 << 14) | (3 << 11) | (7 << 7) | (crm << 3) | 1;
const bits = (value: number) => value.toString(2).padStart(4, '0') as '0000';

/** One operation of op1 = 3, CRn = C7, op2 = 1; `done` says whether a hit in the TLB is all there is to do. */
function operation(
  name: string,
  crm: number,
  feature: FeatureName | undefined,
  done: (b: Semantics, hit: I32, address: I32) => I32,
): Row {
  return row(name, `1101010100 0 01 011 0111 ${bits(crm)} 001 Rt:5`, `sys #3, C7, C${crm}, #1{, <Xt?31>}`, {
    ...(feature && { feature }),
    execute: ({ Rt }, b) => {
      const { hit, address } = lookUp(b, b.X(Rt));
      const ready = b.and(hit, b.ne(allowed(b, SCTLR_UCI), b.i32(0)));
      b.if(
        b.choose(
          ready,
          () => done(b, hit, address),
          () => b.i32(0),
          'likely',
        ),
        () => {},
        () => b.callRuntime('systemOperation', [b.i32(key(crm)), b.slotNumber(Rt, 'source')]),
        'likely',
      );
    },
  });
}

/** DC by address: reading permission is all that is asked. */
const DATA_OPERATIONS: readonly (readonly [name: string, crm: number, feature?: FeatureName])[] = [
  ['CVAC', 10],
  ['CVAU', 11],
  ['CVAP', 12, 'FEAT_DPB'],
  ['CVADP', 13, 'FEAT_DPB2'],
  ['CIVAC', 14],
];
const data: Row[] = DATA_OPERATIONS.map(([name, crm, feature]) =>
  operation(`DC ${name}`, crm, feature, (_, hit) => hit),
);

const IVAU_CRM = 5;
/** Bytes of a page's number. */
const NUMBER_SHIFT = 1;
const instruction = operation('IC IVAU', IVAU_CRM, undefined, (b, _, address) => {
  const page = b.shrU(b.sub(address, b.i32(RAM_OFFSET)), b.i32(PAGE_SHIFT));
  return b.eqz(b.hostLoad<'i32'>('i32.16u', b.shl(page, b.i32(NUMBER_SHIFT)), DECODED_PAGE_NUMBERS_AREA));
});

const CTR_KEY = (3 << 14) | (3 << 11) | 1;
const registers: Row[] = [
  row('MRS CTR_EL0', '1101010100 1 1 1 011 0000 0000 001 Rt:5', 'mrs <Xt>, ctr_el0', {
    execute: ({ Rt }, b) =>
      b.if(
        allowed(b, SCTLR_UCT),
        () => b.setX(Rt, b.i64(CTR_EL0_VALUE)),
        () => b.callRuntime('systemRead', [b.i32(CTR_KEY), b.slotNumber(Rt, 'destination')]),
        'likely',
      ),
  }),
  row('MRS DCZID_EL0', '1101010100 1 1 1 011 0000 0000 111 Rt:5', 'mrs <Xt>, dczid_el0', {
    execute: ({ Rt }, b) => {
      const prohibited = b.shl(b.stateLoad<'i32'>('i32', CPU.ZVA_TRAPPED), b.i32(DCZID_DZP_SHIFT));
      b.setX(Rt, b.zeroExtend(b.or(prohibited, b.i32(DCZID_BS))));
    },
  }),
];

export const cacheMaintenance: readonly Row[] = [...data, instruction, ...registers];
