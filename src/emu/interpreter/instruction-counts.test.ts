/** Who executed how many instructions, as statistics tell it. */
import { describe, expect, it } from 'vitest';
import { slotAddress } from '../testing/arena.ts';
import { BareMachine } from '../testing/bare-machine.ts';
import { newState, STATE } from '../testing/processor-state.ts';

/** subs x0, x0, #1; b.ne to it; the slot ends with BRK, whose vector is a WFI. */
const COUNT_DOWN = [0xf1000400, 0x54ffffe1];
const ROUNDS = 1000;
const ENDING = ['brk', 'wfi'].length;

async function countDown(mode: 'interpret' | 'translate', sliceFuel?: number) {
  const machine = await BareMachine.create(mode);
  machine.load(0, COUNT_DOWN);
  machine.synchronize();
  const state = newState()
    .with(STATE.PC, BigInt(slotAddress(0)))
    .with(STATE.X, BigInt(ROUNDS));
  const { executed } = machine.run(state, sliceFuel);
  return { executed, translated: machine.translatedInstructions };
}

describe('counts of instructions', () => {
  it('give everything to the interpreter when nothing is translated', async () => {
    const { executed, translated } = await countDown('interpret');
    expect(executed).toBe(ROUNDS * COUNT_DOWN.length + ENDING);
    expect(translated).toBe(0);
  });

  it.each([undefined, 7, 100])(
    'give a loop to the translator when it is translated (slices of %s)',
    async (fuel) => {
      const { executed, translated } = await countDown('translate', fuel);
      expect(executed).toBe(ROUNDS * COUNT_DOWN.length + ENDING);
      expect(translated).toBeLessThanOrEqual(executed);
      expect(translated).toBeGreaterThanOrEqual((ROUNDS - 1) * COUNT_DOWN.length);
    },
  );
});
