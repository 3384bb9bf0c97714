/** Growth of regions, their registers and flags, from words. */
import { describe, expect, it } from 'vitest';
import {
  add,
  addImmediate,
  b,
  bl,
  blr,
  br,
  cbnz,
  isb,
  ldrW,
  movz,
  nop,
  ret,
  subImmediate,
} from '../testing/instructions.ts';
import { analyse } from './control-flow.ts';
import { flagStates } from './flag-flow.ts';
import { growRegion, PAGE_BYTES, type Region, type RegionLimits } from './region.ts';
import { blockUse, planRegisters, SP_ID } from './registers.ts';

const WORD = 4;
const UNALLOCATED = 0x0001_0000;
/** SUBS X0, X1, X2; ADDS W0, W1, W2; CCMP X1, #1, #0, NE; B.NE +2; MRS X3, TPIDRRO_EL0. */
const SUBS = 0xeb020020;
const ADDS_W = 0x2b020020;
const ANDS = 0xea020020;
const CCMP = 0xfa411820;
const bne = (distance: number) => (0x54000001 | ((distance & 0x7ffff) << 5)) >>> 0;
const MRS_X3 = 0xd53bd063;
const ROOMY: RegionLimits = { instructions: 1000, blocks: 100 };

/** A region that grows from code at byte offsets; pages are those that have code unless named. */
function grow(
  code: Readonly<Record<number, readonly number[]>>,
  limits = ROOMY,
  entry = 0,
  jumps: Readonly<Record<number, readonly number[]>> = {},
): Region | undefined {
  const words = new Map<number, number>();
  for (const [start, list] of Object.entries(code))
    list.forEach((word, i) => {
      words.set(Number(start) + i * WORD, word);
    });
  const pages = new Set([...words.keys()].map((offset) => Math.floor(offset / PAGE_BYTES)));
  const page = (delta: number) =>
    pages.has(delta)
      ? { records: delta + 1, wordAt: (offset: number) => words.get(delta * PAGE_BYTES + offset) }
      : undefined;
  return growRegion({ entry, page, jumpTargets: (offset) => jumps[offset] ?? [] }, limits);
}
function grown(
  code: Readonly<Record<number, readonly number[]>>,
  limits?: RegionLimits,
  entry?: number,
  jumps?: Readonly<Record<number, readonly number[]>>,
): Region {
  const region = grow(code, limits, entry, jumps);
  if (!region) throw new Error('no region');
  return region;
}
const shapeOf = (region: Region) =>
  Object.fromEntries([...region.blocks].map(([offset, { successors }]) => [offset, successors]));

describe('growRegion', () => {
  it('makes blocks of both ways of a conditional branch and of where they meet', () => {
    const region = grown({ 0: [cbnz(0, 3), nop, b(2), nop, ret] });
    expect(shapeOf(region)).toEqual({ 0: [12, 4], 12: [16], 4: [16], 16: [] });
    expect(region.instructionCount).toBe(5);
  });

  it('makes a loop of a branch back to the entry', () => {
    expect(shapeOf(grown({ 0: [nop, cbnz(0, -1), ret] }))).toEqual({ 0: [0, 8], 8: [] });
  });

  it('splits a block when a branch leads into its middle', () => {
    expect(shapeOf(grown({ 0: [nop, nop, cbnz(0, -1), ret] }))).toEqual({ 0: [4], 4: [4, 12], 12: [] });
  });

  it('goes on at the return address of calls, not in the callee', () => {
    expect(shapeOf(grown({ 0: [bl(16), blr(1), ret], 64: [ret] }))).toEqual({ 0: [4], 4: [8], 8: [] });
  });

  it('ends at a branch to a computed address and at a barrier', () => {
    expect(shapeOf(grown({ 0: [br(1), nop] }))).toEqual({ 0: [] });
    expect(shapeOf(grown({ 0: [nop, isb, nop] }))).toEqual({ 0: [] });
  });

  it('goes on where a branch to a computed address has been seen to go', () => {
    const region = grown({ 0: [br(1), nop, b(-2), ret] }, ROOMY, 0, { 0: [4, 12, 400] });
    expect(shapeOf(region)).toEqual({ 0: [4, 12], 4: [0], 12: [] });
  });

  it('ends where the code is not known', () => {
    const region = grown({ 0: [nop, cbnz(0, 100)] });
    expect(shapeOf(region)).toEqual({ 0: [] });
    expect(region.blocks.get(0)?.end).toBe(8);
  });

  it('refuses an entry that is unallocated', () => {
    expect(grow({ 0: [UNALLOCATED] })).toBeUndefined();
  });

  it('ends blocks at the end of a page and goes on in the next', () => {
    const region = grown({ [PAGE_BYTES - 8]: [nop, nop, nop, ret] }, ROOMY, PAGE_BYTES - 8);
    expect(shapeOf(region)).toEqual({ [PAGE_BYTES - 8]: [PAGE_BYTES], [PAGE_BYTES]: [] });
    expect([...region.pages.keys()]).toEqual([0, 1]);
  });

  it('follows branches to the page before', () => {
    expect(shapeOf(grown({ 0: [b(-2)], [-8]: [ret] }))).toEqual({ 0: [-8], [-8]: [] });
  });

  it('leaves a block out when its page is not mapped', () => {
    expect(shapeOf(grown({ [PAGE_BYTES - 4]: [nop] }, ROOMY, PAGE_BYTES - 4))).toEqual({
      [PAGE_BYTES - 4]: [],
    });
  });

  it('stops at the limit of blocks, with edges only to blocks that exist', () => {
    const chain = Array.from({ length: 50 }, () => cbnz(0, 1));
    const region = grown({ 0: [...chain, ret] }, { ...ROOMY, blocks: 10 });
    expect(region.blocks.size).toBe(10);
    for (const { successors } of region.blocks.values())
      for (const next of successors) expect(region.blocks.has(next)).toBe(true);
  });

  it('stops at the limit of instructions', () => {
    const chain = Array.from({ length: 50 }, () => [nop, nop, nop, b(1)]).flat();
    const region = grown({ 0: [...chain, ret] }, { ...ROOMY, instructions: 20 });
    expect(region.instructionCount).toBeGreaterThanOrEqual(20);
    expect(region.instructionCount).toBeLessThan(30);
  });
});

describe('planRegisters', () => {
  const sorted = (set: Iterable<number> | undefined) => [...(set ?? [])].sort((x, y) => x - y);

  it('reads what is used before it is written', () => {
    const block = grown({ 0: [add(2, 1, 3), add(1, 2, 2), ret] }).blocks.get(0);
    const use = block && blockUse(block);
    expect(sorted(use?.reads)).toEqual([1, 3, 30]);
    expect(sorted(use?.writes)).toEqual([1, 2]);
  });

  it('writes back what a loop without calls writes, and keeps it live everywhere', () => {
    const plan = planRegisters(
      grown({ 0: [movz(5, 1), addImmediate(1, 1, 1), subImmediate(0, 0, 1), cbnz(0, -2), ret] }),
    );
    expect(sorted(plan.writeBack)).toEqual([0, 1]);
    for (const live of plan.liveIn.values()) expect(sorted(live)).toEqual(expect.arrayContaining([0, 1]));
  });

  it('writes through what a loop with a call writes', () => {
    const plan = planRegisters(
      grown({ 0: [addImmediate(1, 1, 1), bl(16), subImmediate(0, 0, 1), cbnz(0, -3), ret] }),
    );
    expect(sorted(plan.writeBack)).toEqual([]);
  });

  it('never delays writes of SP', () => {
    const plan = planRegisters(grown({ 0: [subImmediate(31, 31, 16), cbnz(0, -1), ret] }));
    expect(plan.writeBack.has(SP_ID)).toBe(false);
    expect(plan.used.has(SP_ID)).toBe(true);
  });

  it('needs on entry what only a later block reads', () => {
    const plan = planRegisters(grown({ 0: [cbnz(0, 2), ret, add(2, 7, 7), ret] }));
    expect(sorted(plan.liveIn.get(0))).toEqual([0, 7, 30]);
  });

  it('does not need before a call what is read after it', () => {
    const plan = planRegisters(grown({ 0: [movz(1, 1), bl(16), add(2, 7, 7), ret] }));
    expect(sorted(plan.liveIn.get(0))).toEqual([]);
    expect(sorted(plan.liveIn.get(8))).toEqual([7, 30]);
  });
});

describe('flagStates', () => {
  const statesOf = (region: Region) => {
    const offsets = [...region.blocks.keys()];
    const successors = [...region.blocks.values()].map((block) =>
      block.successors.map((to) => offsets.indexOf(to)),
    );
    const states = flagStates([...region.blocks.values()], successors, analyse({ successors }));
    return Object.fromEntries(offsets.map((offset, i) => [offset, states[i]]));
  };

  it('hands the form of the flags to the blocks that follow', () => {
    expect(statesOf(grown({ 0: [SUBS, bne(2), nop, ret] }))).toEqual({ 0: 'cells', 12: 'sub64', 8: 'sub64' });
  });

  it('is a mix where forms differ', () => {
    const states = statesOf(grown({ 0: [cbnz(0, 3), SUBS, b(2), ADDS_W, ret] }));
    expect(states[16]).toEqual({ forms: ['sub64', 'add32'] });
  });

  it('keeps a form round a loop whose entry agrees, and mixes them when it does not', () => {
    expect(statesOf(grown({ 0: [SUBS, b(1), nop, SUBS, bne(-2), ret] }))[8]).toBe('sub64');
    expect(statesOf(grown({ 0: [nop, SUBS, bne(-2), ret] }))[0]).toEqual({ forms: ['cells', 'sub64'] });
  });

  it('falls back to cells where too many forms meet', () => {
    const ways = [SUBS, ADDS_W, ANDS, CCMP, nop].map((set, i, all) => [
      cbnz(0, 3),
      set,
      b(3 * (all.length - i) - 2),
    ]);
    const states = statesOf(grown({ 0: [...ways.flat(), ret] }));
    expect(states[4 * 3 * ways.length]).toBe('cells');
  });

  it('packs flags that only one side of a conditional sets', () => {
    expect(statesOf(grown({ 0: [SUBS, CCMP, bne(2), nop, ret] }))[12]).toBe('packed');
  });

  it('has cells after calls and after what the runtime may look at', () => {
    expect(statesOf(grown({ 0: [SUBS, bl(16), nop, ret] }))[8]).toBe('cells');
    expect(statesOf(grown({ 0: [SUBS, MRS_X3, b(1), ret] }))[12]).toBe('cells');
    expect(statesOf(grown({ 0: [SUBS, ldrW(3, 4), b(1), ret] }))[12]).toBe('sub64');
  });
});
