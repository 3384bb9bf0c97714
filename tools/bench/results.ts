/** Samples of one or more rounds and what follows from them: medians, ratios, geomeans, differences. */
import type { EngineName } from './engines.ts';
import type { WorkloadClass } from './workloads.ts';

export interface Sample {
  readonly workload: string;
  readonly class: WorkloadClass | 'footprint';
  readonly engine: EngineName;
  readonly round: number;
  readonly value: number;
  readonly unit: string;
  /** What the work came to; equal for every engine. */
  readonly checksum?: string;
}

export interface Failure {
  readonly workload: string;
  readonly engine: EngineName;
  readonly round: number;
  readonly message: string;
}

const BENCH_LINE = /^BENCH (\S+) (\S+) (\S+) # t=\S+ chk=([0-9a-f]{16})$/m;

/** The line that a benchmark printed, or undefined when it printed none. */
export function parseBenchLine(
  text: string,
): { name: string; value: number; unit: string; checksum: string } | undefined {
  const [, name, value, unit, checksum] = BENCH_LINE.exec(text) ?? [];
  if (name === undefined || unit === undefined || checksum === undefined) return undefined;
  return { name, value: Number(value), unit, checksum };
}

/** Rates are better when larger; times and shares when smaller. */
export function smallerIsBetter(unit: string): boolean {
  return /^(ns|us|s|%|MiB)(\/|$)/.test(unit);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** One line of the table. */
export interface Row {
  readonly workload: string;
  readonly class: Sample['class'];
  readonly unit: string;
  readonly medians: ReadonlyMap<EngineName, number>;
  /** How many times as fast as QEMU; no entry where one of both is missing. */
  readonly ratios: ReadonlyMap<EngineName, number>;
}

/** Rows in the order in which workloads were first measured. */
export function summarise(samples: readonly Sample[]): Row[] {
  const rows: Row[] = [];
  for (const [workload, group] of Map.groupBy(samples, (sample) => sample.workload)) {
    const { class: workloadClass, unit } = group[0]!;
    const medians = new Map<EngineName, number>();
    for (const [engine, own] of Map.groupBy(group, (sample) => sample.engine)) {
      medians.set(engine, median(own.map(({ value }) => value)));
    }
    const ratios = new Map<EngineName, number>();
    const reference = medians.get('qemu');
    for (const [engine, value] of medians) {
      if (engine === 'qemu' || reference === undefined || workloadClass === 'footprint') continue;
      ratios.set(engine, smallerIsBetter(unit) ? reference / value : value / reference);
    }
    rows.push({ workload, class: workloadClass, unit, medians, ratios });
  }
  return rows;
}

export interface ClassMean {
  readonly mean: number;
  readonly worst: number;
  readonly worstWorkload: string;
  readonly count: number;
}

/** The geomean of the ratios of one class; undefined where there are none. */
export function classMean(
  rows: readonly Row[],
  wanted: WorkloadClass,
  engine: EngineName,
): ClassMean | undefined {
  const known = rows
    .filter((row) => row.class === wanted)
    .map((row) => ({ workload: row.workload, ratio: row.ratios.get(engine) }))
    .filter((entry): entry is { workload: string; ratio: number } => entry.ratio !== undefined)
    .sort((a, b) => a.ratio - b.ratio);
  const [worst] = known;
  if (!worst) return undefined;
  return {
    mean: geometricMean(known.map(({ ratio }) => ratio)),
    worst: worst.ratio,
    worstWorkload: worst.workload,
    count: known.length,
  };
}

/** Workloads whose checksums are not all the same, in words. */
export function checksumDifferences(samples: readonly Sample[]): string[] {
  const differences: string[] = [];
  for (const [workload, group] of Map.groupBy(samples, (sample) => sample.workload)) {
    const byChecksum = Map.groupBy(
      group.filter(({ checksum }) => checksum !== undefined),
      ({ checksum }) => checksum,
    );
    if (byChecksum.size <= 1) continue;
    const sides = [...byChecksum].map(([checksum, own]) => {
      return `${checksum} (${[...new Set(own.map(({ engine }) => engine))].join(', ')})`;
    });
    differences.push(`${workload}: ${sides.join(' but ')}`);
  }
  return differences;
}
