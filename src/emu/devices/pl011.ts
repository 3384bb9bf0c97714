/**
 * PL011 UART (Arm DDI 0183G), revision 1 with FIFOs of 16.
 *
 * Output leaves at once: the transmit FIFO is always empty and FR never shows busy. Host input waits in one
 * queue whose head is the receive FIFO, so nothing typed is ever lost to an overrun. Input and output work
 * whatever UARTCR says, because guests started without firmware (earlycon, bare metal) rely on it.
 */
import type { AccessSize, InterruptLine, MmioDevice, SavedState, Stateful } from '../base/ports.ts';
import { StateReader } from '../base/saved-state.ts';
import { primeCellBytes, readPrimeCellId } from './primecell.ts';

export const PL011_WINDOW_SIZE = 0x1000;

const DR = 0x000;
const RSR_ECR = 0x004;
const FR = 0x018;
const ILPR = 0x020;
const IBRD = 0x024;
const FBRD = 0x028;
const LCR_H = 0x02c;
const CR = 0x030;
const IFLS = 0x034;
const IMSC = 0x038;
const RIS = 0x03c;
const MIS = 0x040;
const ICR = 0x044;
const DMACR = 0x048;

/** Implemented bits of the registers that only hold what was written (table 3-1 gives the widths). */
const STORED_BITS: Readonly<Record<number, number>> = {
  [ILPR]: 0xff,
  [IBRD]: 0xffff,
  [FBRD]: 0x3f,
  [LCR_H]: 0xff,
  [CR]: 0xff87,
  [IFLS]: 0x3f,
  [IMSC]: 0x7ff,
  [DMACR]: 0x7,
};
/** Reset values other than zero. */
const RESET_VALUES: Readonly<Record<number, number>> = { [CR]: 0x300, [IFLS]: 0x12 };

const FR_RXFE = 1 << 4;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;
const LCR_H_FEN = 1 << 4;
const CR_LBE = 1 << 7;

/** Interrupt bits, in IMSC, RIS, MIS and ICR alike. The modem and error interrupts never occur. */
const INT_RX = 1 << 4;
const INT_TX = 1 << 5;
const INT_RT = 1 << 6;

const FIFO_DEPTH = 16;
/** IFLS.RXIFLSEL → characters in the FIFO that raise the receive interrupt; other values are reserved. */
const RECEIVE_TRIGGER = [2, 4, 8, 12, 14] as const;
const RXIFLSEL_SHIFT = 3;
const RXIFLSEL_MASK = 7;

const IDENTIFICATION = primeCellBytes({ partNumber: 0x011, revision: 1 });
const STATE_VERSION = 1;

export interface Pl011Ports {
  /** UARTINTR, the combined interrupt. */
  readonly interrupt: InterruptLine;
  /** Takes every character the guest sends, in order. */
  readonly output: (byte: number) => void;
}

export class Pl011 implements MmioDevice, Stateful {
  private readonly ports: Pl011Ports;
  private readonly stored: Record<number, number> = {};
  private rawInterrupts = 0;
  /** Host input not yet read by the guest; the receive FIFO is its head. */
  private received: number[] = [];
  /** Index in `received` of the next character, so that reading is not a shift. */
  private readAt = 0;

  constructor(ports: Pl011Ports) {
    this.ports = ports;
    for (const key of Object.keys(STORED_BITS)) this.stored[Number(key)] = RESET_VALUES[Number(key)] ?? 0;
  }

  /** Host input: bytes arriving on the line. */
  receive(bytes: Iterable<number>): void {
    for (const byte of bytes) this.received.push(byte & 0xff);
    this.characterArrived();
  }

  read(offset: number, _size: AccessSize): number {
    const register = offset & ~3;
    switch (register) {
      case DR:
        return this.takeCharacter();
      case FR:
        return this.flags();
      case RIS:
        return this.rawInterrupts;
      case MIS:
        return this.rawInterrupts & this.stored[IMSC]!;
      // Framing, parity, break and overrun errors do not occur.
      case RSR_ECR:
        return 0;
      default:
        return this.stored[register] ?? readPrimeCellId(IDENTIFICATION, register) ?? 0;
    }
  }

  write(offset: number, _size: AccessSize, value: number): void {
    const register = offset & ~3;
    if (register === DR) this.send(value & 0xff);
    else if (register === ICR) this.rawInterrupts &= ~value;
    else {
      const bits = STORED_BITS[register];
      if (bits === undefined) return;
      this.stored[register] = value & bits;
      if (register === LCR_H || register === IFLS) this.receiveLevelChanged();
    }
    this.updateInterrupt();
  }

  saveState(): SavedState {
    return {
      version: STATE_VERSION,
      registers: Object.keys(STORED_BITS).map((key) => this.stored[Number(key)]!),
      rawInterrupts: this.rawInterrupts,
      received: Uint8Array.from(this.received.slice(this.readAt)),
    };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('pl011', state, STATE_VERSION);
    const keys = Object.keys(STORED_BITS).map(Number);
    const registers = reader.numbers('registers', keys.length);
    const received = [...reader.bytes('received')];
    this.rawInterrupts = reader.number('rawInterrupts');
    for (const [index, key] of keys.entries()) this.stored[key] = registers[index]!;
    this.received = received;
    this.readAt = 0;
    this.updateInterrupt();
  }

  private get fifoDepth(): number {
    return this.stored[LCR_H]! & LCR_H_FEN ? FIFO_DEPTH : 1;
  }

  /** Characters in the receive FIFO. */
  private get level(): number {
    return Math.min(this.received.length - this.readAt, this.fifoDepth);
  }

  private get trigger(): number {
    if (this.fifoDepth === 1) return 1;
    return RECEIVE_TRIGGER[(this.stored[IFLS]! >> RXIFLSEL_SHIFT) & RXIFLSEL_MASK] ?? FIFO_DEPTH;
  }

  private flags(): number {
    const level = this.level;
    return FR_TXFE | (level === 0 ? FR_RXFE : 0) | (level === this.fifoDepth ? FR_RXFF : 0);
  }

  private send(byte: number): void {
    if (this.stored[CR]! & CR_LBE) {
      // Looped back, a full FIFO drops it: the guest must not grow the host's queue.
      if (this.level < this.fifoDepth) this.received.push(byte);
      this.characterArrived();
    } else {
      this.ports.output(byte);
    }
    // The character has left already, so the FIFO is at or below its trigger level again (2.8.2).
    this.rawInterrupts |= INT_TX;
  }

  /**
   * The line is quiet as soon as a character is in the FIFO, so the receive timeout (2.8.2: 32 bit periods
   * without a character) passes at once and drivers need not wait for the trigger level.
   */
  private characterArrived(): void {
    if (this.level > 0) this.rawInterrupts |= INT_RT;
    this.receiveLevelChanged();
    this.updateInterrupt();
  }

  private receiveLevelChanged(): void {
    const level = this.level;
    if (level >= this.trigger) this.rawInterrupts |= INT_RX;
    else this.rawInterrupts &= ~INT_RX;
    if (level === 0) this.rawInterrupts &= ~INT_RT;
  }

  private takeCharacter(): number {
    if (this.readAt === this.received.length) return 0;
    const refills = this.received.length - this.readAt > this.fifoDepth;
    const byte = this.received[this.readAt++]!;
    if (this.readAt === this.received.length) {
      this.received = [];
      this.readAt = 0;
    }
    if (refills) this.rawInterrupts |= INT_RT;
    this.receiveLevelChanged();
    this.updateInterrupt();
    return byte;
  }

  private updateInterrupt(): void {
    this.ports.interrupt.setLevel((this.rawInterrupts & this.stored[IMSC]!) !== 0);
  }
}
