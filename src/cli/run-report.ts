/** What `--stats` writes: figures of one run, for people and for scripts that compare runs. */
import type { MachineStats } from '../embed/api.ts';
import type { HostUsage } from './guest-session.ts';

export type Ending = 'power-off' | 'until' | 'timeout' | 'error' | 'left';

export interface RunFigures {
  readonly ending: Ending;
  readonly status: number;
  readonly host: string;
  readonly engine: string;
  /** From the start of this process to the request for the machine. */
  readonly startupSeconds: number;
  /** From then to the end: loading the files, boot and run. */
  readonly wallSeconds: number;
  /** From the same moment to the match of --until. */
  readonly untilSeconds: number | undefined;
  readonly stats: MachineStats | undefined;
  readonly usage: HostUsage | undefined;
}

/** Names and units are stable. Absent figures are null: the run ended before there were any. */
export function formatReport(figures: RunFigures): string {
  const { stats, usage } = figures;
  const report = {
    ending: figures.ending,
    status: figures.status,
    host: figures.host,
    engine: figures.engine,
    startupSeconds: round(figures.startupSeconds),
    wallSeconds: round(figures.wallSeconds),
    untilSeconds: figures.untilSeconds === undefined ? null : round(figures.untilSeconds),
    /** Of the process that runs the machine: this one, or the browser's renderer. */
    cpuSeconds: usage ? round(usage.cpuSeconds) : null,
    busySeconds: stats ? round(stats.busySeconds) : null,
    instructions: stats
      ? { interpreted: stats.instructionsInterpreted, translated: stats.instructionsTranslated }
      : null,
    exceptions: stats?.exceptions ?? null,
    interrupts: stats?.interrupts ?? null,
    tlbMisses: stats?.tlbMisses ?? null,
    mmioAccesses: stats?.mmioAccesses ?? null,
    decodedPages: stats?.decodedPages ?? null,
    regionsCompiled: stats?.regionsCompiled ?? null,
    bytesCompiled: stats?.bytesCompiled ?? null,
    regionsAlive: stats?.regionsAlive ?? null,
    bytesAlive: stats?.bytesAlive ?? null,
    regionsChanged: stats?.regionsChanged ?? null,
    regionsEvicted: stats?.regionsEvicted ?? null,
    regionsExtended: stats?.regionsExtended ?? null,
    memory: {
      engineBytes: stats?.memoryBytes ?? null,
      rssBytes: usage?.rssBytes ?? null,
      peakRssBytes: usage?.peakRssBytes ?? null,
    },
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

const MILLI = 1000;
const round = (seconds: number): number => Math.round(seconds * MILLI) / MILLI;
