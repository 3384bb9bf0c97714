/**
 * Lifts one instruction word into its body with every operand known, and says where it goes on. The control
 * flow is read off the body: rows say it once.
 */

import { choose } from '../interpreter/handler.ts';
import { registerFieldOffset } from '../interpreter/record.ts';
import type { Body, OperandSlot, Operation } from '../ir/ir.ts';
import { optimise } from '../ir/passes/optimise.ts';
import { a64Decoder } from '../isa/a64/index.ts';
import type { Decoded } from '../isa/decoder.ts';
import type { BranchTarget, RawFields, Register, Row } from '../isa/row.ts';
import { type RegisterRole, type Resolver, Semantics } from '../isa/semantics.ts';
import { bodyFromTemplate, forgetTemplates } from './lift-template.ts';
import type { LeftOut } from './region-passes.ts';

/** A branch slot whose distance is known. */
export interface KnownBranch extends OperandSlot {
  readonly distance: number;
}

/** How an instruction may end. */
export interface Exits {
  /** Byte distances of direct branches. */
  readonly branches: readonly number[];
  /** It may go on with the next instruction. */
  readonly fallsThrough: boolean;
  /** It may go to a computed address. */
  readonly indirect: 'none' | 'jump' | 'call' | 'return';
  /** A direct branch that leaves a return address. */
  readonly isCall: boolean;
}

export interface Lifted {
  readonly word: number;
  readonly row: Row;
  readonly body: Body;
  readonly exits: Exits;
  /** Number of the register in field Rt, if there is one. */
  readonly rt: number | undefined;
}

class KnownResolver implements Resolver {
  private readonly row: Row;
  private readonly fields: RawFields;

  constructor(row: Row, fields: RawFields) {
    this.row = row;
    this.fields = fields;
  }

  register(register: Register, role: RegisterRole): number {
    return registerFieldOffset(this.fields, register.field, role);
  }

  number(register: Register, role: RegisterRole): number {
    return this.register(register, role);
  }

  branch(target: BranchTarget): KnownBranch {
    const distance = Number(this.row.operands[target.operand]?.value(this.fields) ?? 0);
    return { name: target.operand, kind: 'branch', distance };
  }
}

/** Words lifted lately: code repeats itself, and a body depends on nothing but its word. */
const cache = new Map<number, Lifted | undefined>();
const CACHE_SIZE = 4_000;

/** The instruction's body and exits, or undefined when the word is unallocated for every CPU. */
export function lift(word: number): Lifted | undefined {
  const known = cache.get(word);
  if (known !== undefined || cache.has(word)) return known;
  if (cache.size >= CACHE_SIZE) cache.clear();
  const decoded = a64Decoder.decode(word);
  const lifted = decoded && liftDecoded(word, decoded);
  cache.set(word, lifted);
  return lifted;
}

/** Lets go of everything that was lifted so far. */
export function forgetLifted(): void {
  cache.clear();
  forgetTemplates();
}

function liftDecoded(word: number, { row, fields }: Decoded): Lifted {
  const body = bodyFromTemplate(row, fields, (resolver) => optimise(execute(row, fields, resolver)));
  return body ? withExits(word, row, fields, body) : liftAlone(word, row, fields);
}

/** The same from the word alone, without some of the passes. */
export function liftWithout(word: number, leftOut?: LeftOut): Lifted | undefined {
  const decoded = a64Decoder.decode(word);
  return decoded && liftAlone(word, decoded.row, decoded.fields, leftOut);
}

function liftAlone(word: number, row: Row, fields: RawFields, leftOut?: LeftOut): Lifted {
  const body = optimise(execute(row, fields, new KnownResolver(row, fields)), leftOut);
  return withExits(word, row, fields, body);
}

function withExits(word: number, row: Row, fields: RawFields, body: Body): Lifted {
  return { word, row, body, exits: exitsOf(row, body), rt: fields.Rt };
}

/** What the row says of these fields, with registers as the resolver names them. */
function execute(row: Row, fields: RawFields, resolver: Resolver): Body {
  const semantics = new Semantics(resolver);
  const values: Record<string, unknown> = choose(row, fields);
  for (const field of row.registers) values[field] = { field, number: fields[field] ?? 0 };
  for (const [name, { kind, value }] of Object.entries(row.operands)) {
    if (kind === 'branch') values[name] = { operand: name };
    else if (kind === 's32' || kind === 'i64')
      Object.defineProperty(values, name, { get: () => semantics.i64(value(fields)) });
    else Object.defineProperty(values, name, { get: () => semantics.i32(Number(value(fields))) });
  }
  row.execute(values, semantics);
  return semantics.body;
}

function exitsOf(row: Row, body: Body): Exits {
  const branches: number[] = [];
  let indirect: Exits['indirect'] = 'none';
  const visit = ({ nodes }: Body) => {
    for (const { operation } of nodes) {
      if (operation.op === 'branch') branches.push((operation.slot as KnownBranch).distance);
      else if (operation.op === 'branch.to') indirect = operation.hint;
      else if (operation.op === 'if') {
        visit(operation.then);
        if (operation.else) visit(operation.else);
      }
    }
  };
  visit(body);
  const last: Operation | undefined = body.nodes.at(-1)?.operation;
  const ends = last?.op === 'branch' || last?.op === 'branch.to' || last?.op === 'resync';
  return { branches, fallsThrough: !ends, indirect, isCall: row.name === 'BL' };
}
