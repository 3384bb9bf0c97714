/**
 * Assembles A64 source text: instructions, directives and labels, in lines or between `;`, with comments as in C.
 *
 * | line | meaning |
 * | `name:` | a label; a number (`1:`) is local, reached by `1b` and `1f` |
 * | `.equ name, value` `name = value` | a constant |
 * | `.byte` `.hword` `.word` `.quad` v, … | numbers of 1, 2, 4, 8 bytes |
 * | `.ascii "…"` `.asciz "…"` | text in UTF-8, without and with a zero at its end |
 * | `.balign n` `.p2align n` `.space n` | zeros up to a multiple of n, of 2^n; n zeros |
 * | `ldr x0, =value` | loads from a literal, which is placed by `.ltorg` or at the end |
 *
 * Instructions are written as the disassembler prints them, aliases included, or in the usual other ways
 * (assembler-spelling.ts); immediates are expressions.
 */
import {
  ALIGNMENTS,
  directive,
  NUMBERS,
  type Piece,
  SPACES,
  STRINGS,
  split,
  stringBytes,
  WITHOUT_EFFECT,
  withoutComments,
} from './assembler-data.ts';
import { AssemblyError, EncodingError } from './assembler-error.ts';
import { ExpressionError, evaluate, type Symbols } from './assembler-expressions.ts';
import { encodeInstruction } from './assembler-instructions.ts';

export { AssemblyError } from './assembler-error.ts';

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Labels and constants. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

const INSTRUCTION_BYTES = 4;
const LABEL = /^\s*([A-Za-z_.$][\w.$]*|\d+):/;
const DEFINITION = /^(?:\.(?:equ|set)\s+([A-Za-z_$][\w.$]*)\s*,|([A-Za-z_$][\w.$]*)\s*=(?!=))(.*)$/;
/** LDR of a value from the literal pool. */
const LITERAL_LOAD = /^ldr\s+([wx])(\d+|zr)\s*,\s*=\s*(.*)$/i;
const LOCAL_REFERENCE = /^(\d+)([bf])$/;
/** Beyond this a program is a mistake. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_ALIGNMENT_BITS = 16;

interface Statement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly address: bigint;
  readonly sizeBytes: number;
}
type Unplaced = Omit<Statement, 'sizeBytes'>;

/** A value of the literal pool that has no place yet; `column` is that of the value. */
interface Literal {
  readonly symbol: string;
  readonly directive: '.word' | '.quad';
  readonly value: string;
  readonly line: number;
  readonly column: number;
}

class Assembler {
  private readonly origin: bigint;
  private readonly symbols = new Map<string, bigint>();
  private readonly locals: { readonly number: string; readonly address: bigint }[] = [];
  private readonly statements: Statement[] = [];
  private readonly pool: Literal[] = [];
  private readonly literals = new Map<string, bigint>();
  private address: bigint;

  constructor(origin: bigint) {
    this.origin = origin;
    this.address = origin;
  }

  assemble(source: string): Assembled {
    withoutComments(source)
      .split('\n')
      .forEach((line, index) => {
        for (const { text, at } of split(line, ';')) this.readStatement(text, index + 1, at + 1);
      });
    this.placeLiterals();
    const bytes = new Uint8Array(Number(this.address - this.origin));
    for (const statement of this.statements) {
      const place = bytes.subarray(Number(statement.address - this.origin)).subarray(0, statement.sizeBytes);
      this.located(statement, () => this.emit(statement, place));
    }
    return { bytes, symbols: this.symbols };
  }

  private readStatement(whole: string, line: number, start: number): void {
    let rest = whole;
    const columnOf = (text: string) => start + whole.length - text.length;
    for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
      this.define(label[1] ?? '', this.address, line, columnOf(rest.trimStart()));
      rest = rest.slice(label[0].length);
    }
    const text = rest.trim();
    if (text === '') return;
    const at = { text, line, column: columnOf(rest.trimStart()), address: this.address };
    const definition = DEFINITION.exec(text);
    if (definition) {
      const [, directed, assigned, value = ''] = definition;
      const number = this.located(at, () => this.value({ text: value, at: text.length - value.length }));
      this.define(directed ?? assigned ?? '', number, line, at.column);
    } else if (text.toLowerCase() === '.ltorg') this.placeLiterals();
    else this.place(this.withLiteral(at));
  }

  private place(statement: Unplaced): void {
    const sizeBytes = this.located(statement, () => this.sizeOf(statement));
    this.statements.push({ ...statement, sizeBytes });
    this.address += BigInt(sizeBytes);
    if (this.address - this.origin > MOST_BYTES)
      throw new AssemblyError('the program is too large', statement.line, statement.column);
  }

  /** `ldr x0, =value` becomes a load from a literal, one for each value. */
  private withLiteral(statement: Unplaced): Unplaced {
    const [, size = '', number, value] = LITERAL_LOAD.exec(statement.text) ?? [];
    if (value === undefined) return statement;
    const kind = size.toLowerCase() === 'x' ? '.quad' : '.word';
    const known = this.pool.find((literal) => literal.directive === kind && literal.value === value);
    const column = statement.column + statement.text.length - value.length;
    const literal: Literal = known ?? {
      symbol: `$literal.${this.literals.size + this.pool.length}`,
      directive: kind,
      value,
      line: statement.line,
      column,
    };
    if (!known) this.pool.push(literal);
    return { ...statement, text: `ldr ${size}${number}, ${literal.symbol}` };
  }

  private placeLiterals(): void {
    for (const { symbol, directive: name, value, line, column } of this.pool.splice(0)) {
      const bytes = BigInt(NUMBERS[name] ?? 0);
      this.address += (bytes - (this.address % bytes)) % bytes;
      this.literals.set(symbol, this.address);
      const text = `${name} ${value}`;
      this.place({ text, line, column: column - (text.length - value.length), address: this.address });
    }
  }

  private define(name: string, value: bigint, line: number, column: number): void {
    if (/^\d/.test(name)) {
      this.locals.push({ number: name, address: value });
      return;
    }
    if (this.symbols.has(name)) throw new AssemblyError(`"${name}" is defined twice`, line, column);
    this.symbols.set(name, value);
  }

  private sizeOf({ text, address }: Unplaced): number {
    const { name, argument } = directive(text);
    if (!name) return INSTRUCTION_BYTES;
    const unit = NUMBERS[name];
    if (unit) return unit * split(argument.text, ',').length;
    if (name in STRINGS) return stringBytes(name, argument).length;
    if (SPACES.includes(name)) return this.count(argument, BigInt(MOST_BYTES));
    if (WITHOUT_EFFECT.includes(name)) return 0;
    if (name in ALIGNMENTS) return this.padding(name, argument, address);
    throw new EncodingError(`no directive "${name}"`, 0);
  }

  private padding(name: string, argument: Piece, address: bigint): number {
    const most = 1n << BigInt(MOST_ALIGNMENT_BITS);
    const isLogarithm = ALIGNMENTS[name] === 'logarithm';
    const number = BigInt(this.count(argument, isLogarithm ? BigInt(MOST_ALIGNMENT_BITS) : most));
    const alignment = isLogarithm ? 1n << number : number || 1n;
    if (alignment & (alignment - 1n))
      throw new EncodingError(`${number} is no power of two: 1, 2, 4, 8 …`, argument.at);
    return Number((alignment - (address % alignment)) % alignment);
  }

  private count(argument: Piece, most: bigint): number {
    const value = this.value(argument);
    if (value >= 0n && value <= most) return Number(value);
    throw new EncodingError(`${value} is not possible here, only from 0 to ${most}`, argument.at);
  }

  private emit({ text, address }: Statement, place: Uint8Array): void {
    const { name, argument } = directive(text);
    if (!name) {
      if (address % BigInt(INSTRUCTION_BYTES) !== 0n)
        throw new EncodingError('an instruction must be aligned to four bytes: .balign 4', 0);
      const word = encodeInstruction(text, address, (symbol) => this.lookUp(symbol, address));
      new DataView(place.buffer, place.byteOffset).setUint32(0, word, true);
      return;
    }
    const unit = NUMBERS[name];
    if (unit) this.emitNumbers(argument, unit, address, place);
    else if (name in STRINGS) place.set(stringBytes(name, argument));
  }

  private emitNumbers(list: Piece, unit: number, address: bigint, place: Uint8Array): void {
    split(list.text, ',').forEach((item, index) => {
      const at = list.at + item.at;
      const value = this.value({ text: item.text, at }, address);
      const bits = 8 * unit;
      if (value !== BigInt.asIntN(bits, value) && value !== BigInt.asUintN(bits, value))
        throw new EncodingError(`${value} does not fit into ${unit === 1 ? 'a byte' : `${unit} bytes`}`, at);
      for (let byte = 0; byte < unit; byte++)
        place[index * unit + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
    });
  }

  /** The value of an expression in the statement at `address`. */
  private value({ text, at }: Piece, address = this.address): bigint {
    try {
      return evaluate(text, (symbol) => this.lookUp(symbol, address));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new EncodingError(error.message, at + error.at);
    }
  }

  private readonly lookUp = (name: string, address: bigint): ReturnType<Symbols> => {
    const [, number, direction] = LOCAL_REFERENCE.exec(name) ?? [];
    if (name === '.') return address;
    if (!number) return this.symbols.get(name) ?? this.literals.get(name);
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

/**
 * Assembles a program that runs at `origin`.
 * @throws {AssemblyError}
 */
export function assemble(source: string, origin: bigint = 0n): Assembled {
  return new Assembler(origin).assemble(source);
}
