/**
 * PL061 GPIO (Arm DDI 0190B): eight pins with edge or level interrupts. Inputs come from `setInput`;
 * outputs go nowhere yet, but read back.
 */
import type { AccessSize, InterruptLine, MmioDevice, SavedState, Stateful } from '../base/ports.ts';
import { StateReader } from '../base/saved-state.ts';
import { primeCellBytes, readPrimeCellId } from './primecell.ts';

export const PL061_WINDOW_SIZE = 0x1000;

/** GPIODATA takes 0x000 … 0x3fc: address bits 9:2 choose the pins that are read or written (2.1). */
const GPIODATA_END = 0x400;
const GPIODIR = 0x400;
const GPIOIS = 0x404;
const GPIOIBE = 0x408;
const GPIOIEV = 0x40c;
const GPIOIE = 0x410;
const GPIORIS = 0x414;
const GPIOMIS = 0x418;
const GPIOIC = 0x41c;
const GPIOAFSEL = 0x420;
const PINS = 0xff;

const STORED = [GPIODIR, GPIOIS, GPIOIBE, GPIOIEV, GPIOIE, GPIOAFSEL] as const;
const IDENTIFICATION = primeCellBytes({ partNumber: 0x061, revision: 0 });
const STATE_VERSION = 1;

export class Pl061 implements MmioDevice, Stateful {
  private readonly interrupt: InterruptLine;
  private readonly stored: Record<number, number> = {};
  private outputs = 0;
  private inputs = 0;
  /** Edges seen and not yet cleared. */
  private edges = 0;
  /** Pins whose high level ends when the guest has read it; see `pressMomentarily`. */
  private momentary = 0;

  constructor(interrupt: InterruptLine) {
    this.interrupt = interrupt;
    for (const register of STORED) this.stored[register] = 0;
  }

  setInput(pin: number, high: boolean): void {
    const before = this.pins();
    this.inputs = high ? this.inputs | (1 << pin) : this.inputs & ~(1 << pin);
    this.pinsChanged(before);
  }

  /**
   * A key press as a person makes it: the pin goes high, and low again only after the guest has seen it high
   * (read its data bit), because drivers wait for bounces to end and then look at the level.
   */
  pressMomentarily(pin: number): void {
    if (this.inputs & (1 << pin)) this.setInput(pin, false);
    this.momentary |= 1 << pin;
    this.setInput(pin, true);
  }

  read(offset: number, _size: AccessSize): number {
    const register = offset & ~3;
    if (register < GPIODATA_END) return this.readData((register >> 2) & PINS);
    switch (register) {
      case GPIORIS:
        return this.rawInterrupts();
      case GPIOMIS:
        return this.rawInterrupts() & this.stored[GPIOIE]!;
      default:
        return this.stored[register] ?? readPrimeCellId(IDENTIFICATION, register) ?? 0;
    }
  }

  write(offset: number, _size: AccessSize, value: number): void {
    const register = offset & ~3;
    const before = this.pins();
    if (register < GPIODATA_END) {
      const selected = (register >> 2) & this.stored[GPIODIR]!;
      this.outputs = (this.outputs & ~selected) | (value & selected);
    } else if (register === GPIOIC) this.edges &= ~value;
    else if (this.stored[register] !== undefined) this.stored[register] = value & PINS;
    this.pinsChanged(before);
  }

  saveState(): SavedState {
    const { outputs, inputs, edges, momentary } = this;
    const registers = STORED.map((register) => this.stored[register]!);
    return { version: STATE_VERSION, registers, outputs, inputs, edges, momentary };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('pl061', state, STATE_VERSION);
    const registers = reader.numbers('registers', STORED.length);
    this.outputs = reader.number('outputs');
    this.inputs = reader.number('inputs');
    this.edges = reader.number('edges');
    this.momentary = reader.number('momentary');
    for (const [index, register] of STORED.entries()) this.stored[register] = registers[index]!;
    this.updateInterrupt();
  }

  private pins(): number {
    const direction = this.stored[GPIODIR]!;
    return (this.outputs & direction) | (this.inputs & ~direction);
  }

  private readData(selected: number): number {
    const value = this.pins() & selected;
    const released = value & this.momentary;
    if (released !== 0) {
      const before = this.pins();
      this.momentary &= ~released;
      this.inputs &= ~released;
      this.pinsChanged(before);
    }
    return value;
  }

  /** Edge detection (3.2): IBE takes both edges, otherwise IEV chooses rising or falling. */
  private pinsChanged(before: number): void {
    const now = this.pins();
    const changed = (before ^ now) & ~this.stored[GPIOIS]!;
    const wanted = ~(now ^ this.stored[GPIOIEV]!) | this.stored[GPIOIBE]!;
    this.edges |= changed & wanted & PINS;
    this.updateInterrupt();
  }

  private rawInterrupts(): number {
    const levels = this.stored[GPIOIS]!;
    const active = ~(this.pins() ^ this.stored[GPIOIEV]!) & PINS;
    return (this.edges & ~levels) | (active & levels);
  }

  private updateInterrupt(): void {
    this.interrupt.setLevel((this.rawInterrupts() & this.stored[GPIOIE]!) !== 0);
  }
}
