#!/usr/bin/env node
/**
 * Compares translated code with interpreted code, step by step.
 *
 *   npm run oracle:lockstep -- programs [--seed N] [--count N] [--qemu]
 *   npm run oracle:lockstep -- boot [--kernel FILE] [--initrd FILE] [--append TEXT] [--instructions N]
 *     [--every N] [--until REGEX] [--engine normal|translate] [--memory MIB]
 *
 * programs: random programs rich in control flow, in every engine and with slices of every size, until --count
 * instructions have been executed; --qemu asks QEMU's user mode as well. A failure is reduced and shown.
 * boot: two machines with the same guest, one interpreting, with clocks that count instructions; their states are
 * compared whenever both stand at the same instruction count (see src/emu/testing/lockstep-machine.ts).
 */
import { parseArgs } from 'node:util';
import { lockstepBoot } from './lockstep-boot.mjs';
import { lockstepPrograms } from './lockstep-programs.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000000' },
    qemu: { type: 'boolean', default: false },
    kernel: { type: 'string' },
    initrd: { type: 'string' },
    append: { type: 'string' },
    memory: { type: 'string', default: '512' },
    engine: { type: 'string', default: 'translate' },
    instructions: { type: 'string', default: '400000000' },
    every: { type: 'string', default: '20000' },
    until: { type: 'string' },
  },
});

const commands = { programs: lockstepPrograms, boot: lockstepBoot };
const command = commands[positionals[0] ?? 'programs'];
if (!command) {
  console.error('oracle:lockstep: say "programs" or "boot"');
  process.exitCode = 2;
} else process.exitCode = (await command(values)) === 0 ? 0 : 1;
