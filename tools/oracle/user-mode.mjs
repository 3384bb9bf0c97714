/**
 * QEMU's user mode as an oracle for test programs: builds differential.c for the arena of src/emu/testing
 * and asks it how programs end.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CODE_BASE,
  CODE_BYTES,
  END_WORD,
  initialScratch,
  SCRATCH_BASE,
  SCRATCH_BYTES,
  THREAD_ID,
} from '../../src/emu/testing/arena.ts';
import { STATE, STATE_WORDS } from '../../src/emu/testing/processor-state.ts';

const COMPILER = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-aarch64';
/** Features that would give hints and signal frames a meaning of their own are off. */
const QEMU_CPU = 'max,sve=off,sme=off,pauth=off';
const SOURCE = new URL('differential.c', import.meta.url).pathname;
/** Where no register of a test program is likely to point. */
const TEXT_SEGMENT = '0x2a5a000000';
/** Programs end in milliseconds; but a long comparison may be paused, or have little of its computer. */
const TIMEOUT_MS = 1_200_000;
const MAX_ANSWER_BYTES = 2 ** 28;
const WORD = 4;
const STATE_BYTES = STATE_WORDS * 8;
const MACROS = { CODE_BASE, CODE_BYTES, SCRATCH_BASE, SCRATCH_BYTES, THREAD_ID };
/** Signal numbers of Linux. */
const ENDS = { 4: 'ill', 5: 'trap', 7: 'bus', 11: 'segv' };

/** What is missing on this machine, in words, or undefined. */
export function missingTools() {
  const missing = [
    { command: COMPILER, package: 'gcc-aarch64-linux-gnu' },
    { command: QEMU, package: 'qemu-user' },
  ].filter(({ command }) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error !== undefined);
  if (missing.length === 0) return undefined;
  const names = missing.map((tool) => tool.command).join(' and ');
  return `this needs ${names} (Debian: apt-get install ${missing.map((tool) => tool.package).join(' ')})`;
}

export class UserModeOracle {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'bramble-differential-'));
    this.program = join(this.directory, 'oracle');
    const macros = Object.entries(MACROS).map(([name, value]) => `-D${name}=0x${value.toString(16)}ull`);
    const flags = ['-O1', '-static', '-fno-stack-protector', `-Wl,-Ttext-segment=${TEXT_SEGMENT}`];
    execFileSync(COMPILER, [...flags, ...macros, '-o', this.program, SOURCE], { stdio: 'inherit' });
  }

  /** Outcomes of programs { words, state }, each in the slot that its PC names. */
  ask(programs) {
    const count = Buffer.alloc(4);
    count.writeUInt32LE(programs.length);
    const code = new Uint32Array(CODE_BYTES / WORD).fill(END_WORD);
    for (const { words, state } of programs) code.set(words, (Number(state[STATE.PC]) - CODE_BASE) / WORD);
    const states = programs.map(({ state }) => Buffer.from(state.buffer));
    const input = Buffer.concat([count, initialScratch(), ...states, Buffer.from(code.buffer)]);
    const { stdout, status, signal, stderr } = spawnSync(QEMU, ['-cpu', QEMU_CPU, this.program], {
      input,
      maxBuffer: MAX_ANSWER_BYTES,
      timeout: TIMEOUT_MS,
    });
    if (status !== 0) throw new Error(`the oracle failed (${status ?? signal}): ${stderr}`);
    return parseOutcomes(stdout, programs.length);
  }

  close() {
    rmSync(this.directory, { recursive: true });
  }
}

function parseOutcomes(stdout, count) {
  const words = new BigUint64Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
  const outcomes = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [signal, address] = [Number(words[at]), words[at + 1]];
    const state = words.slice(at + 2, at + 2 + STATE_WORDS);
    const changes = Number(words[at + 2 + STATE_WORDS]);
    at += 3 + STATE_BYTES / 8;
    const memory = [];
    for (let n = 0; n < changes; n++, at += 2) memory.push([Number(words[at]), words[at + 1]]);
    outcomes.push({ end: ENDS[signal] ?? `signal ${signal}`, address: untagged(address), state, memory });
  }
  return outcomes;
}

const untagged = (address) => address & 0xff_ffff_ffff_ffffn;
