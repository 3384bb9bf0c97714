/** Reads bodies back from the text that the printer writes (text.ts). */
import type { Body, Node, Operation, Type, Value } from './ir.ts';
import { ATTRIBUTES, type AttributeKind, parseAttribute } from './text.ts';

type Values = ReadonlyMap<number, Value>;

/** @throws {SyntaxError} with the number of the line. */
export function parseBody(text: string): Body {
  const lines = text.split('\n').map((line) => line.replace(/\s*;[^{}]*/, '').trim());
  const parser = new BodyParser(lines);
  const body = parser.body(new Map());
  if (!parser.atEnd)
    throw new SyntaxError(`line ${parser.line + 1}: "${lines[parser.line]}" is not expected`);
  return body;
}

/** Identifiers of operations without result count down from here: nothing names them. */
const UNNAMED = -1;

class BodyParser {
  line = 0;
  private readonly lines: readonly string[];
  private unnamed = UNNAMED;

  constructor(lines: readonly string[]) {
    this.lines = lines;
  }

  get atEnd(): boolean {
    while (this.lines[this.line] === '') this.line++;
    return this.line >= this.lines.length;
  }

  /** Operations up to the end or a closing brace; values of outer bodies are visible. */
  body(outer: Values): Body {
    const nodes: Node[] = [];
    const values = new Map(outer);
    while (!this.atEnd && !this.current.startsWith('}')) {
      const result = /^=> %(\d+)$/.exec(this.current);
      if (result) {
        this.line++;
        return { nodes, result: this.value(values, Number(result[1])) };
      }
      const node = this.node(values);
      nodes.push(node);
      if (node.type) values.set(node.id, node as Value);
    }
    return { nodes };
  }

  private get current(): string {
    return this.lines[this.line] ?? '';
  }

  private node(values: Values): Node {
    const match = /^(?:%(\d+):(\w+) = )?([a-z.]+)((?: [a-z]+=\S+)*)((?: %\d+)*)( \{)?$/.exec(this.current);
    if (!match) return this.fail('is not an operation');
    const [, id, type, op = '', attributes = '', args = '', brace] = match;
    if (!(op in ATTRIBUTES)) return this.fail(`names no operation (${op})`);
    const operation = this.operation(op as Operation['op'], attributes, type as Type | undefined);
    const parsed = args
      .split(' ')
      .filter(Boolean)
      .map((arg) => this.value(values, Number(arg.slice(1))));
    this.line++;
    return {
      id: id === undefined ? this.unnamed-- : Number(id),
      type: type as Type | undefined,
      operation: brace ? ({ ...operation, ...this.bodies(values) } as Operation) : operation,
      args: parsed,
    };
  }

  private operation(op: Operation['op'], text: string, type: Type | undefined): Operation {
    const given = new Map(
      text
        .split(' ')
        .filter(Boolean)
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const),
    );
    const operation: Record<string, unknown> = { op };
    for (const [name, kind] of Object.entries(ATTRIBUTES[op]) as [string, AttributeKind][]) {
      operation[name] = parseAttribute(kind, given.get(name), type);
      given.delete(name);
    }
    for (const name of given.keys()) this.fail(`has an attribute that ${op} has not (${name})`);
    return operation as Operation;
  }

  private bodies(values: Values): { readonly then: Body; readonly else: Body | undefined } {
    const then = this.body(values);
    const otherwise = this.current === '} else {' ? this.otherwise(values) : undefined;
    if (this.current !== '}') return this.fail('should be a closing brace');
    this.line++;
    return { then, else: otherwise };
  }

  private otherwise(values: Values): Body {
    this.line++;
    return this.body(values);
  }

  private value(values: Values, id: number): Value {
    return values.get(id) ?? this.fail(`names %${id}, which is not known here`);
  }

  private fail(what: string): never {
    throw new SyntaxError(`line ${this.line + 1}: "${this.current}" ${what}`);
  }
}
