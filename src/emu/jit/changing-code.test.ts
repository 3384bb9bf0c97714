/**
 * Code that changes, in every engine: whatever software announces as the architecture asks (Arm ARM B2.4.4, D8.14)
 * takes effect at the next instruction after the barrier.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine, PAGE, WINDOW } from '../testing/code-machine.ts';
import {
  add,
  addImmediate,
  adr,
  b,
  bl,
  blr,
  br,
  cbnz,
  dsb,
  icIallu,
  isb,
  mov,
  movz,
  nop,
  orrShifted,
  publishLine,
  ret,
  strW,
  strX,
  subImmediate,
  tlbiVae1,
  wfi,
} from '../testing/instructions.ts';

const MAIN = CODE_RAM;
const OTHER = CODE_RAM + 4 * PAGE;
const ROUNDS = 300;
/** MOVZ X2, #0: with an immediate at bit 5 it is the word that rounds write. */
const MOVE_X2 = movz(2, 0);
const returns = (value: number) => [movz(2, value), ret];
/** 1 + 2 + … + n. */
const triangle = (n: number) => BigInt((n * (n + 1)) / 2);

describe.each(CODE_ENGINE_NAMES)('changing code, %s', (engine) => {
  let machine: CodeMachine;
  beforeEach(async () => {
    machine = await CodeMachine.create(engine);
  });

  /**
   * X0 = rounds, X1 = address of the word, X4 = MOVZ X2, #0. Each round writes MOVZ X2, #round there, announces
   * it, does `use`, and adds X2 to X3.
   */
  const patchLoop = (use: readonly number[]): number[] => {
    const body = [
      orrShifted(5, 4, 0, 5),
      strW(5, 1),
      ...publishLine(1),
      ...use,
      add(3, 3, 2),
      subImmediate(0, 0, 1),
    ];
    return [...body, cbnz(0, -body.length), wfi];
  };

  it('calls the new code when a loop patches a function in its page', () => {
    const loop = patchLoop([bl(0x100 - 7)]);
    machine.write(MAIN, loop);
    machine.write(MAIN + 0x400, returns(0));
    expect(machine.run(MAIN, ROUNDS, MAIN + 0x400, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('calls the new code when a loop patches a function in another page', () => {
    machine.write(MAIN, patchLoop([blr(6)]));
    machine.write(OTHER, returns(0));
    expect(machine.run(MAIN, ROUNDS, OTHER, 0, 0, MOVE_X2, 0, OTHER)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('executes the new word when a loop patches itself', () => {
    const loop = patchLoop([nop]);
    machine.write(MAIN, loop);
    expect(machine.run(MAIN, ROUNDS, MAIN + 7 * 4, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('executes the new word when a loop patches what it has executed already', () => {
    // The patched word stands before the patch: each round adds what the round before wrote.
    const loop = [
      nop,
      add(3, 3, 2),
      orrShifted(5, 4, 0, 5),
      strW(5, 1),
      ...publishLine(1),
      subImmediate(0, 0, 1),
    ];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    expect(machine.run(MAIN, ROUNDS, MAIN, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS) - 1n);
  });

  it('returns to the new word when a function patches its caller', () => {
    const patch = [orrShifted(5, 4, 0, 5), strW(5, 1), ...publishLine(1), ret];
    const loop = [bl(0x100), nop, add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    machine.write(MAIN + 0x400, patch);
    expect(machine.run(MAIN, ROUNDS, MAIN + 4, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('returns to the new word when a function two calls deep patches the first caller', () => {
    const patch = [orrShifted(5, 4, 0, 5), strW(5, 1), ...publishLine(1), ret];
    const between = [mov(7, 30), bl(0x80 - 1), mov(30, 7), ret];
    const loop = [bl(0x100), nop, add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    machine.write(MAIN + 0x400, between);
    machine.write(MAIN + 0x600, patch);
    expect(machine.run(MAIN, ROUNDS, MAIN + 4, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('executes the new word of the next page when a loop crosses into it', () => {
    const at = MAIN + PAGE - 8 * 4;
    // Ends the page with the ISB; the patched word is the first of the next page.
    const head = [orrShifted(5, 4, 0, 5), strW(5, 1), nop, ...publishLine(1)];
    const tail = [nop, add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(at, [...head, ...tail, cbnz(0, -(head.length + tail.length)), wfi]);
    expect(machine.run(at, ROUNDS, MAIN + PAGE, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('sees every patched page after IC IALLU', () => {
    const callee = (n: number) => OTHER + n * PAGE;
    const patch = [orrShifted(5, 4, 0, 5), strW(5, 1), strW(5, 6), dsb, icIallu, dsb, isb];
    const use = [blr(1), add(3, 3, 2), blr(6), add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...patch, ...use, cbnz(0, -(patch.length + use.length)), wfi]);
    for (const n of [0, 1]) machine.write(callee(n), returns(0));
    expect(machine.run(MAIN, ROUNDS, callee(0), 0, 0, MOVE_X2, 0, callee(1))).toBe(true);
    expect(machine.x(3)).toBe(2n * triangle(ROUNDS));
  });

  it('executes what a device wrote when the guest announces it by line', () => {
    machine.write(MAIN, [...publishLine(1), blr(1), wfi]);
    for (let round = 1; round < 40; round++) {
      machine.write(OTHER, returns(round));
      expect(machine.run(MAIN, 0, OTHER)).toBe(true);
      expect(machine.x(2)).toBe(BigInt(round));
    }
  });

  it('executes another program when a page is filled anew and IC IALLU follows', () => {
    machine.write(MAIN, [dsb, icIallu, dsb, isb, blr(1), wfi]);
    for (let round = 1; round < 40; round++) {
      // A program of another shape each time: a chain of `round` branches, the last of which returns.
      const links = Array.from({ length: round }, () => [addImmediate(2, 2, 1), b(3), nop, nop]).flat();
      machine.write(OTHER, [movz(2, 0), ...links, ret]);
      expect(machine.run(MAIN, 0, OTHER)).toBe(true);
      expect(machine.x(2)).toBe(BigInt(round));
    }
  });

  it('sees stores after an ISB when the instruction cache is off', () => {
    machine.setInstructionCache(false);
    const loop = [orrShifted(5, 4, 0, 5), strW(5, 1), dsb, isb, blr(1), add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    machine.write(OTHER, returns(0));
    expect(machine.run(MAIN, 50, OTHER, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(50));
  });

  it('sees stores to its own page after an ISB when the instruction cache is off', () => {
    machine.setInstructionCache(false);
    const loop = [orrShifted(5, 4, 0, 5), strW(5, 1), dsb, isb, nop, add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    expect(machine.run(MAIN, 50, MAIN + 4 * 4, 0, 0, MOVE_X2)).toBe(true);
    expect(machine.x(3)).toBe(triangle(50));
  });

  it('executes the newly mapped page when an address is mapped elsewhere', () => {
    machine.write(OTHER, returns(1));
    machine.write(OTHER + PAGE, returns(2));
    machine.mapWindow(0, OTHER);
    // X1 = descriptor, X6 and X7 = descriptors of the two pages, X8 = VA / 4096, X9 = VA.
    const remap = (descriptor: number) => [
      strX(descriptor, 1),
      dsb,
      tlbiVae1(8),
      dsb,
      isb,
      blr(9),
      add(3, 3, 2),
    ];
    const loop = [...remap(6), ...remap(7), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    const [first, second] = [machine.windowDescriptor(OTHER), machine.windowDescriptor(OTHER + PAGE)];
    const entry = machine.windowEntry(0);
    expect(machine.run(MAIN, ROUNDS, entry, 0, 0, 0, 0, first, second, WINDOW >>> 12, WINDOW)).toBe(true);
    expect(machine.x(3)).toBe(BigInt(3 * ROUNDS));
  });

  it('crosses into the newly mapped page when a running loop has the next page mapped elsewhere', () => {
    // The loop runs in the window: its first page remaps the second, which ends the round.
    const head = [strX(6, 1), dsb, tlbiVae1(8), dsb, isb, mov(10, 6), mov(6, 7), mov(7, 10)];
    const tail = (value: number) => [
      addImmediate(3, 3, value),
      subImmediate(0, 0, 1),
      cbnz(0, -(head.length + 2)),
      wfi,
    ];
    machine.write(OTHER + PAGE - head.length * 4, head);
    machine.write(OTHER + 2 * PAGE, tail(1));
    machine.write(OTHER + 3 * PAGE, tail(100));
    machine.mapWindow(0, OTHER);
    machine.mapWindow(1, OTHER + 2 * PAGE);
    machine.write(MAIN, [br(9)]);
    const [first, second] = [OTHER + 2 * PAGE, OTHER + 3 * PAGE].map((page) =>
      machine.windowDescriptor(page),
    );
    const start = WINDOW + PAGE - head.length * 4;
    const page = (WINDOW + PAGE) >>> 12;
    const entry = machine.windowEntry(1);
    expect(machine.run(MAIN, ROUNDS, entry, 0, 0, 0, 0, first ?? 0n, second ?? 0n, page, start)).toBe(true);
    expect(machine.x(3)).toBe(BigInt((ROUNDS / 2) * 101));
  });

  // X1 = descriptor's address, X6 = new descriptor, X8 = VA / 4096.
  const remap = [strX(6, 1), dsb, tlbiVae1(8), dsb, isb];

  it('goes on in the newly mapped page when code maps its own page elsewhere', () => {
    machine.write(OTHER, [...remap, movz(2, 1), wfi]);
    machine.write(OTHER + PAGE, [...remap, movz(2, 2), wfi]);
    machine.write(MAIN, [br(9)]);
    const entry = machine.windowEntry(0);
    for (let round = 0; round < 40; round++) {
      const [now, next] = round % 2 === 0 ? [0, 1] : [1, 0];
      if (round === 0) machine.mapWindow(0, OTHER + now * PAGE);
      const descriptor = machine.windowDescriptor(OTHER + next * PAGE);
      const page = WINDOW >>> 12;
      expect(machine.run(MAIN, 0, entry, 0, 0, 0, 0, descriptor, 0, page, WINDOW)).toBe(true);
      expect([round, machine.x(2)]).toEqual([round, BigInt(next + 1)]);
    }
  });

  it('returns into the newly mapped page when a function maps its caller elsewhere', () => {
    // The callers count rounds in X0 and add 1 or 100 to X3; X6 and X7, the descriptors, change places.
    const swap = [mov(10, 6), mov(6, 7), mov(7, 10)];
    machine.write(OTHER + 4 * PAGE, [...remap, ...swap, ret]);
    const caller = (value: number) => [
      blr(11),
      addImmediate(3, 3, value),
      subImmediate(0, 0, 1),
      cbnz(0, -3),
      br(12),
    ];
    machine.write(OTHER, caller(1));
    machine.write(OTHER + PAGE, caller(100));
    machine.write(MAIN, [br(9)]);
    machine.write(MAIN + 0x100, [wfi]);
    machine.mapWindow(0, OTHER);
    const [first, second] = [OTHER, OTHER + PAGE].map((page) => machine.windowDescriptor(page));
    const registers = [
      ROUNDS,
      machine.windowEntry(0),
      0,
      0,
      0,
      0,
      second ?? 0n,
      first ?? 0n,
      WINDOW >>> 12,
      WINDOW,
    ];
    expect(machine.run(MAIN, ...registers, 0, OTHER + 4 * PAGE, MAIN + 0x100)).toBe(true);
    expect(machine.x(3)).toBe(BigInt((ROUNDS / 2) * 101));
  });

  it('computes its own addresses when the same page runs at two addresses', () => {
    machine.write(OTHER, [adr(2, 0), ret]);
    machine.mapWindow(3, OTHER);
    const loop = [blr(1), add(3, 3, 2), blr(6), add(3, 3, 2), subImmediate(0, 0, 1)];
    machine.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    const alias = WINDOW + 3 * PAGE;
    expect(machine.run(MAIN, ROUNDS, OTHER, 0, 0, 0, 0, alias)).toBe(true);
    expect(machine.x(3)).toBe(BigInt(ROUNDS) * BigInt(OTHER + alias));
  });

  it('sees the patch at both addresses when a page has two', () => {
    // Written and announced at one address, executed at the other.
    machine.write(OTHER, returns(0));
    machine.mapWindow(5, OTHER);
    machine.write(MAIN, patchLoop([blr(6)]));
    expect(machine.run(MAIN, ROUNDS, OTHER, 0, 0, MOVE_X2, 0, WINDOW + 5 * PAGE)).toBe(true);
    expect(machine.x(3)).toBe(triangle(ROUNDS));
  });

  it('runs the right code when there is more of it than decoded pages are kept', async () => {
    const pages = 4150;
    const roomy = await CodeMachine.create(engine, 0x180_0000);
    const added = (n: number) => n & 0xfff;
    const sumOf = (count: number) => {
      let sum = 0n;
      for (let n = 0; n < count; n++) sum += BigInt(added(n));
      return sum;
    };
    for (let n = 0; n < pages; n++) roomy.write(OTHER + n * PAGE, [addImmediate(2, 2, added(n)), ret]);
    // X1 = callee, X6 = page size; then the first pages, which have given way to the last, again.
    const loop = [blr(1), add(1, 1, 6), subImmediate(0, 0, 1)];
    roomy.write(MAIN, [...loop, cbnz(0, -loop.length), wfi]);
    for (const count of [pages, 100]) {
      expect(roomy.run(MAIN, count, OTHER, 0, 0, 0, 0, PAGE)).toBe(true);
      expect([count, roomy.x(2)]).toEqual([count, sumOf(count)]);
    }
  });

  it('translates in the modes that translate', () => {
    machine.write(MAIN, patchLoop([nop]));
    machine.run(MAIN, ROUNDS, OTHER, 0, 0, MOVE_X2);
    expect((machine.jit?.regionsCompiled ?? 0) > 0).toBe(engine !== 'interpret');
  });
});
