/** Random programs in every engine, and in QEMU's user mode on demand (npm run oracle:lockstep -- programs). */
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { disassemble } from '../../src/emu/isa/disassembler.ts';
import { END_WORD } from '../../src/emu/testing/arena.ts';
import { BareMachine } from '../../src/emu/testing/bare-machine.ts';
import {
  FLOW_SLOTS,
  flowAddress,
  loadFlows,
  runFlow,
  strictDifferences,
} from '../../src/emu/testing/lockstep.ts';
import { FlowGenerator } from '../../src/emu/testing/lockstep-program.ts';
import { outcomeDifferences, STATE, WORD_NAMES } from '../../src/emu/testing/processor-state.ts';
import { missingTools, UserModeOracle } from './user-mode.mjs';

const NOP = 0xd503201f;
const SHOWN_FAILURES = 5;
const SHOWN_DIFFERENCES = 8;
const FUELS = [1, 2, 3, 5, 8, 13, 50, 200, 1000];
const WORD_BYTES = 4;
/** Translated when branches have reached it a few times, from what has been executed. */
const WARM = { heat: 3, rounds: 1, burst: 1, eager: false };

async function createMachines() {
  return {
    interpret: await BareMachine.create('interpret'),
    translate: await BareMachine.create('translate'),
    warm: await BareMachine.create(WARM),
  };
}

/** The first way of running a program that does not do what the interpreter does; undefined when all agree. */
function disagreement(machines, program, slot, fuel) {
  const expected = runFlow(machines.interpret, program, slot);
  for (const name of ['translate', 'warm'])
    for (const slice of [undefined, fuel]) {
      const ours = runFlow(machines[name], program, slot, slice);
      const differences = strictDifferences(ours, expected);
      if (ours.end === 'timeout' && expected.end !== 'timeout') differences.push('it does not end');
      if (differences.length > 0) return { name, slice, differences, expected };
    }
  return { expected };
}

/** What QEMU says about programs whose outcome is known; one that does not end here would keep it for ever. */
function askQemu(oracle, programs, outcomes) {
  return oracle.ask(
    programs.map(({ words, entry, state }, slot) => ({
      words: outcomes[slot].end === 'timeout' ? [] : words.slice(entry / WORD_BYTES),
      state: state.with(STATE.PC, BigInt(flowAddress(slot) + entry)),
    })),
  );
}

/** Takes instructions out as long as the disagreement stays. */
function reduce(machines, program, fuel) {
  const fails = (candidate) => {
    for (const machine of Object.values(machines)) loadFlows(machine, [candidate]);
    return disagreement(machines, candidate, 0, fuel).differences !== undefined;
  };
  let smallest = program;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (let i = 0; i < smallest.words.length; i++) {
      if (smallest.words[i] === NOP || smallest.words[i] === END_WORD >>> 0) continue;
      const candidate = { ...smallest, words: smallest.words.with(i, NOP) };
      if (!fails(candidate)) continue;
      smallest = candidate;
      shrunk = true;
    }
  }
  fails(smallest);
  return smallest;
}

function show(program, { name, slice, differences, expected }) {
  console.log(
    `  ${name}, slices of ${slice ?? 'any'} instructions; ${expected.executed} until ${expected.end}`,
  );
  program.words.forEach((word, i) => {
    if (word === NOP || word === END_WORD >>> 0) return;
    const entry = i * 4 === program.entry ? '>' : ' ';
    console.log(`  ${entry} ${(i * 4).toString(16).padStart(4)}  ${disassemble(word, BigInt(i * 4))}`);
  });
  const set = [...program.state].map((value, i) => (value ? `${WORD_NAMES[i]}=0x${value.toString(16)}` : ''));
  console.log(`    from ${set.filter(Boolean).join(' ')}`);
  for (const line of differences.slice(0, SHOWN_DIFFERENCES)) console.log(`    ${line}`);
}

/** Compares until enough instructions have been executed; the number of failures. */
export async function lockstepPrograms({ seed, count, qemu }) {
  const missing = qemu ? missingTools() : undefined;
  if (missing) throw new Error(missing);
  const random = new RandomWords(Number(seed));
  const generator = new FlowGenerator(a64Decoder, random);
  const machines = await createMachines();
  const oracle = qemu ? new UserModeOracle() : undefined;
  let [executed, programs, failures] = [0, 0, 0];
  try {
    while (executed < Number(count)) {
      const batch = Array.from({ length: FLOW_SLOTS }, () => generator.generate());
      for (const machine of Object.values(machines)) loadFlows(machine, batch);
      const failing = [];
      const outcomes = batch.map((program, slot) => {
        const fuel = FUELS[random.below(FUELS.length)];
        const result = disagreement(machines, program, slot, fuel);
        if (result.differences) failing.push({ program, fuel });
        executed += result.expected.executed;
        programs++;
        return result.expected;
      });
      for (const { program, fuel } of failing) {
        if (++failures > SHOWN_FAILURES) continue;
        const smallest = reduce(machines, program, fuel);
        show(smallest, disagreement(machines, smallest, 0, fuel));
      }
      if (!oracle) continue;
      askQemu(oracle, batch, outcomes).forEach((answer, slot) => {
        if (outcomes[slot].end === 'timeout') return;
        const differences = outcomeDifferences(outcomes[slot], answer);
        if (differences.length === 0) return;
        if (++failures > SHOWN_FAILURES) return;
        show(batch[slot], { name: 'interpret, against QEMU', differences, expected: outcomes[slot] });
      });
    }
  } finally {
    oracle?.close();
  }
  const regions = machines.translate.regionsCompiled + machines.warm.regionsCompiled;
  console.log(
    `${executed} instructions in ${programs} programs, ${regions} regions translated: ${failures} differences`,
  );
  return failures;
}
