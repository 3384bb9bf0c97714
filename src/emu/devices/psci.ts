/**
 * PSCI 1.1 (Arm DEN 0022D) and the part of the SMC Calling Convention (DEN 0028) that announces it: what
 * HVC or SMC does when no hypervisor or secure monitor is emulated. Stateless; the ports act.
 *
 * Registers are unsigned 64-bit BigInts: a guest makes a handful of such calls in a boot.
 */

/** Result codes (5.2.2). */
export const PSCI_RESULT = {
  success: 0,
  notSupported: -1,
  invalidParameters: -2,
  denied: -3,
  alreadyOn: -4,
  onPending: -5,
  internalFailure: -6,
  notPresent: -7,
  disabled: -8,
  invalidAddress: -9,
} as const;
export type PsciResult = (typeof PSCI_RESULT)[keyof typeof PSCI_RESULT];

/** AFFINITY_INFO's answers (5.7.2). */
export const AFFINITY_STATE = { on: 0, off: 1, onPending: 2 } as const;
export type AffinityState = (typeof AFFINITY_STATE)[keyof typeof AFFINITY_STATE];

export interface PsciPorts {
  /** Starts the CPU with this MPIDR affinity at `entry` with x0 = `context`, at the caller's exception level. */
  cpuOn(affinity: bigint, entry: bigint, context: bigint): PsciResult;
  /** Stops the calling CPU; it does not return to the guest. Only a refusal is a result. */
  cpuOff(): PsciResult;
  /** Puts the calling CPU to sleep until an interrupt is pending, as WFI does. */
  cpuSuspend(): void;
  affinityState(affinity: bigint): AffinityState | undefined;
  systemOff(): void;
  systemReset(): void;
}

export interface Psci {
  /**
   * Carries out the call in x0 … x3 and returns the new x0. Calls that are not known return NOT_SUPPORTED,
   * as the calling convention asks; x1 to x3 stay as they are.
   */
  call(x0: bigint, x1: bigint, x2: bigint, x3: bigint): bigint;
}

const PSCI_VERSION_1_1 = 0x0001_0001;
const SMCCC_VERSION_1_1 = 0x0001_0001;
/** MIGRATE_INFO_TYPE: there is no trusted OS that would have to move (5.9.2). */
const NO_TRUSTED_OS = 2;
/** Bit 30 of a function identifier: arguments are 64 bits wide. */
const SMC64 = 1n << 30n;
const MASK_32 = 0xffff_ffffn;
const AFFINITY_MASK = 0xff_00ff_ffffn;

type Arguments = readonly [bigint, bigint, bigint];
type Call = (ports: PsciPorts, args: Arguments) => number;

/** Function identifiers of the 32-bit convention; those marked wide exist in the 64-bit one as well. */
interface FunctionRow {
  readonly id: number;
  readonly name: string;
  readonly wide: boolean;
  readonly call: Call;
}

/** Every power state is entered as standby: the interface lets a shallower state stand for a deeper one (5.4.4). */
function suspend(ports: PsciPorts): number {
  ports.cpuSuspend();
  return PSCI_RESULT.success;
}

const FUNCTIONS: readonly FunctionRow[] = [
  { id: 0x8400_0000, name: 'PSCI_VERSION', wide: false, call: () => PSCI_VERSION_1_1 },
  { id: 0x8400_0001, name: 'CPU_SUSPEND', wide: true, call: suspend },
  { id: 0x8400_0002, name: 'CPU_OFF', wide: false, call: (ports) => ports.cpuOff() },
  {
    id: 0x8400_0003,
    name: 'CPU_ON',
    wide: true,
    call: (ports, [affinity, entry, context]) => ports.cpuOn(affinity & AFFINITY_MASK, entry, context),
  },
  {
    id: 0x8400_0004,
    name: 'AFFINITY_INFO',
    wide: true,
    call: (ports, [affinity, level]) =>
      level === 0n
        ? (ports.affinityState(affinity & AFFINITY_MASK) ?? PSCI_RESULT.invalidParameters)
        : PSCI_RESULT.invalidParameters,
  },
  { id: 0x8400_0006, name: 'MIGRATE_INFO_TYPE', wide: false, call: () => NO_TRUSTED_OS },
  {
    id: 0x8400_0008,
    name: 'SYSTEM_OFF',
    wide: false,
    call: (ports) => {
      ports.systemOff();
      return PSCI_RESULT.internalFailure;
    },
  },
  {
    id: 0x8400_0009,
    name: 'SYSTEM_RESET',
    wide: false,
    call: (ports) => {
      ports.systemReset();
      return PSCI_RESULT.internalFailure;
    },
  },
  {
    id: 0x8400_000a,
    name: 'PSCI_FEATURES',
    wide: false,
    call: (_ports, [id]) => (find(id & MASK_32) ? 0 : PSCI_RESULT.notSupported),
  },
  { id: 0x8000_0000, name: 'SMCCC_VERSION', wide: false, call: () => SMCCC_VERSION_1_1 },
  {
    id: 0x8000_0001,
    name: 'SMCCC_ARCH_FEATURES',
    wide: false,
    call: (_ports, [id]) => {
      const name = find(id & MASK_32)?.name;
      return name?.startsWith('SMCCC_') ? 0 : PSCI_RESULT.notSupported;
    },
  },
];

const BY_ID = new Map<bigint, FunctionRow>(
  FUNCTIONS.flatMap((row): [bigint, FunctionRow][] => {
    const id = BigInt(row.id);
    return row.wide
      ? [
          [id, row],
          [id | SMC64, row],
        ]
      : [[id, row]];
  }),
);

function find(id: bigint): FunctionRow | undefined {
  return BY_ID.get(id);
}

export function createPsci(ports: PsciPorts): Psci {
  return {
    call(x0, x1, x2, x3) {
      const id = x0 & MASK_32;
      const row = find(id);
      const mask = id & SMC64 ? -1n : MASK_32;
      const result = row ? row.call(ports, [x1 & mask, x2 & mask, x3 & mask]) : PSCI_RESULT.notSupported;
      return BigInt.asUintN(64, BigInt(result));
    },
  };
}
