/**
 * From instruction words to assembly text, by the syntax of the rows; the text is that of GNU objdump, with a
 * space after the mnemonic.
 */
import { a64Decoder } from './a64/index.ts';
import { ALIASES, type Alias } from './aliases.ts';
import { type OperandPrinter, operandPrinter } from './assembly-operands.ts';
import type { RawFields, Row } from './row.ts';
import { parseSyntax, type SyntaxNode } from './syntax.ts';

export interface DisassemblyOptions {
  /** Prefer the aliases of the manual (`mov`, `cmp`, `lsl`); without, the instruction's own name. */
  readonly aliases?: boolean;
}

/** Prints fields; `isDefault` tells whether an optional part may be left out. */
export interface Printer extends OperandPrinter {
  /** Text that does not depend on fields: it never keeps an optional part. */
  readonly constant: boolean;
}

const VECTOR_REGISTERS = 32;

/** The printer of one node of a row's syntax. */
export function compile(row: Row, node: SyntaxNode): Printer {
  switch (node.kind) {
    case 'text':
      return { print: () => node.text, isDefault: () => true, constant: true };
    case 'operand':
      return { ...operandPrinter(row, node.name, node.glued), constant: false };
    case 'optional': {
      const inner = sequence(row, node.nodes);
      return {
        print: (f, pc) => (inner.isDefault(f) ? '' : inner.print(f, pc)),
        isDefault: inner.isDefault,
        constant: false,
      };
    }
    case 'list':
      return list(row, node);
  }
}

function sequence(row: Row, nodes: readonly SyntaxNode[]): Printer {
  const parts = nodes.map((node) => compile(row, node));
  const deciding = parts.filter((part) => !part.constant);
  return {
    print: (f, pc) => parts.map((part) => part.print(f, pc)).join(''),
    isDefault: (f) => deciding.every((part) => part.isDefault(f)),
    constant: false,
  };
}

/** Three or more registers print as a range, unless the numbers wrap around. */
function list(row: Row, { first, count, suffix }: SyntaxNode & { kind: 'list' }): Printer {
  const arrangement = sequence(row, suffix);
  const fieldName = `R${first.slice(1)}`;
  return {
    print: (f, pc) => {
      const start = f[fieldName] ?? 0;
      const register = (step: number) => `v${(start + step) % VECTOR_REGISTERS}${arrangement.print(f, pc)}`;
      const wraps = start + count > VECTOR_REGISTERS;
      if (count > 2 && !wraps) return `{${register(0)}-${register(count - 1)}}`;
      return `{${Array.from({ length: count }, (_, step) => register(step)).join(', ')}}`;
    },
    isDefault: () => false,
    constant: false,
  };
}

interface CompiledAlias {
  readonly when: Alias['when'];
  readonly printer: Printer;
}
interface CompiledRow {
  readonly printer: Printer;
  readonly aliases: readonly CompiledAlias[];
}
const compiled = new Map<Row, CompiledRow>();

function compiledRow(row: Row): CompiledRow {
  const known = compiled.get(row);
  if (known) return known;
  const aliases = ALIASES.filter(({ of }) => of === row.name).map(({ syntax, when }) => ({
    when,
    printer: sequence(row, parseSyntax(syntax)),
  }));
  const made = { printer: sequence(row, parseSyntax(row.syntax)), aliases };
  compiled.set(row, made);
  return made;
}

/** Text of an instruction whose row is known. */
export function instructionText(
  row: Row,
  fields: RawFields,
  pc: bigint,
  { aliases = false }: DisassemblyOptions = {},
): string {
  const { printer, aliases: candidates } = compiledRow(row);
  const alias = aliases ? candidates.find(({ when }) => when(fields)) : undefined;
  return (alias?.printer ?? printer).print(fields, pc);
}

/** Text of any word, at the address `pc`. */
export function disassemble(word: number, pc: bigint, options: DisassemblyOptions = {}): string {
  const decoded = a64Decoder.decode(word);
  if (!decoded) return `.inst 0x${(word >>> 0).toString(16).padStart(8, '0')} ; undefined`;
  return instructionText(decoded.row, decoded.fields, pc, options);
}
