/**
 * Bodies of instructions that differ in their registers alone, from one that names registers by placeholders. Rows of
 * floating point and vectors make bodies of hundreds of operations; copying one with other registers in it takes a
 * fraction of the time that making it takes.
 *
 * Invariant: what comes out is what lifting the word alone would give (bodies.test.ts compares them for every row).
 */

import { registerFieldOffset } from '../interpreter/record.ts';
import type { Body, Node } from '../ir/ir.ts';
import { Rewriter } from '../ir/passes/rewrite.ts';
import { insertFields } from '../isa/pattern.ts';
import type { RawFields, Register, Row } from '../isa/row.ts';
import type { RegisterRole, Resolver } from '../isa/semantics.ts';

interface Place {
  readonly field: string;
  readonly role: RegisterRole;
}

interface Template {
  readonly body: Body;
  /** What the placeholders stand for, by their number. */
  readonly places: readonly Place[];
}

/** Offsets of state from here on are placeholders: the number of one from 1 on, in the bits above. */
const FIRST_PLACEHOLDER = 1 << 20;
/** Reads as zero, or is the stack pointer, or goes nowhere: bodies differ for it. */
const SPECIAL_REGISTER = 31;
/** By the word with its registers left out; undefined where bodies depend on more than their places. */
const templates = new Map<number, Template | undefined>();
const MOST_TEMPLATES = 200;
/** Above the bits of a word. */
const FACTS_UNIT = 2 ** 32;

class PlaceholderResolver implements Resolver {
  readonly places: Place[] = [];
  /** The body depends on its registers in other ways than by their places in the file. */
  dependsOnNumbers = false;
  private readonly fields: RawFields;

  constructor(fields: RawFields) {
    this.fields = fields;
  }

  register({ field }: Register, role: RegisterRole): number {
    if (role !== 'vector') {
      // Which register comes after another one in a list decides whether that is a special one.
      if (!(field in this.fields)) this.dependsOnNumbers = true;
      if (this.fields[field] === SPECIAL_REGISTER) return registerFieldOffset(this.fields, field, role);
    }
    const known = this.places.findIndex((place) => place.field === field && place.role === role);
    return FIRST_PLACEHOLDER * (known < 0 ? this.places.push({ field, role }) : known + 1);
  }

  number(register: Register, role: RegisterRole): number {
    this.dependsOnNumbers = true;
    return registerFieldOffset(this.fields, register.field, role);
  }

  branch(): never {
    throw new Error('internal error: a branch target is an operand, so its row has no template');
  }
}

/** The body of a word, by `make` at most once for all words like it; undefined where it must be made for the word. */
export function bodyFromTemplate(
  row: Row,
  fields: RawFields,
  make: (resolver: Resolver) => Body,
): Body | undefined {
  if (row.registers.length === 0 || Object.keys(row.operands).length > 0) return undefined;
  const key = keyOf(row, fields);
  let template = templates.get(key);
  if (!template && !templates.has(key)) {
    if (templates.size >= MOST_TEMPLATES) templates.clear();
    const resolver = new PlaceholderResolver(fields);
    const body = make(resolver);
    if (!resolver.dependsOnNumbers) template = { body, places: resolver.places };
    templates.set(key, template);
  }
  return template && withRegisters(template, fields);
}

export function forgetTemplates(): void {
  templates.clear();
}

/** The same for all words of a row that differ in nothing but registers which are not special. */
function keyOf(row: Row, fields: RawFields): number {
  const kept: Record<string, number> = { ...fields };
  for (const field of row.registers) if (kept[field] !== SPECIAL_REGISTER) kept[field] = 0;
  const facts = Object.values(row.specialise).reduce((bits, test) => 2 * bits + Number(test(fields)), 0);
  return insertFields(row.pattern, kept) + facts * FACTS_UNIT;
}

function withRegisters({ body, places }: Template, fields: RawFields): Body {
  const offsets = places.map(({ field, role }) => registerFieldOffset(fields, field, role));
  const placed = (node: Node): Node => {
    const { operation } = node;
    if (operation.op !== 'state.load' && operation.op !== 'state.store') return node;
    const place = offsets[Math.floor(operation.offset / FIRST_PLACEHOLDER) - 1];
    if (place === undefined) return node;
    return { ...node, operation: { ...operation, offset: (operation.offset % FIRST_PLACEHOLDER) + place } };
  };
  return new Rewriter(placed).body(body);
}
