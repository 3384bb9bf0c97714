/**
 * Assembles A64 source text: one instruction, directive or label a line, comments after `//`.
 *
 * | line | meaning |
 * | `name:` | a label; a number (`1:`) is local, reached by `1b` and `1f` |
 * | `.equ name, value` | a constant |
 * | `.byte` `.hword` `.word` `.quad` v, … | numbers of 1, 2, 4, 8 bytes |
 * | `.ascii "…"` `.asciz "…"` | text in UTF-8, without and with a zero at its end |
 * | `.balign n` `.space n` | zeros up to a multiple of n; n zeros |
 *
 * Instructions are written as the disassembler prints them, aliases included; immediates are expressions.
 */
import { ExpressionError, evaluate, type Symbols, unescapeCharacter } from './assembler-expressions.ts';
import { EncodingError, encodeInstruction } from './assembler-instructions.ts';

/** A mistake in source text; line and column count from 1. */
export class AssemblyError extends Error {
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(`line ${line}, column ${column}: ${message}`);
    this.name = 'AssemblyError';
    this.line = line;
    this.column = column;
  }
}

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Labels and constants. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

const INSTRUCTION_BYTES = 4;
const NUMBERS: Readonly<Record<string, number>> = { '.byte': 1, '.hword': 2, '.word': 4, '.quad': 8 };
const LABEL = /^\s*([A-Za-z_.$][\w.$]*|\d+):/;
const DEFINITION = /^\.equ\s+([A-Za-z_$][\w.$]*)\s*,(.*)$/;
const STRING = /^"((?:[^"\\]|\\.)*)"$/;
const LOCAL_REFERENCE = /^(\d+)([bf])$/;
/** Beyond this a program is a mistake. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Statement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly address: bigint;
  readonly sizeBytes: number;
}

/** A line without its comment; `//` in a string is not one. */
function withoutComment(line: string): string {
  return line.replace(/("(?:[^"\\]|\\.)*")|\/\/.*$/g, (all, string: string | undefined) =>
    string ? all : '',
  );
}

class Assembler {
  private readonly origin: bigint;
  private readonly symbols = new Map<string, bigint>();
  private readonly locals: { readonly number: string; readonly address: bigint }[] = [];
  private readonly statements: Statement[] = [];
  private address: bigint;

  constructor(origin: bigint) {
    this.origin = origin;
    this.address = origin;
  }

  assemble(source: string): Assembled {
    source.split('\n').forEach((line, index) => {
      this.readLine(withoutComment(line), index + 1);
    });
    const bytes = new Uint8Array(Number(this.address - this.origin));
    for (const statement of this.statements) {
      const place = bytes.subarray(Number(statement.address - this.origin)).subarray(0, statement.sizeBytes);
      this.located(statement, () => this.emit(statement, place));
    }
    return { bytes, symbols: this.symbols };
  }

  private readLine(line: string, number: number): void {
    let rest = line;
    for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
      this.define(label[1] ?? '', this.address, number, line.length - rest.length + 1);
      rest = rest.slice(label[0].length);
    }
    const text = rest.trim();
    if (text === '') return;
    const column = line.length - rest.trimStart().length + 1;
    const at = { text, line: number, column, address: this.address };
    const definition = DEFINITION.exec(text);
    if (definition) {
      const [, name = '', value = ''] = definition;
      const offset = text.length - value.length;
      this.define(
        name,
        this.located(at, () => this.value(value, this.address, offset)),
        number,
        column,
      );
      return;
    }
    const sizeBytes = this.located(at, () => this.sizeOf(at));
    this.statements.push({ ...at, sizeBytes });
    this.address += BigInt(sizeBytes);
    if (this.address - this.origin > MOST_BYTES)
      throw new AssemblyError('the program is too large', number, column);
  }

  private define(name: string, value: bigint, line: number, column: number): void {
    if (/^\d/.test(name)) {
      this.locals.push({ number: name, address: value });
      return;
    }
    if (this.symbols.has(name)) throw new AssemblyError(`"${name}" is defined twice`, line, column);
    this.symbols.set(name, value);
  }

  private sizeOf({ text, address }: Omit<Statement, 'sizeBytes'>): number {
    const { name, rest } = directive(text);
    if (!name) return INSTRUCTION_BYTES;
    const unit = NUMBERS[name];
    if (unit) return unit * listItems(rest).length;
    switch (name) {
      case '.ascii':
      case '.asciz':
        return stringBytes(name, rest).length;
      case '.space':
        return this.count(rest, text, address);
      case '.balign': {
        const alignment = BigInt(this.count(rest, text, address) || 1);
        return Number((alignment - (address % alignment)) % alignment);
      }
      default:
        throw new EncodingError(`no directive "${name}"`, 0);
    }
  }

  private count(expression: string, text: string, address: bigint): number {
    const offset = text.length - expression.length;
    const value = this.value(expression, address, offset);
    if (value >= 0n && value <= MOST_BYTES) return Number(value);
    throw new EncodingError(`${value} bytes are not possible`, offset);
  }

  private emit({ text, address }: Statement, place: Uint8Array): void {
    const { name, rest } = directive(text);
    if (!name) {
      if (address % BigInt(INSTRUCTION_BYTES) !== 0n)
        throw new EncodingError('an instruction must be aligned', 0);
      const word = encodeInstruction(text, address, (symbol) => this.lookUp(symbol, address));
      new DataView(place.buffer, place.byteOffset).setUint32(0, word, true);
      return;
    }
    const unit = NUMBERS[name];
    if (unit) this.emitNumbers(rest, unit, text, address, place);
    else if (name.startsWith('.ascii') || name === '.asciz') place.set(stringBytes(name, rest));
  }

  private emitNumbers(list: string, unit: number, text: string, address: bigint, place: Uint8Array): void {
    listItems(list).forEach((item, index) => {
      const value = this.value(item, address, text.indexOf(item));
      const bits = 8 * unit;
      if (value !== BigInt.asIntN(bits, value) && value !== BigInt.asUintN(bits, value))
        throw new EncodingError(`${value} does not fit into ${unit} bytes`, text.indexOf(item));
      for (let byte = 0; byte < unit; byte++)
        place[index * unit + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
    });
  }

  /** The value of an expression that stands at `offset` in its statement. */
  private value(expression: string, address: bigint, offset: number): bigint {
    try {
      return evaluate(expression, (symbol) => this.lookUp(symbol, address));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new EncodingError(error.message, offset + error.at);
    }
  }

  private readonly lookUp = (name: string, address: bigint): ReturnType<Symbols> => {
    const [, number, direction] = LOCAL_REFERENCE.exec(name) ?? [];
    if (name === '.') return address;
    if (!number) return this.symbols.get(name);
    const same = this.locals.filter((label) => label.number === number);
    const found =
      direction === 'b'
        ? same.findLast((label) => label.address <= address)
        : same.find((label) => label.address > address);
    return found?.address;
  };

  /** Adds line and column to what goes wrong. */
  private located<T>({ line, column }: Pick<Statement, 'line' | 'column'>, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      throw new AssemblyError(error.message, line, column + error.at);
    }
  }
}

function directive(text: string): { name: string | undefined; rest: string } {
  const [, name, rest = ''] = /^(\.\w+)\s*(.*)$/.exec(text) ?? [];
  return { name, rest };
}

function listItems(list: string): string[] {
  return list.split(',').map((item) => item.trim());
}

function stringBytes(name: string, text: string): Uint8Array {
  const [, content] = STRING.exec(text) ?? [];
  if (content === undefined)
    throw new EncodingError(`${name} takes one string in double quotes`, name.length + 1);
  const plain = content.replace(/\\(.)/g, (_, letter: string) => unescapeCharacter(letter));
  return new TextEncoder().encode(name === '.asciz' ? `${plain}\0` : plain);
}

/**
 * Assembles a program that runs at `origin`.
 * @throws {AssemblyError}
 */
export function assemble(source: string, origin: bigint = 0n): Assembled {
  return new Assembler(origin).assemble(source);
}
