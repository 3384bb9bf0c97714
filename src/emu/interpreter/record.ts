/**
 * Decoded records: 16 bytes an instruction, the interpreter's machine code.
 *
 * | bytes | content |
 * | 0–1   | handler number |
 * | 2–7   | three 16-bit lanes: register offsets, small immediates |
 * | 8–15  | an immediate of 64 or 32 bits; what it leaves free are further 16-bit lanes |
 *
 * Where a row's operands lie follows from the row alone: `RecordLayout` places them when the row's
 * handler is generated, and the decoder writes them there.
 */
import { assert } from '../base/assert.ts';
import type { OperandSlot, SlotKind } from '../ir/ir.ts';
import type { BranchTarget, Register, Row } from '../isa/row.ts';
import { type RegisterRole, type Resolver, registerOffset } from '../isa/semantics.ts';

export const HANDLER_OFFSET = 0;
const WIDE_OFFSET = 8;
const SMALL_LANES = [2, 4, 6];
/** 16-bit lanes of the wide part, in the order in which they are given away. */
const WIDE_LANES = [14, 12, 10, 8];

/** An operand slot that knows its place and where its value comes from. */
export interface RecordSlot extends OperandSlot {
  readonly offset: number;
  readonly source: { readonly register: string; readonly role: RegisterRole } | { readonly operand: string };
}

const WIDE_BYTES: Readonly<Record<SlotKind, number>> = {
  register: 0,
  u16: 0,
  i32: 4,
  s32: 4,
  branch: 4,
  i64: 8,
};

/** Places the operands of one row; also the resolver under which its semantics run. */
export class RecordLayout implements Resolver {
  readonly slots: RecordSlot[] = [];
  private readonly row: Row;
  private readonly small = [...SMALL_LANES];
  private readonly wide: number[];

  constructor(row: Row) {
    this.row = row;
    const operands = Object.entries(row.operands);
    const wideOperands = operands.filter(([, { kind }]) => WIDE_BYTES[kind] > 0);
    let at = WIDE_OFFSET;
    for (const [name, { kind }] of wideOperands) {
      this.slots.push({ name, kind, offset: at, source: { operand: name } });
      at += WIDE_BYTES[kind];
    }
    assert(at <= WIDE_OFFSET + 8, `${row.name}: wide operands need more than 8 bytes`);
    this.wide = WIDE_LANES.filter((lane) => lane >= at);
  }

  register(register: Register, role: RegisterRole): RecordSlot {
    const found = this.slots.find(
      (s) => 'register' in s.source && s.source.register === register.field && s.source.role === role,
    );
    return (
      found ??
      this.add({
        name: register.field,
        kind: 'register',
        offset: this.lane(),
        source: { register: register.field, role },
      })
    );
  }

  number(register: Register, role: RegisterRole): RecordSlot {
    return this.register(register, role);
  }

  branch(target: BranchTarget): RecordSlot {
    return this.operand(target.operand);
  }

  operand(name: string): RecordSlot {
    const found = this.slots.find((s) => 'operand' in s.source && s.source.operand === name);
    if (found) return found;
    const spec = this.row.operands[name];
    assert(spec, `${this.row.name} has no operand ${name}`);
    return this.add({ name, kind: spec.kind, offset: this.lane(), source: { operand: name } });
  }

  private add(slot: RecordSlot): RecordSlot {
    this.slots.push(slot);
    return slot;
  }

  private lane(): number {
    const lane = this.small.shift() ?? this.wide.shift();
    assert(lane !== undefined, `${this.row.name}: operands do not fit into a record`);
    return lane;
  }
}

/** Offset of a register field's number in its file; `Rt+1` is the register after Rt. */
export function registerFieldOffset(
  fields: Readonly<Record<string, number>>,
  field: string,
  role: RegisterRole,
): number {
  const [name = '', step = '0'] = field.split('+');
  return registerOffset(((fields[name] ?? 0) + Number(step)) % 32, role);
}
