/**
 * What is wrong with the text of an instruction, in words for somebody who learns: what does not fit, which numbers
 * would, which register was probably meant, and how the instruction is written.
 */
import {
  complete,
  type Expectation,
  FORMS,
  type Form,
  type Matcher,
  merge,
  type Part,
} from './assembler-matcher.ts';
import { CONDITIONS } from './assembly-operands.ts';

interface Explanation {
  readonly message: string;
  /** Offset in the matcher's text. */
  readonly at: number;
}

/** Syntaxes that a message shows. */
const MOST_FORMS = 3;

export function explain(matcher: Matcher, encodes: (text: string) => boolean, source: string): Explanation {
  const { text, problem } = matcher;
  const [mnemonic = ''] = text.split(' ');
  const name = mnemonic.toLowerCase();
  if (!FORMS.some((form) => mnemonicOf(form) === name))
    return { message: unknown(name, text === mnemonic), at: 0 };
  if (text === mnemonic)
    return { message: `operands are missing; ${written(name, allForms(name))}`, at: text.length };
  const at = Math.max(matcher.furthest, mnemonic.length + 1);
  if (problem && problem.at >= at)
    return { message: registerAsLabel(text, at) ?? problem.message, at: problem.at };
  const expected = matcher.expected.get(at) ?? allForms(name);
  const last = lastWord(text);
  const numbers = at === text.length && possibleNumbers(text, last, matcher.expected.get(last) ?? [], source);
  if (numbers) return { message: `${numbers}; ${written(name, expected)}`, at: last };
  const reason =
    missing(text, at, expected) ??
    comma(text, at, encodes) ??
    possibleNumbers(text, at, expected, source) ??
    otherRegister(text, at, encodes) ??
    `${quoted(operandAt(text, at))} does not fit here`;
  return { message: `${reason}; ${written(name, expected)}`, at };
}

const quoted = (text: string) => `"${text}"`;
const mnemonicOf = ({ syntax }: Form) => /^[^ {<]*/.exec(syntax)?.[0] ?? '';
const wordAt = (text: string, at: number) => /^[-\w.]+/.exec(text.slice(at))?.[0] ?? '';
const operandAt = (text: string, at: number) =>
  /^(?:\[[^\]]*\]!?|[#=]?[-\w.]+|\S+)/.exec(text.slice(at).trimStart())?.[0] ?? '';
const allForms = (name: string): Expectation[] =>
  FORMS.filter((form) => mnemonicOf(form) === name).map((form) => ({
    form,
    part: undefined,
    at: 0,
    fields: {},
  }));

/** Where the last word begins; a bracket may follow it. */
function lastWord(text: string): number {
  return text.length - (/[-\w.]+[\]!}]*$/.exec(text)?.[0].length ?? 0);
}

// ---- Mnemonics ----

/** Letters that may be wrong in a mnemonic for another to be offered. */
const MOST_WRONG = 1;

function unknown(name: string, isAlone: boolean): string {
  const [, condition] = /^b\.(\w*)$/.exec(name) ?? [];
  if (condition !== undefined) return `no condition ${quoted(condition)}; there are ${CONDITIONS.join(' ')}`;
  const names = new Set(FORMS.map(mnemonicOf));
  const close = [...names].filter((other) => other.length > 1 && differsLittle(name, other));
  const [meant] = close.toSorted((a, b) => a.length - b.length);
  if (meant) return `no instruction ${quoted(name)}; ${quoted(meant)} is one`;
  return `no instruction ${quoted(name)}${isAlone ? `; a label is written ${quoted(`${name}:`)}` : ''}`;
}

/** One letter too many, too few, another, or two exchanged. */
function differsLittle(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > MOST_WRONG || a.length < 3) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  const exchanged = restA.slice(0, 2) === [...restB.slice(0, 2)].reverse().join('');
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (exchanged && restA.slice(2) === restB.slice(2))
  );
}

// ---- Reasons ----

const isText = (part: Part | undefined, start: RegExp) => part?.kind === 'text' && start.test(part.text);

function missing(text: string, at: number, expected: readonly Expectation[]): string | undefined {
  const next = text.slice(at);
  if (next === '') {
    const closing = expected.find(({ part }) => isText(part, /^[\]}]/))?.part;
    if (closing?.kind === 'text') return `${quoted(closing.text.charAt(0))} is missing`;
    // All operands are there: together they are not possible.
    if (expected.some(({ part }) => part === undefined)) return 'these operands do not go together';
    return 'an operand is missing';
  }
  const all = expected.every(({ part, at: place }) => part === undefined && place === at);
  return all ? `${quoted(next.trim())} is too much` : undefined;
}

function comma(text: string, at: number, encodes: (text: string) => boolean): string | undefined {
  const before = text.slice(0, at).trimEnd();
  const after = text.slice(at).trimStart();
  return encodes(`${before}, ${after}`) ? `a comma is missing before ${quoted(wordAt(after, 0))}` : undefined;
}

function registerAsLabel(text: string, at: number): string | undefined {
  const word = wordAt(text, at);
  return REGISTER.test(word)
    ? `${quoted(word)} is a register and no label; memory at the address in it is ${quoted(`[${word}]`)}`
    : undefined;
}

const REGISTER = /^([wx])(\d+|zr)$|^(w?)sp$/i;

function otherRegister(text: string, at: number, encodes: (text: string) => boolean): string | undefined {
  const word = wordAt(text, at);
  const rest = text.slice(at + word.length);
  const [, size, number] = REGISTER.exec(word) ?? [];
  const other = size
    ? `${size.toLowerCase() === 'x' ? 'w' : 'x'}${number}`
    : /^r\d+$/i.test(word)
      ? `x${word.slice(1)}`
      : undefined;
  const hint = other && encodes(`${text.slice(0, at)}${other}${rest}`) ? `; ${quoted(other)} would` : '';
  if (/^[wx]31$/i.test(word)) return `${quoted(word)} is no register: 31 is "xzr", "wzr" or "sp"`;
  if (/^[wx]\d+$/i.test(word) && Number(number) > LAST_REGISTER)
    return `${quoted(word)} is no register: the last is ${size}${LAST_REGISTER}`;
  return size || hint ? `${quoted(word)} does not fit here${hint}` : undefined;
}
const LAST_REGISTER = 30;

// ---- Numbers ----

/** A table with more numbers than this says its range without asking which of them go with the other operands. */
const MOST_TRIED = 128;
const MOST_LISTED = 4;
/** What the operands with too many or no consecutive numbers take, in words. */
const IN_WORDS: readonly (readonly [operand: RegExp, numbers: string])[] = [
  [/^bitmask$/, 'a row of ones, rotated and repeated at 2, 4, 8, 16, 32 or 64 bits'],
  [
    /wide-immediate$/,
    '16 bits at 0, 16, 32 or 48, the others all zero or all one (else: movz and movk, or ldr x0, =…)',
  ],
  [/:float$/, 'n/16 × 2^r with n from 16 to 31 and r from -3 to 4'],
  [/:bytes$/, 'bytes of 0x00 and 0xff'],
];

function possibleNumbers(
  text: string,
  at: number,
  expected: readonly Expectation[],
  source: string,
): string | undefined {
  const word = wordAt(text, at);
  if (!/^-?\d/.test(word)) return undefined;
  const ranges = new Set(expected.flatMap((expectation) => rangeOf(expectation)));
  if (ranges.size === 0) return undefined;
  // As the user wrote it; matched texts have all numbers in decimal.
  const hexadecimal = /^-?0x[0-9a-f]+/i.exec(source.slice(placeInSource(source, text, at)))?.[0];
  return `${quoted(hexadecimal ?? word)} is not possible here, only ${[...ranges].join(', or ')}`;
}

const isLength = (operand: string) => operand.endsWith('-width');

function rangeOf({ form, part, fields }: Expectation): string[] {
  if (part?.kind !== 'table' && part?.kind !== 'wide') return [];
  const words = IN_WORDS.find(([operand]) => operand.test(part.name));
  if (words) return [words[1]];
  if (part.kind !== 'table') return [];
  const all = [...part.table().entries()].filter(([text]) => /^-?\d+$/.test(text));
  const numbers = all
    .filter(([, readings]) =>
      readings.some((reading) => {
        const merged = merge(fields, reading);
        return merged && (all.length > MOST_TRIED || complete(form, { fields: merged, omitted: [] }));
      }),
    )
    .map(([text]) => Number(text))
    .filter((number) => number > 0 || (number === 0 && !isLength(part.name)) || part.name.startsWith('simm'))
    .toSorted((a, b) => a - b);
  return numbers.length === 0 ? [] : [rangeText(numbers)];
}

function rangeText(numbers: readonly number[]): string {
  const [first = 0, second = first] = numbers;
  const last = numbers.at(-1) ?? first;
  const step = second - first;
  if (numbers.length <= MOST_LISTED) return numbers.join(' or ');
  return `${step > 1 ? `multiples of ${step} ` : ''}from ${first} to ${last}`;
}

// ---- Syntax ----

function written(mnemonic: string, expected: readonly Expectation[]): string {
  const forms = [...new Set(expected.map(({ form }) => readable(form.syntax)))].slice(0, MOST_FORMS);
  return `${mnemonic} is written ${forms.join(' or ')}`;
}

/** The notation of rows in words that the manual uses: `<Rd>` for W or X, `<T>` for an arrangement, `<imm>`. */
const READABLE: readonly (readonly [notation: RegExp, text: string])[] = [
  [/\?\d+>/g, '>'],
  [/<ftype:[^>]*><R([a-z])>/g, '<F$1>'],
  [/<[\w.]+:[^>]*\d[bhsd]\|[^>]*>/g, '<T>'],
  [/<R([a-z])(\|SP)?:\w+>/g, '<R$1$2>'],
  [/<extend[^>]*>/g, '<extend>'],
  [/<label\d+>|<page21>/g, '<label>'],
  [/<(inverted-)?cond>/g, '<cond>'],
  [/<(read|written)-sysreg>/g, '<system register>'],
  [/<(?:16|12)\*\w+>/g, '<amount>'],
  [/#<(?!imm>|amount>)[^>]*>/g, '#<imm>'],
];

function readable(syntax: string): string {
  return READABLE.reduce((text, [notation, replacement]) => text.replace(notation, replacement), syntax);
}

// ---- Places ----

/** Where in the source something stands that was found in its text with other spaces and numbers. */
export function placeInSource(source: string, text: string, at: number): number {
  if (at >= text.length) return source.trimEnd().length;
  const before = text.slice(0, at);
  const pieceInText = before.lastIndexOf(',') + 1;
  let piece = 0;
  for (let commas = before.split(',').length - 1; commas > 0; commas--)
    piece = source.indexOf(',', piece) + 1;
  const words = before.slice(pieceInText).trimStart().split(' ');
  const skipped = /^\s*/.exec(source.slice(piece))?.[0].length ?? 0;
  let place = piece + skipped;
  for (const _ of words.slice(1)) place += /^\S+\s*/.exec(source.slice(place))?.[0].length ?? 0;
  const inWord = words.at(-1) ?? '';
  if (source.slice(place).toLowerCase().startsWith(inWord.toLowerCase())) return place + inWord.length;
  const opening = /^[[{#\s]*/.exec(source.slice(place))?.[0].length ?? 0;
  return place + opening;
}
