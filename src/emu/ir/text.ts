/**
 * How attributes of operations look as text: THE table of what each operation carries, for printer and parser.
 * A line is `%id:type = operation name=value … %argument …`, without the first part where nothing results;
 * bodies stand in braces, and `=> %id` in them is their result. A semicolon starts a comment.
 */
import type { OperandSlot, Operation, SlotKind, StoreKind, StorePart, Type } from './ir.ts';

/** Attributes by the way they are written. */
export type AttributeKind =
  | 'word'
  | 'number'
  | 'boolean'
  | 'lanes'
  | 'parts'
  | 'slot'
  | 'constant'
  | 'optional';

type Attributes<T> = T extends Operation
  ? { readonly [K in Exclude<keyof T, 'op' | 'then' | 'else'>]: AttributeKind }
  : never;

/** What each operation carries besides its arguments and bodies. */
export const ATTRIBUTES: { readonly [O in Operation as O['op']]: Attributes<O> } = {
  const: { value: 'constant' },
  numeric: { name: 'word', lanes: 'lanes' },
  select: {},
  operand: { slot: 'slot' },
  pc: {},
  fuel: {},
  'state.load': { load: 'word', offset: 'number' },
  'state.store': { store: 'word', offset: 'number' },
  'guest.read': { size: 'number', access: 'number' },
  'guest.update': { size: 'number', access: 'number' },
  'guest.write': { size: 'number', access: 'number', parts: 'parts' },
  'host.load': { load: 'word', offset: 'number' },
  'host.atomic': { kind: 'word', bytes: 'number', type: 'word' },
  'host.store': { store: 'word', offset: 'number' },
  'host.zero': { size: 'number' },
  'flags.set': { kind: 'word', width: 'number' },
  'flags.put': {},
  'flags.get': {},
  'flags.carry': {},
  'flags.holds': { condition: 'number' },
  call: { helper: 'word', result: 'boolean' },
  if: { hint: 'optional' },
  branch: { slot: 'slot' },
  'branch.to': { hint: 'word' },
  resync: {},
};

export type Attribute = Operation extends infer O ? O[keyof O] : never;

const VECTOR_BYTES = 16;
const hexByte = (byte: number) => byte.toString(16).padStart(2, '0');

/** Text of an attribute, or undefined when it is left out. */
export function attributeText(kind: AttributeKind, value: unknown): string | undefined {
  switch (kind) {
    case 'optional':
      return value === undefined ? undefined : String(value);
    case 'lanes':
      return (value as readonly number[]).length === 0
        ? undefined
        : `[${(value as readonly number[]).join()}]`;
    case 'parts':
      return `[${(value as readonly StorePart[]).map(({ store, offset }) => `${store}@${offset}`).join()}]`;
    case 'slot':
      return slotText(value as OperandSlot);
    case 'constant':
      return Array.isArray(value) ? `0x${value.map(hexByte).reverse().join('')}` : String(value);
    default:
      return String(value);
  }
}

/** Kind and name, and the numbers that a resolver adds: `branch:offset{distance:8}`. */
function slotText(slot: OperandSlot): string {
  const numbers = Object.entries(slot).filter(([, value]) => typeof value === 'number');
  const more = numbers.map(([name, value]) => `${name}:${value}`).join();
  return `${slot.kind}:${slot.name}${more && `{${more}}`}`;
}

/** The attribute that a text stands for; `text` is undefined when it was left out. @throws {SyntaxError} */
export function parseAttribute(
  kind: AttributeKind,
  text: string | undefined,
  type: Type | undefined,
): unknown {
  if (kind === 'optional') return text;
  if (kind === 'lanes') return text === undefined ? [] : text.slice(1, -1).split(',').map(Number);
  if (text === undefined) throw new SyntaxError(`an attribute (${kind}) is missing`);
  switch (kind) {
    case 'word':
      return text;
    case 'number':
      return Number(text);
    case 'boolean':
      return text === 'true';
    case 'parts':
      return text.slice(1, -1).split(',').map(parsePart);
    case 'slot':
      return parseSlot(text);
    case 'constant':
      if (type === 'v128') return parseVector(text);
      return type === 'i64' ? BigInt(text) : Number(text);
  }
}

function parsePart(text: string): StorePart {
  const [store = '', offset = ''] = text.split('@');
  return { store: store as StoreKind, offset: Number(offset) };
}

function parseSlot(text: string): OperandSlot {
  const match = /^(\w+):([\w+]+)(?:\{(.*)\})?$/.exec(text);
  if (!match) throw new SyntaxError(`"${text}" is not an operand`);
  const numbers = (match[3]?.split(',') ?? []).map((pair) => {
    const [name = '', value = ''] = pair.split(':');
    return [name, Number(value)] as const;
  });
  return { kind: match[1] as SlotKind, name: match[2] ?? '', ...Object.fromEntries(numbers) };
}

function parseVector(text: string): number[] {
  const digits = text.slice(2).padStart(2 * VECTOR_BYTES, '0');
  return Array.from({ length: VECTOR_BYTES }, (_, i) =>
    Number.parseInt(digits.slice(2 * (VECTOR_BYTES - 1 - i), 2 * (VECTOR_BYTES - i)), 16),
  );
}
