/**
 * Handlers: what the interpreter runs for one row with its choosing fields fixed. The row's semantics run once
 * with operands left symbolic; the body that results is compiled into the main loop or into a function of
 * its own.
 */
import type { Body } from '../ir/ir.ts';
import { sinkValues } from '../ir/passes/sink-values.ts';
import type { RawFields, Row } from '../isa/row.ts';
import { Semantics } from '../isa/semantics.ts';
import { RecordLayout, type RecordSlot } from './record.ts';

export interface Handler {
  readonly row: Row;
  /** Values of the choosing fields and of the specialised facts. */
  readonly chosen: RawFields;
  /** Direct branches come in two forms: to the same decoded page, and to anywhere. */
  readonly near: boolean;
  readonly body: Body;
  readonly slots: readonly RecordSlot[];
}

/** The choosing fields and specialised facts of a word's fields. */
export function choose(row: Row, fields: RawFields): RawFields {
  const chosen: Record<string, number> = {};
  for (const name of row.choosing) chosen[name] = fields[name] ?? 0;
  for (const [name, test] of Object.entries(row.specialise)) chosen[name] = test(fields) ? 1 : 0;
  return chosen;
}

/** Every combination that `choose` can give for a row. */
export function* combinations(row: Row): Generator<RawFields> {
  const dimensions: [string, number][] = row.choosing.map((name) => [
    name,
    1 << (row.pattern.fields.find((f) => f.name === name)?.width ?? 0),
  ]);
  for (const name of Object.keys(row.specialise)) dimensions.push([name, 2]);
  const total = dimensions.reduce((product, [, count]) => product * count, 1);
  for (let index = 0; index < total; index++) {
    const chosen: Record<string, number> = {};
    let rest = index;
    for (const [name, count] of dimensions) {
      chosen[name] = rest % count;
      rest = Math.floor(rest / count);
    }
    if (row.when(chosen)) yield chosen;
  }
}

/** Whether the row ends in a direct branch, so that it needs near and far handlers. */
export function hasDirectBranch(row: Row): boolean {
  return Object.values(row.operands).some(({ kind }) => kind === 'branch');
}

/** Runs the row's semantics with symbolic operands, of which other passes would make little. */
export function buildHandler(row: Row, chosen: RawFields, near: boolean): Handler {
  const layout = new RecordLayout(row);
  const semantics = new Semantics(layout);
  const fields: Record<string, unknown> = { ...chosen };
  for (const field of row.registers) fields[field] = { field };
  for (const [name, { kind }] of Object.entries(row.operands)) {
    if (kind === 'branch') fields[name] = { operand: name };
    else
      Object.defineProperty(fields, name, {
        get: () => semantics.operand(kind === 's32' || kind === 'i64' ? 'i64' : 'i32', layout.operand(name)),
      });
  }
  row.execute(fields, semantics);
  return { row, chosen, near, body: sinkValues(semantics.body), slots: layout.slots };
}
