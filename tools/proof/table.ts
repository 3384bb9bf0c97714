/** Results as a table: a row for each check, a column for each machine. */
import type { Spent } from './guest.ts';
import type { MachineName } from './machines.ts';

export interface ResultRow {
  readonly machine: MachineName;
  readonly group: string;
  readonly name: string;
  /** Absent where the time says nothing. */
  readonly time?: Spent;
  /** How much was checked, or how fast it was. */
  readonly figure?: string;
  /** What went wrong; absent when it passed. */
  readonly failure?: string;
}

const TITLES: Record<MachineName, string> = {
  node: 'Node',
  interpret: 'Node, interpreter only',
  chromium: 'Chromium',
  qemu: 'QEMU',
};

/** Processor time where it is known: it says more than the clock when the host has other work. */
export function timeText({ seconds, cpuSeconds }: Spent): string {
  return cpuSeconds === undefined ? `${seconds.toFixed(1)} s` : `${cpuSeconds.toFixed(1)} s of CPU`;
}

function cell(row: ResultRow | undefined): string {
  if (row === undefined) return '–';
  const result = row.failure === undefined ? 'passed' : 'FAILED';
  return [result, row.figure, row.time && timeText(row.time)].filter((part) => part !== undefined).join(', ');
}

function lines(machines: readonly MachineName[], rows: readonly ResultRow[]): string[][] {
  const names = [...new Set(rows.map(({ group, name }) => `${group}: ${name}`))];
  return names.map((name) => [
    name,
    ...machines.map((machine) =>
      cell(rows.find((row) => row.machine === machine && `${row.group}: ${row.name}` === name)),
    ),
  ]);
}

function failures(rows: readonly ResultRow[]): string[] {
  return rows
    .filter(({ failure }) => failure !== undefined)
    .map(({ machine, group, name, failure }) => `${TITLES[machine]}: ${group}: ${name}\n${failure}\n`);
}

export function textTable(machines: readonly MachineName[], rows: readonly ResultRow[]): string {
  const table = [['check', ...machines.map((machine) => TITLES[machine])], ...lines(machines, rows)];
  const widths = (table[0] ?? []).map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0)));
  const text = table.map((line) =>
    line
      .map((part, at) => part.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${[...text, '', ...failures(rows)].join('\n')}\n`;
}

export function markdownTable(machines: readonly MachineName[], rows: readonly ResultRow[]): string {
  const head = ['check', ...machines.map((machine) => TITLES[machine])];
  const table = [head, head.map(() => '---'), ...lines(machines, rows)];
  return `${[...table.map((line) => `| ${line.join(' | ')} |`), '', ...failures(rows)].join('\n')}\n`;
}
