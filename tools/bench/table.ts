/** Results as tables: of text for a terminal, of Markdown for docs/performance.md. */
import type { EngineName } from './engines.ts';
import { type ClassMean, classMean, type Row } from './results.ts';
import { CLASSES, type WorkloadClass } from './workloads.ts';

const ENGINE_TITLES: Record<EngineName, string> = { qemu: 'QEMU', node: 'Node', chromium: 'Chromium' };
const SIGNIFICANT_DIGITS = 3;
const ABSENT = '–';
const CLASS_TITLES: Record<Row['class'], string> = {
  integer: 'Integer and memory',
  'floating point and vector': 'Floating point and vector',
  system: 'System',
  boot: 'Boot',
  programs: 'Programs',
  footprint: 'Footprint',
};

export interface TableColumns {
  readonly engines: readonly EngineName[];
  readonly rows: readonly Row[];
}

const ours = (engines: readonly EngineName[]): EngineName[] => engines.filter((engine) => engine !== 'qemu');

function formatNumber(value: number | undefined): string {
  if (value === undefined) return ABSENT;
  const limit = 10 ** SIGNIFICANT_DIGITS;
  return Math.abs(value) >= limit ? value.toFixed(0) : value.toPrecision(SIGNIFICANT_DIGITS);
}

function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? ABSENT : `${ratio.toFixed(2)}×`;
}

function headings(engines: readonly EngineName[]): string[] {
  const columns = engines.flatMap((engine) =>
    engine === 'qemu' ? [ENGINE_TITLES[engine]] : [ENGINE_TITLES[engine], '×'],
  );
  return ['workload', 'unit', ...columns];
}

function cells(row: Row, engines: readonly EngineName[]): string[] {
  const columns = engines.flatMap((engine) => {
    const value = formatNumber(row.medians.get(engine));
    return engine === 'qemu' ? [value] : [value, formatRatio(row.ratios.get(engine))];
  });
  return [row.workload, row.unit, ...columns];
}

function summaryCells(mean: ClassMean | undefined): string {
  if (!mean) return ABSENT;
  return `${formatRatio(mean.mean)} (least ${formatRatio(mean.worst)}, ${mean.worstWorkload})`;
}

function summary({ engines, rows }: TableColumns): string[][] {
  return CLASSES.filter((name) => rows.some((row) => row.class === name)).map((name: WorkloadClass) => [
    CLASS_TITLES[name],
    ...ours(engines).map((engine) => summaryCells(classMean(rows, name, engine))),
  ]);
}

interface Section {
  readonly title: string;
  readonly lines: string[][];
}

function sections({ engines, rows }: TableColumns): Section[] {
  return [...CLASSES, 'footprint' as const]
    .map((name) => ({
      title: CLASS_TITLES[name],
      lines: rows.filter((row) => row.class === name).map((row) => cells(row, engines)),
    }))
    .filter(({ lines }) => lines.length > 0);
}

const summaryHeadings = (engines: readonly EngineName[]): string[] => [
  'geomean of ×',
  ...ours(engines).map((engine) => ENGINE_TITLES[engine]),
];

/** Columns padded to their widest cell; the first is flush left, the others right. */
function alignColumns(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  );
}

export function textTable(columns: TableColumns): string {
  const parts = sections(columns).map(
    ({ title, lines }) => `${title}\n${alignColumns([headings(columns.engines), ...lines]).join('\n')}\n`,
  );
  const means = summary(columns);
  if (means.length > 0)
    parts.push(`${alignColumns([summaryHeadings(columns.engines), ...means]).join('\n')}\n`);
  return parts.join('\n');
}

function markdownRows(lines: readonly (readonly string[])[]): string {
  const [head = [], ...body] = lines;
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'));
  return `${[head, rule, ...body].map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`;
}

export function markdownTable(columns: TableColumns): string {
  const means = markdownRows([summaryHeadings(columns.engines), ...summary(columns)]);
  const parts = sections(columns).map(
    ({ title, lines }) => `### ${title}\n\n${markdownRows([headings(columns.engines), ...lines])}`,
  );
  return [means, ...parts].join('\n');
}

const BEGIN = '<!-- results: written by npm run bench -- --write-docs -->';
const END = '<!-- end of results -->';

/** `document` with `results` in the place that is marked for them. @throws {Error} when there is none */
export function replaceResults(document: string, results: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('the document has no place for results');
  return `${document.slice(0, begin + BEGIN.length)}\n\n${results}\n${document.slice(end)}`;
}
