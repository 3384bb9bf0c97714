/** Memory and processor time of the process that runs a guest, from Linux's /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** sysconf(_SC_CLK_TCK) is 100 on every architecture of Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const BYTES_PER_KIB = 1024;
/** Numbers of fields in /proc/PID/stat, counted from the one after the command's name. */
const STAT_PARENT = 1;
const STAT_USER_TICKS = 11;
const STAT_SYSTEM_TICKS = 12;

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
}

function readProcess(pid: number): ProcessRow | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may contain anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[STAT_USER_TICKS]) + Number(fields[STAT_SYSTEM_TICKS]);
    return { pid, parent: Number(fields[STAT_PARENT]), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

/** `root` and all that it started, directly or not; empty where there is no /proc. */
function processTree(root: number): ProcessRow[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  const all = names.map((name) => readProcess(Number(name))).filter((row) => row !== undefined);
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
  try {
    const status = readFileSync(`/proc/${subject.pid}/status`, 'utf8');
    const kib = /^VmRSS:\s*(\d+) kB/m.exec(status)?.[1];
    return kib === undefined
      ? undefined
      : { cpuSeconds: subject.cpuSeconds, residentBytes: Number(kib) * BYTES_PER_KIB };
  } catch {
    return undefined;
  }
}

function isRenderer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer');
  } catch {
    return false;
  }
}
