/**
 * Constant expressions of assembly source: numbers, characters, symbols, the usual operators, on integers of
 * any size. Numbers are decimal, 0x… or 0b…; `'c'` is a character's code.
 */

/** A mistake in an expression; `at` is its offset in the text. */
export class ExpressionError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'ExpressionError';
    this.at = at;
  }
}

/** The value of a name, or undefined when there is none. */
export type Symbols = (name: string) => bigint | undefined;

type Binary = (a: bigint, b: bigint) => bigint;
/** Operators by precedence, the weakest first. */
const LEVELS: readonly Readonly<Record<string, Binary>>[] = [
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '<<': (a, b) => a << b, '>>': (a, b) => a >> b },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b },
];
const UNARY: Readonly<Record<string, (a: bigint) => bigint>> = {
  '-': (a) => -a,
  '+': (a) => a,
  '~': (a) => ~a,
};
/** More digits to shift by than any operand has. */
const MOST_SHIFT = 64n;

const TOKEN =
  /\s*(?:(?<number>0x[0-9a-f]+|0b[01]+|\d+(?![\w$.]))|(?<symbol>[A-Za-z_.$][\w.$]*|\d+[bf](?!\w))|'(?<character>\\?.)'|(?<operator><<|>>|[-+*/%&|^~()]))/iy;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '0': '\0',
  e: '\x1b',
  '"': '"',
  "'": "'",
  '\\': '\\',
};

/** The character that an escape sequence stands for, if it is one: `\n`, `\\`, `\'` … */
export function unescapeCharacter(letter: string): string | undefined {
  return ESCAPES[letter];
}

interface Token {
  readonly kind: 'number' | 'symbol' | 'character' | 'operator' | 'end';
  readonly text: string;
  readonly at: number;
}

class Parser {
  private readonly text: string;
  private readonly symbols: Symbols;
  private position = 0;
  private token: Token;

  constructor(text: string, symbols: Symbols) {
    this.text = text;
    this.symbols = symbols;
    this.token = this.next();
  }

  whole(): bigint {
    const value = this.binary(0);
    if (this.token.kind !== 'end')
      throw new ExpressionError(`unexpected "${this.token.text}"`, this.token.at);
    return value;
  }

  private binary(level: number): bigint {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    let value = this.binary(level + 1);
    for (;;) {
      const { text, at, kind } = this.token;
      const apply = kind === 'operator' ? operators[text] : undefined;
      if (!apply) return value;
      this.token = this.next();
      const right = this.binary(level + 1);
      if (right === 0n && (text === '/' || text === '%')) throw new ExpressionError('division by zero', at);
      const isShift = text === '<<' || text === '>>';
      if (isShift && (right < 0n || right > MOST_SHIFT)) throw new ExpressionError(`shift by ${right}`, at);
      value = apply(value, right);
    }
  }

  private unary(): bigint {
    const { kind, text, at } = this.token;
    this.token = this.next();
    switch (kind) {
      case 'number':
        return BigInt(text);
      case 'character':
        return this.character(text, at);
      case 'symbol': {
        const value = this.symbols(text);
        if (value === undefined) throw new ExpressionError(`"${text}" is not defined`, at);
        return value;
      }
      case 'operator':
        return text === '(' ? this.parenthesis(at) : this.signed(text, at);
      case 'end':
        throw new ExpressionError('a value is missing', at);
    }
  }

  private character(text: string, at: number): bigint {
    const character = text.startsWith('\\') ? unescapeCharacter(text.slice(1)) : text;
    if (character === undefined) throw new ExpressionError(`no escape "${text}"`, at);
    return BigInt(character.charCodeAt(0));
  }

  private signed(operator: string, at: number): bigint {
    const apply = UNARY[operator];
    if (!apply) throw new ExpressionError(`unexpected "${operator}"`, at);
    return apply(this.unary());
  }

  private parenthesis(at: number): bigint {
    const value = this.binary(0);
    if (this.token.text !== ')') throw new ExpressionError('"(" without ")"', at);
    this.token = this.next();
    return value;
  }

  private next(): Token {
    TOKEN.lastIndex = this.position;
    const match = TOKEN.exec(this.text);
    const rest = this.text.slice(this.position);
    const at = this.position + (rest.length - rest.trimStart().length);
    if (!match) {
      if (rest.trim() !== '') throw new ExpressionError(`unexpected "${rest.trim()}"`, at);
      return { kind: 'end', text: '', at };
    }
    this.position = TOKEN.lastIndex;
    for (const kind of ['number', 'symbol', 'character', 'operator'] as const) {
      const text = match.groups?.[kind];
      if (text !== undefined) return { kind, text, at };
    }
    return { kind: 'end', text: '', at };
  }
}

/** @throws {ExpressionError} */
export function evaluate(text: string, symbols: Symbols): bigint {
  return new Parser(text, symbols).whole();
}
