/** Arm ARM C4.1.94, "Branches, Exception Generating and System instructions". */
import type { I32 } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { ZERO_BLOCK_ACCESS, ZERO_BLOCK_BYTES } from '../../mmu/access.ts';
import type { FeatureName } from '../features.ts';
import { signed } from '../pattern.ts';
import { branch, type RawFields, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { branchIndirect, branchWithLink, HINT_PREFIX, returnAddress, viaX16 } from './shared.ts';

const INSTRUCTION_BYTES = 4;
const distance = (field: string, width: number) =>
  branch([field], (f: RawFields) => signed(f[field] ?? 0, width) * INSTRUCTION_BYTES);

const testBit = (b: Semantics, value: ReturnType<Semantics['X']>, bit: I32) =>
  b.and(b.wrap(b.shrU(value, b.zeroExtend(bit))), b.i32(1));
const bitNumber = u16(['b5', 'b40'], ({ b5 = 0, b40 = 0 }) => (b5 << 5) | b40);

const branches: Row[] = [
  row('B.cond', '0101010 0 imm19:19 0 cond:4', 'b.<cond> <label19>', {
    hot: true,
    operands: { offset: distance('imm19', 19) },
    execute: ({ cond, offset }, b) => b.gotoIf(b.holds(cond), offset),
  }),
  row('B', '0 00101 imm26:26', 'b <label26>', {
    hot: true,
    operands: { offset: distance('imm26', 26) },
    execute: ({ offset }, b) => b.goto(offset),
  }),
  row('BL', '1 00101 imm26:26', 'bl <label26>', {
    hot: true,
    operands: { offset: distance('imm26', 26) },
    execute: ({ offset }, b) => {
      b.setLinkRegister(returnAddress(b));
      b.goto(offset);
    },
  }),
  row('CBZ', 'sf:1 011010 0 imm19:19 Rt:5', 'cbz <Rt>, <label19>', {
    hot: true,
    operands: { offset: distance('imm19', 19) },
    execute: ({ sf, Rt, offset }, b) => b.gotoIf(b.eqz(b.R(sf, Rt)), offset),
  }),
  row('CBNZ', 'sf:1 011010 1 imm19:19 Rt:5', 'cbnz <Rt>, <label19>', {
    hot: true,
    operands: { offset: distance('imm19', 19) },
    execute: ({ sf, Rt, offset }, b) => {
      const value = b.R(sf, Rt);
      b.gotoIf(b.ne(value, b.constant(value, 0)), offset);
    },
  }),
  row('TBZ', 'b5:1 011011 0 b40:5 imm14:14 Rt:5', 'tbz <Rt:b5>, #<b5.b40>, <label14>', {
    hot: true,
    operands: { offset: distance('imm14', 14), bit: bitNumber },
    execute: ({ Rt, offset, bit }, b) => b.gotoIf(b.eqz(testBit(b, b.X(Rt), bit)), offset),
  }),
  row('TBNZ', 'b5:1 011011 1 b40:5 imm14:14 Rt:5', 'tbnz <Rt:b5>, #<b5.b40>, <label14>', {
    hot: true,
    operands: { offset: distance('imm14', 14), bit: bitNumber },
    execute: ({ Rt, offset, bit }, b) => b.gotoIf(testBit(b, b.X(Rt), bit), offset),
  }),
  row('BR', '1101011 0000 11111 000000 Rn:5 00000', 'br <Xn>', {
    hot: true,
    specialise: viaX16,
    execute: ({ Rn, viaX16 }, b) => branchIndirect(b, b.X(Rn), viaX16),
  }),
  row('BLR', '1101011 0001 11111 000000 Rn:5 00000', 'blr <Xn>', {
    hot: true,
    execute: ({ Rn }, b) => branchWithLink(b, b.X(Rn)),
  }),
  row('RET', '1101011 0010 11111 000000 Rn:5 00000', 'ret{ <Xn?30>}', {
    hot: true,
    execute: ({ Rn }, b) => b.branchTo(b.X(Rn), 'return'),
  }),
  row('ERET', '1101011 0100 11111 000000 11111 00000', 'eret', { execute: (_, b) => b.trap('eret', []) }),
];

/** Exception-generating instructions: the helper of the runtime takes the immediate. */
const EXCEPTIONS = [
  { name: 'SVC', opc: '000', ll: '01', helper: 'supervisorCall' },
  { name: 'HVC', opc: '000', ll: '10', helper: 'hypervisorCall' },
  { name: 'SMC', opc: '000', ll: '11', helper: 'secureMonitorCall' },
  { name: 'BRK', opc: '001', ll: '00', helper: 'breakpoint' },
  { name: 'HLT', opc: '010', ll: '00', helper: 'halt' },
] as const;
const exceptions: Row[] = EXCEPTIONS.map(({ name, opc, ll, helper }) =>
  row(name, `11010100 ${opc} imm16:16 000 ${ll}`, `${name.toLowerCase()} #<imm16:hex>`, {
    operands: { imm: u16(['imm16'], ({ imm16 = 0 }) => imm16) },
    execute: ({ imm }, b) => b.trap(helper, [imm]),
  }),
);

const undefinedInstruction = row('UDF', '0000000000000000 imm16:16', 'udf #<imm16>', {
  operands: { ignored: u16(['imm16'], () => 0) },
  execute: (_, b) => b.trap('undefined', []),
});

const hint = (name: string, crm: string, op2: string, run: (b: Semantics) => void): Row =>
  row(
    name,
    `${HINT_PREFIX} ${crm as '0000'} ${op2 as '000'} 11111`,
    `hint #0x${(Number.parseInt(crm + op2, 2)).toString(16)}`,
    {
      hot: name === 'NOP',
      execute: (_, b) => run(b),
    },
  );
const hints: Row[] = [
  hint('NOP', '0000', '000', () => {}),
  hint('YIELD', '0000', '001', () => {}),
  hint('WFE', '0000', '010', (b) => b.trap('waitForEvent', [])),
  hint('WFI', '0000', '011', (b) => b.trap('waitForInterrupt', [])),
  hint('SEV', '0000', '100', (b) => b.callNoResult('sendEvent', [])),
  hint('SEVL', '0000', '101', (b) => b.callNoResult('sendEvent', [])),
  // Every other hint does nothing until its feature is implemented.
  row('HINT', '11010101000000110010 imm4:4 imm3:3 11111', 'hint #<imm4.imm3:hex>', {
    hot: true,
    operands: { ignored: u16(['imm4', 'imm3'], () => 0) },
    execute: () => {},
  }),
];

const barriers: Row[] = [
  row('CLREX', '11010101000000110011 imm4:4 010 11111', 'clrex{ #<imm4:hex?15>}', {
    operands: { ignored: u16(['imm4'], () => 0) },
    execute: (_, b) => b.stateStore('i32', CPU.EXCLUSIVE_ADDRESS, b.i32(0)),
  }),
  // One vCPU sees its own accesses in order, and stores reach devices at once.
  row('DSB', '11010101000000110011 imm4:4 100 11111', 'dsb <barrier>', {
    hot: true,
    operands: { ignored: u16(['imm4'], () => 0) },
    execute: () => {},
  }),
  row('DMB', '11010101000000110011 imm4:4 101 11111', 'dmb <barrier>', {
    hot: true,
    operands: { ignored: u16(['imm4'], () => 0) },
    execute: () => {},
  }),
  // Nothing is speculated on.
  row('SB', '11010101000000110011 0000 111 11111', 'sb', { feature: 'FEAT_SB', execute: () => {} }),
  // Registers take effect at once; only code that changed must not run on.
  row('ISB', '11010101000000110011 imm4:4 110 11111', 'isb{ #<imm4:hex?15>}', {
    hot: true,
    operands: { ignored: u16(['imm4'], () => 0) },
    execute: (_, b) =>
      b.if(
        b.stateLoad<'i32'>('i32', CPU.CODE_CHANGED),
        () => b.trap('instructionBarrier', []),
        undefined,
        'unlikely',
      ),
  }),
];

/** op0:op1:CRn:CRm:op2, the key of system registers and operations. */
const key = (op0: number) =>
  u16(
    ['op1', 'CRn', 'CRm', 'op2'],
    (f) => (op0 << 14) | ((f.op1 ?? 0) << 11) | ((f.CRn ?? 0) << 7) | ((f.CRm ?? 0) << 3) | (f.op2 ?? 0),
  );
const registerKey = u16(
  ['o0', 'op1', 'CRn', 'CRm', 'op2'],
  (f) =>
    ((2 + (f.o0 ?? 0)) << 14) |
    ((f.op1 ?? 0) << 11) |
    ((f.CRn ?? 0) << 7) |
    ((f.CRm ?? 0) << 3) |
    (f.op2 ?? 0),
);

/** op1:op2 of the fields that MSR (immediate) writes, and their features. */
const PSTATE_FIELDS: ReadonlyMap<number, FeatureName | undefined> = new Map([
  [0o03, 'FEAT_UAO'],
  [0o04, 'FEAT_PAN'],
  [0o05, undefined], // SPSel
  [0o31, 'FEAT_SSBS2'],
  [0o32, 'FEAT_DIT'],
  [0o36, undefined], // DAIFSet
  [0o37, undefined], // DAIFClr
]);
const pstateField = ({ op1 = 0, op2 = 0 }: RawFields) => (op1 << 3) | op2;
const system: Row[] = [
  row('MSR (immediate)', '1101010100 0 00 op1:3 0100 CRm:4 op2:3 11111', 'msr <pstate-field>', {
    valid: (f) => PSTATE_FIELDS.has(pstateField(f)),
    feature: (f) => PSTATE_FIELDS.get(pstateField(f)),
    operands: {
      field: u16(['op1', 'op2'], pstateField),
      value: u16(['CRm'], ({ CRm = 0 }) => CRm),
    },
    execute: ({ field, value }, b) => b.callRuntime('systemImmediate', [field, value]),
  }),
  row('DC ZVA', '1101010100 0 01 011 0111 0100 001 Rt:5', 'sys #3, C7, C4, #1{, <Xt?31>}', {
    hot: true,
    execute: ({ Rt }, b) => {
      const el = b.stateLoad<'i32'>('i32', CPU.EL);
      const trapped = b.and(b.eqz(el), b.ne(b.stateLoad<'i32'>('i32', CPU.ZVA_TRAPPED), b.i32(0)));
      b.if(
        trapped,
        () => b.callRuntime('systemOperation', [b.i32(DC_ZVA_KEY), b.slotNumber(Rt, 'source')]),
        undefined,
        'unlikely',
      );
      // Faults name the address as given, and a block lies in one page: the lookup asks for its page only.
      const at = b.guestUpdate(b.X(Rt), 1, ZERO_BLOCK_ACCESS);
      b.hostZero(b.and(at, b.i32(-ZERO_BLOCK_BYTES)), ZERO_BLOCK_BYTES);
    },
  }),
  row(
    'SYS',
    '1101010100 0 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    'sys #<op1>, C<CRn>, C<CRm>, #<op2>{, <Xt?31>}',
    {
      operands: { key: key(1) },
      execute: ({ key, Rt }, b) => b.callRuntime('systemOperation', [key, b.slotNumber(Rt, 'source')]),
    },
  ),
  row('SYSL', '1101010100 1 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5', 'sysl <Xt>, #<op1>, C<CRn>, C<CRm>, #<op2>', {
    operands: { key: key(1) },
    execute: ({ key, Rt }, b) => b.callRuntime('systemOperation', [key, b.slotNumber(Rt, 'destination')]),
  }),
  row('MSR (register)', '1101010100 0 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5', 'msr <written-sysreg>, <Xt>', {
    operands: { key: registerKey },
    execute: ({ key, Rt }, b) => b.callRuntime('systemWrite', [key, b.slotNumber(Rt, 'source')]),
  }),
  ...(['RNDR', 'RNDRRS'] as const).map((name, op2) =>
    row(
      `MRS ${name}`,
      `1101010100 1 1 1 011 0010 0100 ${op2 ? '001' : '000'} Rt:5`,
      `mrs <Xt>, ${name.toLowerCase()}`,
      {
        feature: 'FEAT_RNG',
        execute: ({ Rt }, b) => {
          b.callRuntime('systemRead', [b.i32(RNDR_KEY + op2), b.slotNumber(Rt, 'destination')]);
          b.putFlags(b.i32(0));
        },
      },
    ),
  ),
  row('MRS', '1101010100 1 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5', 'mrs <Xt>, <read-sysreg>', {
    operands: { key: registerKey },
    execute: ({ key, Rt }, b) => b.callRuntime('systemRead', [key, b.slotNumber(Rt, 'destination')]),
  }),
];
const RNDR_KEY = (3 << 14) | (3 << 11) | (2 << 7) | (4 << 3);
const DC_ZVA_KEY = (1 << 14) | (3 << 11) | (7 << 7) | (4 << 3) | 1;

export const branchesExceptionsSystem: readonly Row[] = [
  ...branches,
  ...exceptions,
  undefinedInstruction,
  ...hints,
  ...barriers,
  ...system,
];
