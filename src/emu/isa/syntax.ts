/**
 * The notation of assembly syntax in rows, taken apart. Text stands for itself, except:
 *
 * | notation | meaning |
 * | `<…>` | an operand, resolved by assembly-operands.ts |
 * | `{, …}` `{ …}` | left out when every operand inside has its default value |
 * | `{<Vt>.T-<Vt+3>.T}` | a list of registers with the arrangement T, here of four |
 * | any other brace | itself |
 */
import { assert } from '../base/assert.ts';

export type SyntaxNode =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'operand';
      readonly name: string;
      /** A letter or another operand stands directly before it: only the number of a register is meant. */
      readonly glued: boolean;
    }
  | { readonly kind: 'optional'; readonly nodes: readonly SyntaxNode[] }
  | {
      readonly kind: 'list';
      readonly first: string;
      readonly count: number;
      readonly suffix: readonly SyntaxNode[];
    };

const LIST_RANGE = /^\{<(V[a-z])>([^{}]*)-<\1\+(\d)>\2\}/;
const LIST_ONE = /^\{<(V[a-z])>([^{}<]*(?:<[^<>]*>)?[^{}<]*)\}/;
const OPERAND = /^<([^>]+)>/;
const OPTIONAL_START = /^\{[, ]/;
const TEXT = /^\{?[^<{]*/;

/** @throws when the notation is wrong: a mistake in a table. */
export function parseSyntax(syntax: string): readonly SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  let rest = syntax;
  let before = '';
  while (rest.length > 0) {
    const { node, length } = nextNode(rest, before);
    nodes.push(node);
    before = rest.slice(0, length);
    rest = rest.slice(length);
  }
  return nodes;
}

function nextNode(rest: string, before: string): { node: SyntaxNode; length: number } {
  const list = LIST_RANGE.exec(rest) ?? LIST_ONE.exec(rest);
  if (list) {
    const [all, first = '', suffix = '', last = '0'] = list;
    const node = { kind: 'list', first, count: Number(last) + 1, suffix: parseSyntax(suffix) } as const;
    return { node, length: all.length };
  }
  const operand = OPERAND.exec(rest);
  if (operand) {
    const node = { kind: 'operand', name: operand[1] ?? '', glued: /[a-z>]$/.test(before) } as const;
    return { node, length: operand[0].length };
  }
  if (OPTIONAL_START.test(rest)) {
    const length = closingBrace(rest) + 1;
    return { node: { kind: 'optional', nodes: parseSyntax(rest.slice(1, length - 1)) }, length };
  }
  const text = TEXT.exec(rest)?.[0];
  assert(text, `bad syntax at "${rest}"`);
  return { node: { kind: 'text', text }, length: text.length };
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return i;
  }
  throw new Error(`internal error: no closing brace in "${text}"`);
}
