/** Memory and processor time of the process that runs a guest, from Linux's /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** sysconf(_SC_CLK_TCK) is 100 on every architecture of Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const BYTES_PER_KIB = 1024;
/** Numbers of fields in /proc/PID/stat, counted from the one after the command's name. */
const STAT_PARENT = 1;
const STAT_USER_TICKS = 11;
const STAT_SYSTEM_TICKS = 12;
const STAT_CHILDREN_USER_TICKS = 13;
const STAT_CHILDREN_SYSTEM_TICKS = 14;

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
}

/** The fields of /proc/PID/stat behind the name; undefined when the process has ended, or without /proc. */
function readStat(pid: number): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may contain anything.
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
  } catch {
    return undefined;
  }
}

/** Processes there are; none where there is no /proc. */
export function allProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Empty when the process has ended. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** User and system time of a process and its threads; 0 when it has ended. */
export function cpuSecondsOf(pid: number): number {
  return readProcess(pid)?.cpuSeconds ?? 0;
}

export function isRenderer(pid: number): boolean {
  return commandLineOf(pid).includes('--type=renderer');
}

/** A size in /proc/PID/status; undefined when the process has ended. */
function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1];
    return kib === undefined ? undefined : Number(kib) * BYTES_PER_KIB;
  } catch {
    return undefined;
  }
}

/** The most memory that a process has had; 0 when it has ended. */
export function peakBytesOf(pid: number): number {
  return statusBytes(pid, 'VmHWM') ?? 0;
}

/** The sum of some fields that count clock ticks. */
function ticksToSeconds(stat: readonly number[], fields: readonly number[]): number {
  return fields.reduce((sum, field) => sum + (stat[field] ?? 0), 0) / TICKS_PER_SECOND;
}

function readProcess(pid: number): ProcessRow | undefined {
  const stat = readStat(pid);
  if (!stat) return undefined;
  const cpuSeconds = ticksToSeconds(stat, [STAT_USER_TICKS, STAT_SYSTEM_TICKS]);
  return { pid, parent: stat[STAT_PARENT] ?? 0, cpuSeconds };
}

/** Processor time of this process and of all its children that have ended. */
export function cpuSecondsWithChildren(): number | undefined {
  const stat = readStat(process.pid);
  const children = [STAT_CHILDREN_USER_TICKS, STAT_CHILDREN_SYSTEM_TICKS];
  return stat && ticksToSeconds(stat, [STAT_USER_TICKS, STAT_SYSTEM_TICKS, ...children]);
}

/** `root` and all that it started, directly or not; empty where there is no /proc. */
function processTree(root: number): ProcessRow[] {
  const all = allProcesses()
    .map(readProcess)
    .filter((row) => row !== undefined);
  const tree = all.filter(({ pid }) => pid === root);
  for (let at = 0; at < tree.length; at++) {
    tree.push(...all.filter(({ parent }) => parent === tree[at]?.pid));
  }
  return tree;
}

export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** Of `root`, or of the browser's renderer below it that worked most; undefined when it cannot be told. */
export function usageOf(root: number): ProcessUsage | undefined {
  const tree = processTree(root);
  const renderers = tree.filter(({ pid }) => isRenderer(pid)).sort((a, b) => b.cpuSeconds - a.cpuSeconds);
  const [subject] = renderers.length > 0 ? renderers : tree;
  if (!subject) return undefined;
  const residentBytes = statusBytes(subject.pid, 'VmRSS');
  return residentBytes === undefined ? undefined : { cpuSeconds: subject.cpuSeconds, residentBytes };
}
