/** Which accesses of a block are looked up together, and that faults among them stay exact. */
import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/assembler.ts';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine, WINDOW } from '../testing/code-machine.ts';
import { lift } from './lift.ts';
import { mergeAccesses } from './merged-accesses.ts';

/** Each group: where it starts, its length, and the offsets of its accesses by their line. */
function groupsOf(...source: string[]): string[] {
  const words = new Uint32Array(assemble(source.join('\n')).bytes.slice().buffer);
  const instructions = [...words].map((word, index) => {
    const lifted = lift(word | 0);
    if (!lifted) throw new Error(`${source[index]} is not an instruction`);
    return { offset: index * 4, lifted };
  });
  const merged = mergeAccesses({ offset: 0, instructions, successors: [], end: words.length * 4 });
  return [...new Set([...merged.values()].map(({ group }) => group))].map((group) => {
    const { start, bytes, writes } = group;
    const members = [...merged].filter(([, access]) => access.group === group);
    const places = members.map(([index, { offset }]) => `${index}:${offset}`).join(' ');
    return `x${start.register}${start.distance < 0 ? '' : '+'}${start.distance}, ${bytes} bytes${writes ? ', writes' : ''}: ${places}`;
  });
}

describe('mergeAccesses', () => {
  it('follows a frame while SP moves', () => {
    expect(
      groupsOf(
        'stp x29, x30, [sp, #-48]!',
        'stp x19, x20, [sp, #16]',
        'str x21, [sp, #32]',
        'ldp x19, x20, [sp, #16]',
        'ldp x29, x30, [sp], #48',
        'ldr x0, [sp, #8]',
      ),
    ).toEqual(['x31-48, 64 bytes, writes: 0:0 1:16 2:32 3:16 4:0 5:56']);
  });

  it('follows copies and sums', () => {
    expect(groupsOf('ldr x1, [x0]', 'mov x2, x0', 'add x2, x2, #8', 'ldur x3, [x2, #-4]')).toEqual([
      'x0+0, 12 bytes: 0:0 3:4',
    ]);
  });

  it('starts from a register as it is before the first access', () => {
    expect(groupsOf('sub x0, x0, #16', 'ldr x1, [x0], #8', 'ldr x2, [x0]')).toEqual([
      'x0+0, 16 bytes: 1:0 2:8',
    ]);
  });

  it('keeps different bases apart', () => {
    expect(groupsOf('ldr x2, [x0]', 'ldr x3, [x1]', 'ldr x4, [x0, #8]', 'ldrb w5, [x1, #3]')).toEqual([
      'x0+0, 16 bytes: 0:0 2:8',
      'x1+0, 8 bytes: 1:0 3:3',
    ]);
  });

  it.each([
    ['a base that was loaded', ['ldr x0, [x0]', 'ldr x1, [x0, #8]']],
    ['a base that changed by a register', ['ldr x1, [x0]', 'add x0, x0, x2', 'ldr x3, [x0]']],
    ['a base whose low half was copied', ['ldr x1, [x0]', 'mov w0, w0', 'ldr x3, [x0]']],
    ['distances beyond the span', ['ldr x1, [x0]', 'ldr x2, [x0, #256]']],
    ['accesses that demand alignment', ['ldar x1, [x0]', 'stlr x2, [x0]']],
    ['unprivileged accesses', ['ldtr x1, [x0]', 'ldtr x2, [x0, #8]']],
    ['what the runtime may change in between', ['ldr x1, [x0]', 'tlbi vmalle1', 'ldr x2, [x0, #8]']],
    ['register offsets', ['ldr x1, [x0, x2]', 'ldr x1, [x0, x3]']],
  ])('does not merge over %s', (_, source) => {
    expect(groupsOf(...source)).toEqual([]);
  });
});

const PAGE = 4096;
const FRAME_CODE = `
    // x0: a frame; x1: rounds
    mov x9, #0x300000
    msr cpacr_el1, x9
    isb
    mov x6, x0
  again:
    stp x1, x6, [x0, #-48]!
    str x1, [x0, #16]
    strb w1, [x0, #24]
    str q0, [x0, #32]
    ldp x2, x3, [x0]
    ldr x4, [x0, #16]
    ldrb w5, [x0, #24]
    add x0, x0, #48
    sub x1, x1, #1
    cbnz x1, again
    wfi
`;

describe.each(CODE_ENGINE_NAMES)('merged accesses, %s', (engine) => {
  it.each([0, 8, 16, 20, 31, 32, 40, 44, 48])('work %i bytes above the start of a page', async (above) => {
    const machine = await CodeMachine.create(engine);
    machine.mapWindow(0, CODE_RAM + 0x10000);
    machine.mapWindow(1, CODE_RAM + 0x30000);
    machine.writeSource(CODE_RAM, FRAME_CODE);
    const frame = WINDOW + PAGE + above;
    expect(machine.run(CODE_RAM, frame, 40)).toBe(true);
    expect([machine.x(0), machine.x(2), machine.x(3), machine.x(4), machine.x(5)]).toEqual(
      [frame, 1, frame, 1, 1].map(BigInt),
    );
    const bytes = new Uint8Array(PAGE * 2);
    bytes.set(machine.bytesAt(CODE_RAM + 0x10000, PAGE));
    bytes.set(machine.bytesAt(CODE_RAM + 0x30000, PAGE), PAGE);
    const view = new DataView(bytes.buffer);
    expect(view.getBigUint64(PAGE + above - 32, true)).toBe(1n);
    expect(view.getUint8(PAGE + above - 24)).toBe(1);
  });

  it('fault at the access that has no page, after those that have one', async () => {
    const machine = await CodeMachine.create(engine);
    machine.mapWindow(1, CODE_RAM + 0x30000);
    machine.writeSource(
      CODE_RAM,
      `
        // x0: base; x1: rounds
      again:
        str x1, [x0]
        str x1, [x0, #8]
        ldur x2, [x0, #12]
        str x1, [x0, #16]
        sub x1, x1, #1
        cbnz x1, again
        wfi
      `,
    );
    expect(machine.run(CODE_RAM, WINDOW + PAGE, 40)).toBe(true);
    // Now the second half has no page.
    expect(machine.run(CODE_RAM, WINDOW + 2 * PAGE - 16, 7)).toBe(false);
    expect(machine.faulted).toBe(true);
    const stored = new DataView(machine.bytesAt(CODE_RAM + 0x30000, PAGE).slice().buffer);
    expect([stored.getBigUint64(PAGE - 16, true), stored.getBigUint64(PAGE - 8, true)]).toEqual([7n, 7n]);
    expect(machine.x(1)).toBe(7n);
  });
});
