/**
 * Numbers for handlers: the hot ones are the arms of the main loop's br_table, in a fixed order; the cold ones of the
 * interpreter's image follow; all others get a number, a module and a slot in the table of functions when an
 * instruction first needs them.
 */
import { A64_ROWS } from '../isa/a64/index.ts';
import type { RawFields, Row } from '../isa/row.ts';
import { buildHandler, combinations, type Handler, hasDirectBranch } from './handler.ts';
import { FIRST_HOT_HANDLER } from './interpreter-module.ts';
import type { RecordSlot } from './record.ts';

export interface HandlerEntry {
  readonly number: number;
  readonly slots: readonly RecordSlot[];
}

/** Every handler of the main loop, in order; the same for all machines. */
export function hotHandlers(): readonly Handler[] {
  return A64_ROWS.flatMap((row) =>
    [...combinations(row)]
      .filter(row.hot)
      .flatMap((chosen) =>
        hasDirectBranch(row)
          ? [buildHandler(row, chosen, true), buildHandler(row, chosen, false)]
          : [buildHandler(row, chosen, false)],
      ),
  );
}

/** Every other handler that a word may need, in order. */
export function coldHandlers(): readonly Handler[] {
  return A64_ROWS.flatMap((row) =>
    [...combinations(row)]
      .filter((chosen) => !row.hot(chosen))
      .map((chosen) => buildHandler(row, chosen, false)),
  );
}

const rowIndexes = new Map<Row, number>(A64_ROWS.map((row, index) => [row, index]));

/** Identifies a handler among all. */
export function handlerKey({ row, chosen, near }: Pick<Handler, 'row' | 'chosen' | 'near'>): string {
  return `${rowIndexes.get(row) ?? -1}:${Object.values(chosen).join()}:${near ? 'n' : ''}`;
}

export class HandlerTable {
  private readonly entries: Map<string, HandlerEntry>;
  private readonly install: (number: number, handler: Handler) => void;
  private next: number;
  /** The handler of words that are not instructions. */
  readonly undefinedHandler: number;

  /** Over handlers that have a number; `install` compiles another one and puts it under its number. */
  constructor(known: ReadonlyMap<string, HandlerEntry>, install: (number: number, handler: Handler) => void) {
    this.install = install;
    this.entries = new Map(known);
    this.next = FIRST_HOT_HANDLER + known.size;
    this.undefinedHandler = this.find(UNALLOCATED, {}, false).number;
  }

  find(row: Row, chosen: RawFields, near: boolean): HandlerEntry {
    const key = handlerKey({ row, chosen, near });
    const found = this.entries.get(key);
    if (found) return found;
    const handler = buildHandler(row, chosen, near);
    const entry = { number: this.next++, slots: handler.slots };
    this.install(entry.number, handler);
    this.entries.set(key, entry);
    return entry;
  }
}

/** Raises the Undefined Instruction exception for whatever the word is. */
export function undefinedInstruction(): Handler {
  return buildHandler(UNALLOCATED, {}, false);
}
const UNALLOCATED: Row = {
  name: 'unallocated',
  pattern: { text: '', mask: 0, value: 0, fields: [] },
  syntax: '',
  operands: {},
  specialise: {},
  when: () => true,
  valid: () => true,
  hot: () => false,
  choosing: [],
  registers: [],
  execute: (_, b) => b.trap('undefined', []),
};
