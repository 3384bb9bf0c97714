/** DC ZVA as generated code does it: the fast path, the slow path, and what a fault reports. */
import { describe, expect, it } from 'vitest';
import { SCRATCH_BASE, SCRATCH_BYTES, slotAddress } from '../testing/arena.ts';
import { BareMachine, ENGINE_MODES } from '../testing/bare-machine.ts';
import { newState, STATE } from '../testing/processor-state.ts';

const DC_ZVA_X0 = 0xd50b_7420;
/** strb wzr, [x1] */
const TOUCH_X1 = 0x3900_003f;
const BLOCK_BYTES = 64;
const PAGE_BYTES = 4096;

describe.each(ENGINE_MODES)('DC ZVA (%s)', (mode) => {
  async function zero(address: number, touched: number) {
    const machine = await BareMachine.create(mode);
    machine.load(0, [TOUCH_X1, DC_ZVA_X0]);
    machine.synchronize();
    const state = newState();
    state[STATE.X] = BigInt(address);
    state[STATE.X + 1] = BigInt(touched);
    state[STATE.PC] = BigInt(slotAddress(0));
    const { end, address: far, memory } = machine.run(state);
    return { end, far, changed: memory.filter(([offset]) => offset >= BLOCK_BYTES) };
  }
  const block = (offset: number) =>
    Array.from({ length: BLOCK_BYTES / 8 }, (_, i) => [offset + 8 * i, 0n] as const);

  it.each([
    ['a page that has been written', PAGE_BYTES + 0x100, SCRATCH_BASE + PAGE_BYTES],
    ['a page that has not been touched', PAGE_BYTES + 0x100, SCRATCH_BASE],
  ])('clears the block around an unaligned address in %s', async (_, offset, touched) => {
    const { end, changed } = await zero(SCRATCH_BASE + offset + 0x27, touched);
    expect(end).toBe('trap');
    expect(changed.filter(([at]) => at >= offset)).toEqual(block(offset));
  });

  it('clears the last block of a page when its last byte is named', async () => {
    const { end, changed } = await zero(SCRATCH_BASE + PAGE_BYTES - 1, SCRATCH_BASE);
    expect(end).toBe('trap');
    expect(changed).toEqual(block(PAGE_BYTES - BLOCK_BYTES));
  });

  it('reports the address as given when it is not mapped', async () => {
    const address = SCRATCH_BASE + SCRATCH_BYTES + 0x1b;
    expect(await zero(address, SCRATCH_BASE)).toEqual({ end: 'segv', far: BigInt(address), changed: [] });
  });
});
