/**
 * One vCPU's memory path behind the TLB fast path: translation and refill, page-crossing and device accesses,
 * alignment, in-place access for atomics, instruction fetch, address-translation instructions.
 *
 * Invariant: the TLB pointers in the state block always name banks of the current EL, PAN, UAO and tables; or the
 * empty bank, until the first access as EL0 resolves it, and while every access must be checked for alignment.
 */
import type { AccessSize } from '../base/ports.ts';
import { CPU } from '../layout/cpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import {
  ACCESS_CACHE_MAINTENANCE,
  ACCESS_ORDERED,
  ACCESS_READ,
  ACCESS_UNPRIVILEGED,
  ACCESS_WRITE,
  ACCESS_ZERO_BLOCK,
  type Access,
  elementAlignmentMask,
  elementSizeOf,
  instructionAlignmentMask,
  loadAccess,
  sizeOf,
  ZERO_BLOCK_BYTES,
} from './access.ts';
import { ALIGNMENT_FAULT, EXTERNAL_ABORT, type FaultSink, UNSUPPORTED_ATOMIC_FAULT } from './faults.ts';
import { type RegimeRegisters, Stage1Regime } from './regime.ts';
import {
  EL0_EXECUTE,
  EL0_READ,
  EL0_WRITE,
  NO_FAULT,
  permissionFault,
  TableWalker,
  Translation,
} from './table-walk.ts';
import { type BankContext, type BankKind, type TlbBank, TlbBanks, type TlbPlacement } from './tlb.ts';

const PAGE_SIZE = 0x1000;
const PAGE_MASK = 0xfff;
const BUS_WORD = 4;
/** FEAT_LSE2: what lies within such a quantity is single-copy atomic. */
const ATOMIC_QUANTITY_BYTES = 16;
/** What `locate` answers besides a linear-memory address. */
const DEVICE = 0;
const FAULT = -1;

export interface MmuPlacement extends TlbPlacement {
  readonly block: number;
}

export interface MmuBus {
  read(address: number, size: AccessSize): number;
  write(address: number, size: AccessSize, value: number): boolean;
}

export interface MmuPorts {
  readonly memory: GuestMemory;
  readonly bus: MmuBus;
  readonly faults: FaultSink;
  /** FEAT_BTI: code runs in a guarded page. */
  readonly guardedPage?: (() => void) | undefined;
  /** Virtual addresses may lead elsewhere from now on. */
  readonly contextChanged: () => void;
  readonly placement: MmuPlacement;
  readonly fastPathChecksAlignment: boolean;
  /**
   * FEAT_LSE2: atomics and ordered accesses need not be aligned within a quantity of 16 bytes. An atomic in RAM
   * at such an address is carried out by this, told where it is, because hosts have none.
   */
  readonly misalignedAtomic?: ((linearAddress: number) => void) | undefined;
  readonly watch?: DataWatch;
}

/** Watchpoints, which are met by accesses that nothing else forbids (Arm ARM D1.3.5.5). */
export interface DataWatch {
  /** Whether the page stays out of the TLB, so that every access to it is asked about. */
  watchesPage(vaLo: number, vaHi: number): boolean;
  /** Takes the exception of an access as if from `el` that is watched; whether it did. */
  meets(vaLo: number, vaHi: number, access: Access, el: number): boolean;
}

const PLAIN_BYTE = loadAccess(1);

export class Mmu {
  readonly regime = new Stage1Regime();
  private readonly walker: TableWalker;
  private readonly tlb: TlbBanks;
  private readonly ports: MmuPorts;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly scratch: number;
  private readonly block: number;
  private readonly found = new Translation();
  private registers!: RegimeRegisters;
  private highBase = 0;
  private el = 1;
  private pan = false;
  private uao = false;
  /** Banks of the current tables, resolved when first needed. */
  private el0: TlbBank | undefined;
  private el1: TlbBank | undefined;
  private el1Pan: TlbBank | undefined;
  private current: TlbBank;
  /** Physical address and fault of the last `locate`. */
  private physical = 0;
  private fault = NO_FAULT;

  constructor(ports: MmuPorts) {
    this.ports = ports;
    const memory = ports.memory.memory;
    this.walker = new TableWalker(ports.memory);
    this.tlb = new TlbBanks(memory, ports.placement);
    this.words = new Int32Array(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    this.block = ports.placement.block;
    this.scratch = this.block + CPU.SCRATCH;
    this.current = this.tlb.empty;
  }

  // Contexts.

  /** After a change of SCTLR_EL1, TCR_EL1 or MAIR_EL1, and once before anything else. */
  configure(registers: RegimeRegisters): void {
    this.registers = registers;
    this.regime.configure(registers);
    this.tablesChanged();
  }

  /** After a change of TTBRn_EL1 alone. */
  configureTables(registers: RegimeRegisters): void {
    this.registers = registers;
    this.regime.configureTables(registers);
    this.tablesChanged();
  }

  private tablesChanged(): void {
    this.highBase = this.regime.enabled ? this.regime.high.tableBase : 0;
    this.el0 = undefined;
    this.el1 = undefined;
    this.el1Pan = undefined;
    this.enter(this.el, this.pan, this.uao);
    this.ports.contextChanged();
  }

  /** After a change of PSTATE.EL, PAN or UAO. */
  enter(el: number, pan: boolean, uao: boolean): void {
    this.el = el;
    this.pan = pan;
    this.uao = uao;
    this.current = el === 0 ? this.userBank() : this.kernelBank();
    this.point(this.current, CPU.TLB_READ, CPU.TLB_WRITE);
    const fetch = (this.block + CPU.FETCH_TLB) >>> 2;
    if (this.words[fetch] !== this.current.fetch) this.ports.contextChanged();
    this.words[fetch] = this.current.fetch;
    const unprivileged = el === 0 || uao ? this.current : (this.el0 ?? this.tlb.empty);
    this.point(unprivileged, CPU.TLB_READ_UNPRIVILEGED, CPU.TLB_WRITE_UNPRIVILEGED);
  }

  /** Shows a bank to the fast path; where alignment matters and it does not check that, only to `locate`. */
  private point(bank: TlbBank, readField: number, writeField: number): void {
    const { enabled, alignmentChecked } = this.regime;
    const shown = this.ports.fastPathChecksAlignment || (enabled && !alignmentChecked);
    this.words[(this.block + readField) >>> 2] = (shown ? bank : this.tlb.empty).read;
    this.words[(this.block + writeField) >>> 2] = (shown ? bank : this.tlb.empty).write;
  }

  private kernelBank(): TlbBank {
    if (this.pan) return (this.el1Pan ??= this.select('el1-pan'));
    return (this.el1 ??= this.select('el1'));
  }

  private userBank(): TlbBank {
    return (this.el0 ??= this.select('el0'));
  }

  private select(kind: BankKind): TlbBank {
    return this.tlb.select(this.context(kind), [this.current, this.el0, this.el1, this.el1Pan]);
  }

  private context(kind: BankKind): BankContext {
    const { regime } = this;
    if (!regime.enabled)
      return { kind: 'flat', signature: regime.signature, lowBase: 0, highBase: 0, asid: 0 };
    const lowBase = regime.low.tableBase;
    return { kind, signature: regime.signature, lowBase, highBase: this.highBase, asid: regime.asid };
  }

  // TLB maintenance.

  /** Before `configure` takes over a new state: nothing that was known holds. */
  forgetBanks(): void {
    this.tlb.invalidateAll();
  }

  invalidateAll(): void {
    this.tlb.invalidateAll();
    this.tablesChanged();
  }

  invalidateAsid(asid: number): void {
    this.tlb.invalidateAsid((other) => this.regime.sameAsid(asid, other, this.registers.tcrHi));
    this.tablesChanged();
  }

  /** `vaHi` needs bits 55:32 only. */
  invalidateAddress(vaLo: number, vaHi: number): void {
    this.tlb.invalidateAddress(vaLo, vaHi);
    this.ports.contextChanged();
  }

  // Data accesses.

  /** Address of RAM that plain accesses may use up to the end of the page, 0 where each must ask. Never faults. */
  probe(vaLo: number, vaHi: number, access: Access): number {
    const writes = (access & ACCESS_WRITE) !== 0;
    this.count(writes ? CPU.COUNT_WRITE_MISSES : CPU.COUNT_READ_MISSES);
    this.locate(vaLo, vaHi, writes ? EL0_WRITE : EL0_READ, PLAIN_BYTE);
    const array = this.words[(this.block + (writes ? CPU.TLB_WRITE : CPU.TLB_READ)) >>> 2];
    return this.tlb.probe(array as number, vaLo, vaHi);
  }

  readSlow(vaLo: number, vaHi: number, access: Access): number {
    this.count(CPU.COUNT_READ_MISSES);
    if (this.misaligned(vaLo, access)) return this.abort(vaLo, vaHi, ALIGNMENT_FAULT, access);
    const size = sizeOf(access);
    if ((vaLo & PAGE_MASK) + size > PAGE_SIZE) {
      return this.moveAcrossPages(vaLo, vaHi, access, EL0_READ) ? this.scratch : 0;
    }
    const at = this.locate(vaLo, vaHi, EL0_READ, access);
    if (at === FAULT) return this.abort(vaLo, vaHi, this.fault, access);
    if (this.isWatched(vaLo, vaHi, access)) return 0;
    if (at !== DEVICE) return at;
    const read = this.readDevice(this.physical, 0, size, elementSizeOf(access));
    return read ? this.scratch : this.abort(vaLo, vaHi, EXTERNAL_ABORT, access);
  }

  writeSlow(vaLo: number, vaHi: number, access: Access): number {
    this.count(CPU.COUNT_WRITE_MISSES);
    if (this.misaligned(vaLo, access)) return this.abort(vaLo, vaHi, ALIGNMENT_FAULT, access);
    const size = sizeOf(access);
    if ((vaLo & PAGE_MASK) + size > PAGE_SIZE) {
      return this.moveAcrossPages(vaLo, vaHi, access, EL0_WRITE) ? 1 : 0;
    }
    const at = this.locate(vaLo, vaHi, EL0_WRITE, access);
    if (at === FAULT) return this.abort(vaLo, vaHi, this.fault, access);
    if (this.isWatched(vaLo, vaHi, access)) return 0;
    const written = this.movePart(EL0_WRITE, at, this.physical, 0, size, elementSizeOf(access));
    return written ? 1 : this.abort(vaLo, vaHi, EXTERNAL_ABORT, access);
  }

  rmwAddress(vaLo: number, vaHi: number, access: Access): number {
    // What a read alone would meet is reported as a read (ESR_EL1.ISS.WnR).
    const reading = access & ACCESS_READ ? access & ~ACCESS_WRITE : access;
    if (this.misaligned(vaLo, access)) return this.abort(vaLo, vaHi, ALIGNMENT_FAULT, reading);
    const misaligned = (vaLo & instructionAlignmentMask(access)) !== 0;
    let at = FAULT;
    if (access & ACCESS_READ) {
      at = this.locate(vaLo, vaHi, EL0_READ, access);
      if (at === FAULT) return this.abort(vaLo, vaHi, this.fault, reading);
    }
    if (access & ACCESS_WRITE) {
      at = this.locate(vaLo, vaHi, EL0_WRITE, access);
      if (at === FAULT) return this.abort(vaLo, vaHi, this.fault, access);
    }
    if (this.isWatched(vaLo, vaHi, access)) return 0;
    if (at !== DEVICE && misaligned) {
      this.ports.misalignedAtomic?.(at);
      return 0;
    }
    if (at !== DEVICE) return access & ACCESS_ZERO_BLOCK ? (at & -ZERO_BLOCK_BYTES) >>> 0 : at;
    const status = access & ACCESS_ZERO_BLOCK ? EXTERNAL_ABORT : UNSUPPORTED_ATOMIC_FAULT;
    return this.abort(vaLo, vaHi, status, access);
  }

  /** For DC and IC by address: the physical address, or -1 after the fault. Needs read permission. */
  physicalAddress(vaLo: number, vaHi: number, access: Access): number {
    const need = access & ACCESS_WRITE ? EL0_WRITE : EL0_READ;
    const at = this.locate(vaLo, vaHi, need, access);
    if (at === FAULT) {
      this.abort(vaLo, vaHi, this.fault, access);
      return -1;
    }
    if (at === DEVICE) return this.physical;
    return at - this.ports.memory.ramOffset + this.ports.memory.ramBase;
  }

  /**
   * The byte an access begins at: its linear-memory address, DEVICE when it is not RAM (`this.physical` has
   * the physical address), or FAULT (`this.fault` has the status). Refills the TLB.
   */
  private locate(vaLo: number, vaHi: number, need: number, access: Access): number {
    const unprivileged = (access & ACCESS_UNPRIVILEGED) !== 0 && !this.uao;
    const bank = unprivileged && this.el !== 0 ? this.unprivilegedBank() : this.current;
    const hit = this.tlb.probe(need === EL0_WRITE ? bank.write : bank.read, vaLo, vaHi);
    if (hit !== 0) return hit;
    const el = unprivileged ? 0 : this.el;
    const t = this.found;
    this.walker.translate(this.regime, vaLo, vaHi, el, t);
    this.fault = t.fault === NO_FAULT ? permissionFault(t, need, el, this.pan) : t.fault;
    if (this.fault === NO_FAULT && t.device && this.deviceForbids(vaLo, access)) this.fault = ALIGNMENT_FAULT;
    if (this.fault !== NO_FAULT) return FAULT;
    this.physical = t.page + (vaLo & PAGE_MASK);
    const page = this.ports.memory.offsetOf(t.page, PAGE_SIZE);
    if (page < 0) return DEVICE;
    // With the MMU off all memory is Device, whose accesses `misaligned` has looked at.
    if (!t.device || !this.regime.enabled) this.refill(bank, el, vaLo, vaHi, page);
    return page + (vaLo & PAGE_MASK);
  }

  private unprivilegedBank(): TlbBank {
    if (!this.el0) {
      this.userBank();
      this.enter(this.el, this.pan, this.uao);
    }
    return this.el0!;
  }

  /** Device memory takes aligned elements only, and no DC ZVA (Arm ARM B2.7.2). */
  private deviceForbids(vaLo: number, access: Access): boolean {
    if (access & ACCESS_ZERO_BLOCK) return true;
    return (access & ACCESS_CACHE_MAINTENANCE) === 0 && (vaLo & elementAlignmentMask(access)) !== 0;
  }

  /** Enters the page into both arrays as far as it permits: there is no hardware dirty state to keep. */
  private refill(bank: TlbBank, el: number, vaLo: number, vaHi: number, linearPage: number): void {
    const t = this.found;
    if (this.ports.watch?.watchesPage(vaLo, vaHi)) return;
    if (this.tlb.crowded) {
      this.invalidateAll();
      return;
    }
    this.tlb.noteMapping(vaLo, vaHi, t.mappingBits);
    if (this.dependent(vaHi)) bank.noteDependent(vaLo);
    if (permissionFault(t, EL0_READ, el, this.pan) === NO_FAULT) {
      this.tlb.install(bank, false, vaLo, vaHi, linearPage, t.mappingBits);
    }
    if (permissionFault(t, EL0_WRITE, el, this.pan) === NO_FAULT) {
      this.tlb.install(bank, true, vaLo, vaHi, linearPage, t.mappingBits);
    }
  }

  /** Whether the mapping just found depends on TTBR0 or the ASID. */
  private dependent(vaHi: number): boolean {
    return this.regime.enabled && (this.found.nonGlobal || this.regime.halfOf(vaHi) === this.regime.low);
  }

  private misaligned(vaLo: number, access: Access): boolean {
    const mask = instructionAlignmentMask(access);
    if ((vaLo & mask) !== 0 && this.mustBeAligned(vaLo, access)) return true;
    // With the MMU off all data is Device memory, known before the TLB is asked.
    if (!this.regime.enabled) return this.deviceForbids(vaLo, access);
    return this.regime.alignmentChecked && (vaLo & elementAlignmentMask(access)) !== 0;
  }

  /** Whether an instruction that asks for alignment may do without here (FEAT_LSE2, Arm ARM B2.2.1). */
  private mustBeAligned(vaLo: number, access: Access): boolean {
    if (!this.ports.misalignedAtomic) return true;
    if (access & ACCESS_ORDERED && this.regime.orderedNeedNoAlignment) return false;
    return (vaLo & (ATOMIC_QUANTITY_BYTES - 1)) + sizeOf(access) > ATOMIC_QUANTITY_BYTES;
  }

  private abort(vaLo: number, vaHi: number, status: number, access: Access): 0 {
    const maintenance = (access & ACCESS_CACHE_MAINTENANCE) !== 0;
    const write = maintenance || (access & ACCESS_WRITE) !== 0;
    this.ports.faults.dataAbort(vaLo, vaHi, status, write, maintenance);
    return 0;
  }

  private isWatched(vaLo: number, vaHi: number, access: Access): boolean {
    const unprivileged = (access & ACCESS_UNPRIVILEGED) !== 0 && !this.uao;
    return this.ports.watch?.meets(vaLo, vaHi, access, unprivileged ? 0 : this.el) ?? false;
  }

  private count(field: number): void {
    this.words[(this.block + field) >>> 2]!++;
  }

  // Accesses over a page boundary: both parts are located before anything happens.

  /** Moves the bytes between SCRATCH and both pages; false after the abort. */
  private moveAcrossPages(vaLo: number, vaHi: number, access: Access, need: number): boolean {
    const size = sizeOf(access);
    const firstSize = PAGE_SIZE - (vaLo & PAGE_MASK);
    const first = this.locate(vaLo, vaHi, need, access);
    const firstPhysical = this.physical;
    if (first === FAULT) return this.abort(vaLo, vaHi, this.fault, access) !== 0;
    const nextLo = (vaLo + firstSize) | 0;
    const nextHi = nextLo === 0 ? (vaHi + 1) | 0 : vaHi;
    const second = this.locate(nextLo, nextHi, need, access);
    const secondPhysical = this.physical;
    if (second === FAULT) return this.abort(nextLo, nextHi, this.fault, access) !== 0;
    if (this.isWatched(vaLo, vaHi, access)) return false;
    const element = elementSizeOf(access);
    if (!this.movePart(need, first, firstPhysical, 0, firstSize, element)) {
      return this.abort(vaLo, vaHi, EXTERNAL_ABORT, access) !== 0;
    }
    if (!this.movePart(need, second, secondPhysical, firstSize, size - firstSize, element)) {
      return this.abort(nextLo, nextHi, EXTERNAL_ABORT, access) !== 0;
    }
    return true;
  }

  /** One piece within a page: between SCRATCH + offset and RAM at `at`, or the device at `physical`. */
  private movePart(
    need: number,
    at: number,
    physical: number,
    offset: number,
    size: number,
    element: number,
  ): boolean {
    const scratch = this.scratch + offset;
    if (need === EL0_READ) {
      if (at === DEVICE) return this.readDevice(physical, offset, size, element);
      this.bytes.copyWithin(scratch, at, at + size);
    } else {
      if (at === DEVICE) return this.writeDevice(physical, offset, size, element);
      this.bytes.copyWithin(at, scratch, scratch + size);
    }
    return true;
  }

  // Devices: element by element, in pieces the bus knows.

  private readDevice(physical: number, offset: number, size: number, element: number): boolean {
    const unit = busUnit(physical, size, element);
    for (let done = 0; done < size; done += unit) {
      this.count(CPU.COUNT_MMIO);
      const value = this.ports.bus.read(physical + done, unit);
      if (value < 0) return false;
      this.putScratch(offset + done, unit, value);
    }
    return true;
  }

  private writeDevice(physical: number, offset: number, size: number, element: number): boolean {
    const unit = busUnit(physical, size, element);
    for (let done = 0; done < size; done += unit) {
      this.count(CPU.COUNT_MMIO);
      if (!this.ports.bus.write(physical + done, unit, this.getScratch(offset + done, unit))) return false;
    }
    return true;
  }

  private putScratch(offset: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) this.bytes[this.scratch + offset + i] = value >>> (8 * i);
  }

  private getScratch(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | this.bytes[this.scratch + offset + i]!;
    return value >>> 0;
  }

  // Instructions.

  /** What a fetch from an address would meet now, without taking its fault. */
  translateCode(pcLo: number, pcHi: number): Translation {
    const t = this.found;
    this.walker.translate(this.regime, pcLo, pcHi, this.el, t, true);
    if (t.fault === NO_FAULT) t.fault = permissionFault(t, EL0_EXECUTE, this.el, false);
    return t;
  }

  /** Linear-memory address of the page that PC is in, or 0 after an instruction abort. */
  fetchPage(pcLo: number, pcHi: number): number {
    const t = this.translateCode(pcLo, pcHi);
    if (t.fault !== NO_FAULT) {
      this.ports.faults.instructionAbort(t.fault);
      return 0;
    }
    if (t.guarded) this.ports.guardedPage?.();
    const page = this.ports.memory.offsetOf(t.page, PAGE_SIZE);
    if (page < 0) {
      this.ports.faults.instructionAbort(EXTERNAL_ABORT);
      return 0;
    }
    if (this.tlb.crowded) this.invalidateAll();
    this.tlb.noteMapping(pcLo, pcHi, t.mappingBits);
    if (this.dependent(pcHi)) this.current.fetchDependent = true;
    return page;
  }

  /** AT: the translation that an access of this kind would use; `fault` tells whether it would be allowed. */
  translateFor(vaLo: number, vaHi: number, el: number, write: boolean, pan: boolean): Translation {
    const t = this.found;
    this.walker.translate(this.regime, vaLo, vaHi, el, t);
    if (t.fault === NO_FAULT) t.fault = permissionFault(t, write ? EL0_WRITE : EL0_READ, el, pan);
    return t;
  }
}

/** The largest bus access that divides an element and is aligned. */
function busUnit(physical: number, size: number, element: number): AccessSize {
  const unit = Math.min(element, BUS_WORD);
  const misaligned = ((physical % unit) | (size % unit)) !== 0;
  return misaligned ? 1 : (unit as AccessSize);
}
