/** The parts of assembly source that are no instructions: comments, statements, lists, strings, names of directives. */
import { EncodingError } from './assembler-error.ts';
import { unescapeCharacter } from './assembler-expressions.ts';

/** Bytes of each number. */
export const NUMBERS: Readonly<Record<string, number>> = {
  '.byte': 1,
  '.hword': 2,
  '.short': 2,
  '.2byte': 2,
  '.word': 4,
  '.long': 4,
  '.int': 4,
  '.4byte': 4,
  '.quad': 8,
  '.xword': 8,
  '.dword': 8,
  '.8byte': 8,
};
/** What follows each string. */
export const STRINGS: Readonly<Record<string, string>> = { '.ascii': '', '.asciz': '\0', '.string': '\0' };
export const SPACES: readonly string[] = ['.space', '.skip', '.zero'];
/** Whether the argument is a number of bytes, or its logarithm. */
export const ALIGNMENTS: Readonly<Record<string, 'bytes' | 'logarithm'>> = {
  '.balign': 'bytes',
  '.p2align': 'logarithm',
  '.align': 'logarithm',
};
/** About sections, symbols and tools, none of which a program in one piece has. */
export const WITHOUT_EFFECT: readonly string[] = [
  ...['.text', '.global', '.globl', '.type', '.size', '.arch', '.cpu', '.file', '.ident'],
];

/** Something in a line, at an offset. */
export interface Piece {
  readonly text: string;
  readonly at: number;
}

const STRING_TEXT = String.raw`"(?:[^"\\\n]|\\.)*"`;
const CHARACTER_TEXT = String.raw`'(?:\\.|[^\\\n])'`;
const COMMENT = new RegExp(`${STRING_TEXT}|${CHARACTER_TEXT}|//[^\\n]*|/\\*[\\s\\S]*?\\*/`, 'g');

/** Comments become spaces, so that columns stay. */
export function withoutComments(source: string): string {
  return source.replace(COMMENT, (text) => (text.startsWith('/') ? text.replace(/[^\n]/g, ' ') : text));
}

/** The pieces between separators that stand outside strings and characters. */
export function split(text: string, separator: ';' | ','): Piece[] {
  const token = new RegExp(`${STRING_TEXT}|${CHARACTER_TEXT}|${separator}`, 'g');
  const pieces: Piece[] = [];
  let from = 0;
  const add = (to: number) => {
    const piece = text.slice(from, to);
    const trimmed = piece.trim();
    pieces.push({ text: trimmed, at: from + (piece.length - piece.trimStart().length) });
    from = to + 1;
  };
  for (const match of text.matchAll(token)) if (match[0] === separator) add(match.index);
  add(text.length);
  return pieces;
}

/** A directive's name and its argument; no name where the text is an instruction. */
export function directive(text: string): { name: string | undefined; argument: Piece } {
  const [all, name] = /^(\.\w+)(?=\s|$)\s*/.exec(text) ?? [''];
  return { name: name?.toLowerCase(), argument: { text: text.slice(all.length), at: all.length } };
}

const WHOLE_STRING = new RegExp(`^${STRING_TEXT}$`);
const ESCAPE = /\\(x[0-9a-f]{1,2}|[0-7]{1,3}|.)|[^\\]+/gis;

/** The bytes of a list of strings, in UTF-8; `\x41` and `\101` are bytes as they are. */
export function stringBytes(name: string, { text, at }: Piece): Uint8Array {
  const bytes: number[] = [];
  const add = (plain: string) => bytes.push(...new TextEncoder().encode(plain));
  for (const item of split(text, ',')) {
    const offset = at + item.at;
    if (!WHOLE_STRING.test(item.text))
      throw new EncodingError(`${name} takes strings in double quotes`, offset);
    for (const { 0: all, 1: sequence, index } of item.text.slice(1, -1).matchAll(ESCAPE)) {
      const code = sequence && escapedByte(sequence);
      if (typeof code === 'number') bytes.push(code);
      else add(sequence ? escapedCharacter(sequence, offset + 1 + index) : all);
    }
    add(STRINGS[name] ?? '');
  }
  return Uint8Array.from(bytes);
}

const BYTE_MASK = 0xff;

function escapedByte(sequence: string): number | undefined {
  if (/^x./i.test(sequence)) return Number.parseInt(sequence.slice(1), 16);
  return /^[0-7]/.test(sequence) ? Number.parseInt(sequence, 8) & BYTE_MASK : undefined;
}

function escapedCharacter(letter: string, at: number): string {
  const character = unescapeCharacter(letter);
  if (character === undefined) throw new EncodingError(`no escape "\\${letter}"; a backslash is "\\\\"`, at);
  return character;
}
