/**
 * Reads the text of an instruction by the syntax of the rows and of the manual's aliases. A text is matched against
 * every syntax with its first word; fields that it does not name take the value that makes optional parts default and
 * an alias apply. Where no syntax goes on is kept, for the message (assembler-messages.ts).
 */
import { A64_ROWS } from './a64/index.ts';
import { ALIASES } from './aliases.ts';
import { ExpressionError, evaluate, type Symbols } from './assembler-expressions.ts';
import {
  canonicalNumbers,
  isRelative,
  isWide,
  type OperandTable,
  operandTable,
  type Reading,
  readRelative,
  readWide,
} from './assembler-operands.ts';
import { scaledSyntax } from './assembler-spelling.ts';
import { compile, type Printer } from './disassembler.ts';
import type { RawFields, Row } from './row.ts';
import { parseSyntax, type SyntaxNode } from './syntax.ts';

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly name: string; readonly table: () => OperandTable }
  | { readonly kind: 'wide' | 'relative'; readonly name: string }
  | { readonly kind: 'optional'; readonly parts: readonly Part[]; readonly printer: Printer };

/** One way to write an instruction. */
export interface Form {
  readonly row: Row;
  readonly syntax: string;
  readonly when: (f: RawFields) => boolean;
  /** Text that every instruction of this form starts with. */
  readonly start: string;
}

export const FORMS: readonly Form[] = [
  ...A64_ROWS.map((row) => form(row, row.syntax, () => true)),
  ...ALIASES.flatMap(({ of, syntax, when }) =>
    A64_ROWS.filter(({ name }) => name === of).map((row) => form(row, syntax, when)),
  ),
  ...A64_ROWS.flatMap((row) => {
    const syntax = scaledSyntax(row.syntax);
    return syntax ? [form(row, syntax, () => true)] : [];
  }),
];

function form(row: Row, syntax: string, when: Form['when']): Form {
  const start = /^[^<{ ]*/.exec(syntax)?.[0] ?? '';
  return { row, syntax, when, start: start.toLowerCase() };
}

const partsOf = new Map<Form, readonly Part[]>();
export function parts(of: Form): readonly Part[] {
  const known = partsOf.get(of);
  if (known) return known;
  const made = parseSyntax(of.syntax).map((node) => part(of.row, node));
  partsOf.set(of, made);
  return made;
}

function part(row: Row, node: SyntaxNode): Part {
  if (node.kind === 'text') return { kind: 'text', text: canonicalNumbers(node.text).toLowerCase() };
  if (node.kind === 'operand' && isRelative(node.name)) return { kind: 'relative', name: node.name };
  if (node.kind === 'operand' && isWide(node.name)) return { kind: 'wide', name: node.name };
  const printer = compile(row, node);
  if (node.kind === 'optional')
    return { kind: 'optional', parts: node.nodes.map((inner) => part(row, inner)), printer };
  let table: OperandTable | undefined;
  const name = node.kind === 'operand' ? node.name : '';
  return { kind: 'table', name, table: () => (table ??= operandTable(row, JSON.stringify(node), printer)) };
}

/** What a match has found: values of fields, and optional parts that were left out. */
export interface Match {
  readonly fields: Reading;
  readonly omitted: readonly Printer[];
}

export function merge(a: Reading, b: Reading): Reading | undefined {
  for (const [name, value] of Object.entries(b)) if ((a[name] ?? value) !== value) return undefined;
  return { ...a, ...b };
}

/** What a form wanted at a place where it did not go on; without a part, the end. */
export interface Expectation {
  readonly form: Form;
  readonly part: Part | undefined;
  readonly at: number;
  readonly fields: Reading;
}

const WORD_CHARACTER = /[\w.]/;

/** Where the word begins that `at` is inside of. */
function wordStart(text: string, at: number): number {
  let start = at;
  if (at < text.length && WORD_CHARACTER.test(text.charAt(at)))
    while (start > 0 && WORD_CHARACTER.test(text.charAt(start - 1))) start--;
  return start;
}

export class Matcher {
  readonly text: string;
  /** The same text in lower case: names of symbols are the only thing whose case matters. */
  private readonly lower: string;
  readonly pc: bigint;
  private readonly symbols: Symbols;
  /** How far any form could be read, in whole words. */
  furthest = 0;
  /** What was expected at each word. */
  readonly expected = new Map<number, Expectation[]>();
  /** What was wrong with a target. */
  problem: { readonly message: string; readonly at: number } | undefined;

  constructor(text: string, pc: bigint, symbols: Symbols) {
    this.text = text;
    this.lower = text.toLowerCase();
    this.pc = pc;
    this.symbols = symbols;
  }

  /** Every way to read the text as this form. */
  matches(form: Form): Generator<Match> {
    return this.match(form, parts(form), 0, { fields: {}, omitted: [] });
  }

  private note(form: Form, part: Part | undefined, at: number, { fields }: Match): void {
    const start = wordStart(this.text, at);
    this.furthest = Math.max(this.furthest, start);
    const known = this.expected.get(start);
    const expectation = { form, part, at, fields };
    if (known) known.push(expectation);
    else this.expected.set(start, [expectation]);
  }

  private *match(form: Form, list: readonly Part[], at: number, found: Match): Generator<Match> {
    const [first, ...rest] = list;
    this.note(form, first, at, found);
    if (!first) {
      if (at === this.text.length) yield found;
      return;
    }
    switch (first.kind) {
      case 'text':
        if (this.lower.startsWith(first.text, at))
          yield* this.match(form, rest, at + first.text.length, found);
        return;
      case 'optional':
        yield* this.match(form, [...first.parts, ...rest], at, found);
        yield* this.match(form, rest, at, { ...found, omitted: [...found.omitted, first.printer] });
        return;
      case 'table': {
        const table = first.table();
        for (let end = Math.min(this.text.length, at + table.longest); end >= at; end--)
          yield* this.read(form, table.read(this.lower.slice(at, end)), rest, end, found);
        return;
      }
      case 'wide': {
        const end = this.tokenEnd(at);
        yield* this.read(form, readWide(first.name, this.lower.slice(at, end)), rest, end, found);
        return;
      }
      case 'relative': {
        const end = this.tokenEnd(at);
        yield* this.read(form, this.relative(first.name, at, end), rest, end, found);
      }
    }
  }

  private *read(
    form: Form,
    readings: readonly Reading[],
    rest: readonly Part[],
    end: number,
    found: Match,
  ): Generator<Match> {
    for (const reading of readings) {
      const fields = merge(found.fields, reading);
      if (fields) yield* this.match(form, rest, end, { ...found, fields });
    }
  }

  private tokenEnd(at: number): number {
    const comma = this.text.indexOf(',', at);
    return comma < 0 ? this.text.length : comma;
  }

  private relative(name: string, start: number, end: number): readonly Reading[] {
    const at = this.text.startsWith('#', start) ? start + 1 : start;
    try {
      const reading = readRelative(name, evaluate(this.text.slice(at, end), this.symbols), this.pc);
      if (typeof reading !== 'string') return [reading];
      this.problem = { message: reading, at };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.problem = { message: error.message, at };
    }
    return [];
  }
}

/** More combinations of unnamed fields than any alias needs. */
const MOST_TRIES = 1 << 16;

/** Values for the fields that the text does not name, such that everything holds. */
export function complete({ row, when }: Form, { fields, omitted }: Match): RawFields | undefined {
  const unnamed = row.pattern.fields.filter(({ name }) => !(name in fields));
  let tries = 0;
  const search = (values: RawFields, at: number): RawFields | undefined => {
    const field = unnamed[at];
    if (!field) {
      const fits = row.when(values) && row.valid(values) && when(values);
      return fits && omitted.every((printer) => printer.isDefault(values)) ? values : undefined;
    }
    const count = 2 ** field.width;
    // Registers that are not there are 31, other fields 0, unless the syntax wants something else.
    const start = field.name.startsWith('R') ? count - 1 : 0;
    for (let i = 0; i < count && tries++ < MOST_TRIES; i++) {
      const found = search({ ...values, [field.name]: (start + i) % count }, at + 1);
      if (found) return found;
    }
    return undefined;
  };
  return search(fields, 0);
}
