/**
 * From the text of one instruction to its word: as the disassembler prints it, or in another of the usual spellings.
 */
import { EncodingError } from './assembler-error.ts';
import { ExpressionError, evaluate, type Symbols } from './assembler-expressions.ts';
import { complete, FORMS, Matcher } from './assembler-matcher.ts';
import { explain, placeInSource } from './assembler-messages.ts';
import { canonicalNumbers } from './assembler-operands.ts';
import { canonicalSpaces, spellings, withOtherSign } from './assembler-spelling.ts';
import { instructionText } from './disassembler.ts';
import { insertFields } from './pattern.ts';
import type { RawFields, Row } from './row.ts';

const IMMEDIATE = /#([^,\]}]+)/g;
const FLOATING_POINT = /^-?\d+\.\d|^-?\d+(\.\d+)?e[+-]?\d/i;

/** Replaces every immediate expression by its value; floating-point numbers stay. */
function evaluateImmediates(text: string, symbols: Symbols, source: string): string {
  return text.replace(IMMEDIATE, (all, expression: string, offset: number) => {
    if (FLOATING_POINT.test(expression)) return all;
    try {
      return `#${evaluate(expression, symbols)}`;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new EncodingError(error.message, placeInSource(source, text, offset + 1) + error.at);
    }
  });
}

/**
 * The word of an instruction at `pc`.
 * @throws {EncodingError}
 */
export function encodeInstruction(source: string, pc: bigint, symbols: Symbols = () => undefined): number {
  let matcher: Matcher | undefined;
  for (const spelling of spellings(canonicalSpaces(source))) {
    const text = canonicalNumbers(evaluateImmediates(spelling, symbols, source));
    for (const attempt of [text, withOtherSign(text)]) {
      if (!attempt) continue;
      const reader = new Matcher(attempt, pc, symbols);
      const word = wordOf(reader);
      if (word !== undefined) return word;
      // The last spelling is the most explicit one; a turned sign is nothing that the user wrote.
      if (attempt === text) matcher = reader;
    }
  }
  if (!matcher) throw new EncodingError('no instruction', 0);
  const encodes = (text: string) => wordOf(new Matcher(text, pc, symbols)) !== undefined;
  const { message, at } = explain(matcher, encodes, source);
  throw new EncodingError(message, placeInSource(source, matcher.text, at));
}

function wordOf(matcher: Matcher): number | undefined {
  const { pc } = matcher;
  const lower = matcher.text.toLowerCase();
  let fallback: number | undefined;
  for (const candidate of FORMS) {
    if (!lower.startsWith(candidate.start)) continue;
    for (const match of matcher.matches(candidate)) {
      const fields = complete(candidate, match);
      if (!fields) continue;
      const word = insertFields(candidate.row.pattern, fields);
      if (printsAs(candidate.row, fields, pc, lower)) return word;
      fallback ??= word;
    }
  }
  return fallback;
}

/** Several words may be meant (`[x0, x1, lsl #0]` of a byte): the one that prints as this text is better. */
function printsAs(row: Row, fields: RawFields, pc: bigint, text: string): boolean {
  return [false, true].some(
    (aliases) => canonicalNumbers(instructionText(row, fields, pc, { aliases })).toLowerCase() === text,
  );
}
