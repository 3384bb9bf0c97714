/**
 * Translated code against the interpreter: random programs rich in control flow, and what once looked dangerous.
 * The same with any number of programs, and against QEMU: npm run oracle:lockstep.
 */
import { describe, expect, it } from 'vitest';
import { RandomWords } from '../fp/hard-operands.ts';
import { a64Decoder } from '../isa/a64/index.ts';
import { BareMachine } from '../testing/bare-machine.ts';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine } from '../testing/code-machine.ts';
import { mov, ret } from '../testing/instructions.ts';
import { FLOW_SLOTS, loadFlows, runFlow, strictDifferences } from '../testing/lockstep.ts';
import { FlowGenerator } from '../testing/lockstep-program.ts';
import type { JitOptions } from './jit.ts';

const BATCHES = 5;
const SEED = 11;
const WARM: JitOptions = { heat: 3, rounds: 1, burst: 1, eager: false };

describe.each([
  { engine: 'translate' as const, fuel: undefined },
  { engine: 'translate' as const, fuel: 1 },
  { engine: 'translate' as const, fuel: 17 },
  { engine: WARM, fuel: undefined },
  { engine: WARM, fuel: 5 },
])('random programs in lockstep (%o)', ({ engine, fuel }) => {
  it('end in the state that the interpreter gives', async () => {
    const generator = new FlowGenerator(a64Decoder, new RandomWords(SEED));
    const interpreting = await BareMachine.create();
    const translating = await BareMachine.create(engine);
    const found: string[] = [];
    let finished = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const programs = Array.from({ length: FLOW_SLOTS }, () => generator.generate());
      loadFlows(interpreting, programs);
      loadFlows(translating, programs);
      programs.forEach((program, slot) => {
        const expected = runFlow(interpreting, program, slot);
        if (expected.end !== 'timeout') finished++;
        // Twice: the second time everything has been translated, and jumps have shown where they go.
        for (const time of ['first', 'second'])
          for (const line of strictDifferences(runFlow(translating, program, slot, fuel), expected))
            found.push(`batch ${batch}, slot ${slot}, ${time} time: ${line}`);
      });
    }
    expect(found).toEqual([]);
    expect(finished).toBeGreaterThan(BATCHES * FLOW_SLOTS * 0.9);
    expect(translating.regionsCompiled).toBeGreaterThan(BATCHES * FLOW_SLOTS * 0.3);
  });
});

describe.each(CODE_ENGINE_NAMES)('returns, %s', (engine) => {
  it('fault when the return address is the one that stands for no caller', async () => {
    const machine = await CodeMachine.create(engine);
    machine.write(CODE_RAM, [mov(30, 1), ret]);
    expect(machine.run(CODE_RAM, 0, 0xffff_ffff_ffff_ffffn)).toBe(false);
    expect(machine.faulted).toBe(true);
  });
});
