/** Branch target identification in every engine: what indirect branches into guarded pages may meet (FEAT_BTI). */
import { beforeEach, describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine, PAGE, WINDOW } from '../testing/code-machine.ts';
import { cellOffset } from './state.ts';

const GUARDED = 1n << 50n;
const TARGET_PAGE = CODE_RAM + 8 * PAGE;
const SOURCE_PAGE = CODE_RAM + 9 * PAGE;
const BRANCH_TARGET = 0x0d;
const BT1 = 36;

/** Instructions at the target, and the types of branch that they take: BR X16, BLR, BR through another register. */
const PADS = [
  ['nop', []],
  ['bti', []],
  ['bti c', ['x16', 'blr']],
  ['bti j', ['x16', 'br']],
  ['bti jc', ['x16', 'blr', 'br']],
  ['paciasp', ['x16', 'blr', 'br']],
  ['pacibsp', ['x16', 'blr', 'br']],
] as const;
const BRANCHES = { x16: 'mov x16, x1\n br x16', blr: 'blr x1', br: 'br x1' } as const;
const TYPES = { x16: 1, blr: 2, br: 3 } as const;
type Branch = keyof typeof BRANCHES;

describe.each(CODE_ENGINE_NAMES.filter((name) => name !== 'translate elsewhere'))(
  'guarded pages, %s',
  (engine) => {
    let machine: CodeMachine;
    let entry: number;
    beforeEach(async () => {
      machine = await CodeMachine.create(engine);
      entry = CODE_RAM;
    });

    /** Branches 20 times from a guarded page to X1, where `pad` stands; X3 counts arrivals. */
    function arrives(
      branch: Branch,
      pad: string,
      { target = GUARDED, source = GUARDED, setUp = '' } = {},
    ): boolean {
      machine.mapWindow(0, TARGET_PAGE, target);
      machine.mapWindow(1, SOURCE_PAGE, source);
      machine.writeSource(TARGET_PAGE, `${pad}\n add x3, x3, #1\n mov x30, x4\n ret`);
      machine.writeSource(
        SOURCE_PAGE,
        `bti jc\n mov x3, #0\n mov x2, #20\n adr x4, back
      again: ${BRANCHES[branch]}\n back: sub x2, x2, #1\n cbnz x2, again\n wfi`,
      );
      return start(setUp) && machine.x(3) === 20n;
    }
    /** Goes to the guarded page by way of X5, with everything looked up anew. */
    function start(setUp: string): boolean {
      entry += 0x100;
      machine.writeSource(entry, `${setUp}\n tlbi vmalle1\n ic iallu\n dsb sy\n isb\n br x5`);
      return machine.run(entry, 0, WINDOW, 0, 0, 0, WINDOW + PAGE);
    }
    const syndrome = () => {
      const esr = machine.cpu.state.get(cellOffset('ESR_EL1')) >>> 0;
      return { ec: esr >>> 26, iss: esr & 0x1ffffff };
    };

    it.each(PADS)('take at "%s" the branches %j and no others', (pad, taken: readonly Branch[]) => {
      for (const branch of Object.keys(BRANCHES) as Branch[]) {
        expect(arrives(branch, pad), branch).toBe(taken.includes(branch));
        if (taken.includes(branch)) continue;
        expect(syndrome()).toEqual({ ec: BRANCH_TARGET, iss: TYPES[branch] });
        expect(machine.cpu.state.wide(cellOffset('ELR_EL1'))).toBe(BigInt(WINDOW));
        if (branch === 'blr') expect(machine.x(30)).toBe(machine.x(4));
        expect((machine.cpu.state.get(cellOffset('SPSR_EL1')) >>> 10) & 3).toBe(TYPES[branch]);
      }
    });

    it('take every branch when the target is not guarded', () => {
      for (const branch of Object.keys(BRANCHES) as Branch[])
        expect(arrives(branch, 'nop', { target: 0n }), branch).toBe(true);
    });

    it('take jumps from pages that are not guarded like those through X16', () => {
      expect(arrives('br', 'bti c', { source: 0n })).toBe(true);
    });

    it('refuse jumps to PACIASP with SCTLR_EL1.BT1', () => {
      const setUp = `mrs x9, sctlr_el1\n mov x10, #1\n lsl x10, x10, #${BT1}\n orr x9, x9, x10\n msr sctlr_el1, x9`;
      expect(arrives('br', 'paciasp', { setUp })).toBe(false);
      expect(arrives('blr', 'paciasp')).toBe(true);
    });

    it('check a target again when its code has changed', () => {
      expect(arrives('blr', 'bti c')).toBe(true);
      machine.writeSource(TARGET_PAGE, 'nop\n add x3, x3, #1\n mov x30, x4\n ret');
      expect(start('nop')).toBe(false);
      expect(syndrome().ec).toBe(BRANCH_TARGET);
    });

    it('check the target of an exception return with SPSR.BTYPE', () => {
      const enter = (
        type: number,
      ) => `adr x9, here\n isb\n mov x10, #${0x3c5 | (type << 10)}\n msr spsr_el1, x10
      msr elr_el1, x1\n mov x30, x4\n here: eret`;
      machine.mapWindow(0, TARGET_PAGE, GUARDED);
      machine.writeSource(TARGET_PAGE, 'bti j\n wfi');
      for (const [type, passes] of [
        [0, true],
        [1, true],
        [2, false],
        [3, true],
      ] as const) {
        machine.writeSource(CODE_RAM + 0x100 * (type + 1), enter(type));
        expect(machine.run(CODE_RAM + 0x100 * (type + 1), 0, WINDOW), `type ${type}`).toBe(passes);
      }
    });
  },
);
