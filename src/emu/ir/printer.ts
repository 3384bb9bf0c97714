/** Bodies as text, by the grammar in text.ts. */
import type { Body, Node } from './ir.ts';
import { ATTRIBUTES, type AttributeKind, attributeText } from './text.ts';

/** What to say about an operation, after a semicolon. */
export type Comment = (node: Node) => string | undefined;

const INDENT = '  ';

export function printBody(body: Body, comment: Comment = () => undefined): string {
  return bodyLines(body, comment).join('\n');
}

function bodyLines({ nodes, result }: Body, comment: Comment): string[] {
  const lines = nodes.flatMap((node) => nodeLines(node, comment));
  if (result) lines.push(`=> %${result.id}`);
  return lines;
}

function nodeLines(node: Node, comment: Comment): string[] {
  const remark = comment(node);
  const head = nodeText(node) + (remark ? `  ; ${remark}` : '');
  const { operation } = node;
  if (operation.op !== 'if') return [head];
  const indented = (body: Body) => bodyLines(body, comment).map((line) => INDENT + line);
  const otherwise = operation.else ? ['} else {', ...indented(operation.else)] : [];
  return [`${head} {`, ...indented(operation.then), ...otherwise, '}'];
}

function nodeText({ id, type, operation, args }: Node): string {
  const words = type ? [`%${id}:${type}`, '='] : [];
  words.push(operation.op);
  const values = operation as Readonly<Record<string, unknown>>;
  for (const [name, kind] of Object.entries(ATTRIBUTES[operation.op]) as [string, AttributeKind][]) {
    const text = attributeText(kind, values[name]);
    if (text !== undefined) words.push(`${name}=${text}`);
  }
  for (const { id: argument } of args) words.push(`%${argument}`);
  return words.join(' ');
}
