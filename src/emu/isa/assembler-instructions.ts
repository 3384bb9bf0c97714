/**
 * From the text of one instruction to its word, by the syntax of the rows and of the manual's aliases. A text
 * is matched against every syntax with its first word; fields that it does not name take the value that
 * makes optional parts default and an alias apply.
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
import { compile, instructionText, type Printer } from './disassembler.ts';
import { insertFields } from './pattern.ts';
import type { RawFields, Row } from './row.ts';
import { parseSyntax, type SyntaxNode } from './syntax.ts';

/** Text that is no instruction; `at` is the offset where reading failed. */
export class EncodingError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'EncodingError';
    this.at = at;
  }
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly table: () => OperandTable }
  | { readonly kind: 'wide' | 'relative'; readonly name: string }
  | { readonly kind: 'optional'; readonly parts: readonly Part[]; readonly printer: Printer };

/** One way to write an instruction. */
interface Form {
  readonly row: Row;
  readonly syntax: string;
  readonly when: (f: RawFields) => boolean;
  /** Text that every instruction of this form starts with. */
  readonly start: string;
}

const FORMS: readonly Form[] = [
  ...A64_ROWS.map((row) => form(row, row.syntax, () => true)),
  ...ALIASES.flatMap(({ of, syntax, when }) =>
    A64_ROWS.filter(({ name }) => name === of).map((row) => form(row, syntax, when)),
  ),
];

function form(row: Row, syntax: string, when: Form['when']): Form {
  const start = /^[^<{ ]*/.exec(syntax)?.[0] ?? '';
  return { row, syntax, when, start: start.toLowerCase() };
}

const partsOf = new Map<Form, readonly Part[]>();
function parts(of: Form): readonly Part[] {
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
  return { kind: 'table', table: () => (table ??= operandTable(row, JSON.stringify(node), printer)) };
}

/** What a match has found: values of fields, and optional parts that were left out. */
interface Match {
  readonly fields: Reading;
  readonly omitted: readonly Printer[];
}

function merge(a: Reading, b: Reading): Reading | undefined {
  for (const [name, value] of Object.entries(b)) if ((a[name] ?? value) !== value) return undefined;
  return { ...a, ...b };
}

class Matcher {
  private readonly text: string;
  /** The same text in lower case: names of symbols are the only thing whose case matters. */
  private readonly lower: string;
  private readonly pc: bigint;
  private readonly symbols: Symbols;
  /** How far any form could be read. */
  furthest = 0;
  /** What was wrong with a target. */
  problem: { readonly message: string; readonly at: number } | undefined;

  constructor(text: string, pc: bigint, symbols: Symbols) {
    this.text = text;
    this.lower = text.toLowerCase();
    this.pc = pc;
    this.symbols = symbols;
  }

  /** Every way to read the text from `at` on as these parts. */
  *match(list: readonly Part[], at: number, found: Match): Generator<Match> {
    this.furthest = Math.max(this.furthest, at);
    const [first, ...rest] = list;
    if (!first) {
      if (at === this.text.length) yield found;
      return;
    }
    switch (first.kind) {
      case 'text':
        if (this.lower.startsWith(first.text, at)) yield* this.match(rest, at + first.text.length, found);
        return;
      case 'optional':
        yield* this.match([...first.parts, ...rest], at, found);
        yield* this.match(rest, at, { ...found, omitted: [...found.omitted, first.printer] });
        return;
      case 'table': {
        const table = first.table();
        for (let end = Math.min(this.text.length, at + table.longest); end >= at; end--)
          yield* this.read(table.read(this.lower.slice(at, end)), rest, end, found);
        return;
      }
      case 'wide': {
        const end = this.tokenEnd(at);
        yield* this.read(readWide(first.name, this.lower.slice(at, end)), rest, end, found);
        return;
      }
      case 'relative': {
        const end = this.tokenEnd(at);
        yield* this.read(this.relative(first.name, at, end), rest, end, found);
      }
    }
  }

  private *read(
    readings: readonly Reading[],
    rest: readonly Part[],
    end: number,
    found: Match,
  ): Generator<Match> {
    for (const reading of readings) {
      const fields = merge(found.fields, reading);
      if (fields) yield* this.match(rest, end, { ...found, fields });
    }
  }

  private tokenEnd(at: number): number {
    const comma = this.text.indexOf(',', at);
    return comma < 0 ? this.text.length : comma;
  }

  private relative(name: string, at: number, end: number): readonly Reading[] {
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
function complete({ row, when }: Form, { fields, omitted }: Match): RawFields | undefined {
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

/** One space after a comma and between words, none at brackets. */
function canonicalSpaces(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ ?, ?/g, ', ')
    .replace(/([[{]) /g, '$1')
    .replace(/ ([\]}])/g, '$1')
    .replace(/# /g, '#');
}

const IMMEDIATE = /#([^,\]}]+)/g;

/** Replaces every immediate expression by its value; floating-point numbers stay. */
function evaluateImmediates(text: string, symbols: Symbols): string {
  return text.replace(IMMEDIATE, (all, expression: string) => {
    if (/^-?\d+\.\d|^-?\d+(\.\d+)?e[+-]?\d/i.test(expression)) return all;
    return `#${evaluate(expression, symbols)}`;
  });
}

/**
 * The word of an instruction at `pc`.
 * @throws {EncodingError}
 */
export function encodeInstruction(source: string, pc: bigint, symbols: Symbols = () => undefined): number {
  let text: string;
  try {
    text = canonicalNumbers(evaluateImmediates(canonicalSpaces(source), symbols));
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new EncodingError(error.message, source.indexOf('#') + 1 + error.at);
  }
  const matcher = new Matcher(text, pc, symbols);
  const lower = text.toLowerCase();
  const candidates = FORMS.filter(({ start }) => lower.startsWith(start));
  let fallback: number | undefined;
  for (const candidate of candidates) {
    for (const match of matcher.match(parts(candidate), 0, { fields: {}, omitted: [] })) {
      const fields = complete(candidate, match);
      if (!fields) continue;
      const word = insertFields(candidate.row.pattern, fields);
      if (printsAs(candidate.row, fields, pc, lower)) return word;
      fallback ??= word;
    }
  }
  if (fallback !== undefined) return fallback;
  throw new EncodingError(...explain(text, matcher));
}

/** Several words may be meant (`[x0, x1, lsl #0]` of a byte): the one that prints as this text is better. */
function printsAs(row: Row, fields: RawFields, pc: bigint, text: string): boolean {
  return [false, true].some(
    (aliases) => canonicalNumbers(instructionText(row, fields, pc, { aliases })).toLowerCase() === text,
  );
}

/** Syntaxes that a message shows. */
const MOST_FORMS = 4;

function explain(text: string, { furthest, problem }: Matcher): [string, number] {
  if (problem?.at === furthest) return [problem.message, furthest];
  const [mnemonic = ''] = text.split(' ');
  const syntaxes = FORMS.filter(({ syntax }) => syntax.split(' ')[0] === mnemonic.toLowerCase());
  if (syntaxes.length === 0) return [`no instruction "${mnemonic}"`, 0];
  const forms = [...new Set(syntaxes.map(({ syntax }) => syntax))].slice(0, MOST_FORMS);
  return [`operands do not fit; ${mnemonic} is written ${forms.join(' or ')}`, furthest];
}
