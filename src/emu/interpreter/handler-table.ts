/**
 * Numbers for handlers: the hot ones are the arms of the main loop's br_table, in a fixed order; the others get
 * a number, a module and a slot in the table of functions when an instruction first needs them.
 */
import { A64_ROWS } from '../isa/a64/index.ts';
import type { RawFields, Row } from '../isa/row.ts';
import { buildHandler, combinations, type Handler, handlerKey, hasDirectBranch } from './handler.ts';
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

export class HandlerTable {
  private readonly entries = new Map<string, HandlerEntry>();
  private readonly install: (number: number, handler: Handler) => void;
  private readonly rowIndexes = new Map<Row, number>(A64_ROWS.map((row, index) => [row, index]));
  private next: number;
  /** The handler of words that are not instructions. */
  readonly undefinedHandler: number;

  /** `install` compiles a handler outside the main loop and puts it under its number. */
  constructor(hot: readonly Handler[], install: (number: number, handler: Handler) => void) {
    this.install = install;
    hot.forEach((handler, index) => {
      this.entries.set(this.key(handler.row, handler.chosen, handler.near), {
        number: FIRST_HOT_HANDLER + index,
        slots: handler.slots,
      });
    });
    this.next = FIRST_HOT_HANDLER + hot.length;
    this.undefinedHandler = this.add('undefined', undefinedInstruction());
  }

  find(row: Row, chosen: RawFields, near: boolean): HandlerEntry {
    const key = this.key(row, chosen, near);
    const found = this.entries.get(key);
    if (found) return found;
    const handler = buildHandler(row, chosen, near);
    const number = this.add(key, handler);
    return { number, slots: handler.slots };
  }

  private add(key: string, handler: Handler): number {
    const number = this.next++;
    this.install(number, handler);
    this.entries.set(key, { number, slots: handler.slots });
    return number;
  }

  private key(row: Row, chosen: RawFields, near: boolean): string {
    return handlerKey(this.rowIndexes.get(row) ?? -1, chosen, near);
  }
}

/** A handler that raises the Undefined Instruction exception for whatever the word is. */
function undefinedInstruction(): Handler {
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
