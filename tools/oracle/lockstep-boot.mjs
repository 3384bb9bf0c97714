/** Two machines with the same guest, one interpreting (npm run oracle:lockstep -- boot). */
import { readFileSync } from 'node:fs';
import { findDefaultGuest } from '../../src/cli/default-guest.ts';
import { CPU } from '../../src/emu/layout/cpu-state.ts';
import { Lockstep } from '../../src/emu/testing/lockstep-machine.ts';

const BYTES_PER_MIB = 1 << 20;
const COMPARE_RAM_EVERY = 5000;
const REPORT_EVERY = 1000;
const SHOWN_DIFFERENCES = 20;

function chooseGuest({ kernel, initrd, append }) {
  if (kernel) return { kernel, initrd, append: append ?? '' };
  const guest = findDefaultGuest();
  if (!guest) throw new Error('no guest has been built: npm run images');
  return { ...guest, append: append ?? guest.append };
}

/** Runs both machines until they differ, the guest ends or enough has been executed; 0 when they agree. */
export async function lockstepBoot({ memory, engine, every, instructions, until, ...files }) {
  const { kernel, initrd, append } = chooseGuest(files);
  const config = {
    board: 'virt',
    cpus: 1,
    ramBytes: Number(memory) * BYTES_PER_MIB,
    sharedMemory: false,
    kernel: readFileSync(kernel),
    ...(initrd && { initrd: readFileSync(initrd) }),
    commandLine: append,
    disks: [],
    engine,
  };
  const pair = await Lockstep.create({
    config,
    engine,
    every: Number(every),
    compareRamEvery: COMPARE_RAM_EVERY,
  });
  const { interpreting, translating } = pair;
  const pattern = until === undefined ? undefined : new RegExp(until, 'm');
  const started = performance.now();
  let reported = 0;
  while (interpreting.executed < Number(instructions)) {
    const differences = pair.advance();
    if (pair.meetings % REPORT_EVERY === 0) {
      process.stderr.write(translating.console.slice(reported));
      reported = translating.console.length;
    }
    if (differences === 'over' || pattern?.test(interpreting.console)) break;
    if (differences.length === 0) continue;
    describe(pair, differences);
    return 1;
  }
  const ram = pair.compareRam();
  if (ram.length > 0) {
    describe(pair, ram);
    return 1;
  }
  const { regionsCompiled } = translating.machine.stats();
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${interpreting.executed} instructions, ${pair.meetings} meetings, ${regionsCompiled} regions, ${seconds} s: 0 differences`,
  );
  return 0;
}

function describe({ interpreting, translating, meetings }, differences) {
  console.log(`after ${interpreting.executed} instructions, at meeting ${meetings}:`);
  for (const line of differences.slice(0, SHOWN_DIFFERENCES)) console.log(`  ${line}`);
  for (const { name, state } of [interpreting, translating]) {
    const pc = state.wide(CPU.PC);
    console.log(`  ${name} stands at ${pc.toString(16)}`);
  }
  console.log(interpreting.console.split('\n').slice(-5).join('\n'));
}
