/**
 * A machine without a CPU, for testing what hosts do around one. It prints a banner and a prompt, echoes
 * what is typed, and obeys a few words; it is idle while it waits for input.
 */
import type {
  EngineStats,
  MachineConfig,
  MachinePorts,
  RunnableMachine,
  SliceResult,
} from '../machine/contract.ts';

export const ECHO_PROMPT = '~ # ';
const INSTRUCTIONS_PER_SLICE = 1000;
const FLOOD_BYTES_PER_SLICE = 1 << 16;

/** What the machine does after the command of the same name. */
type Mode = 'idle' | 'off' | 'reset' | 'spin' | 'flood' | 'throw';

/** Text that a command prints; any other line is answered by `you said: …`. */
const ANSWERS: ReadonlyMap<string, { readonly text: string; readonly mode: Mode }> = new Map([
  ['poweroff', { text: 'reboot: Power down\n', mode: 'off' }],
  ['reboot', { text: 'reboot: Restarting system\n', mode: 'reset' }],
  ['spin', { text: '', mode: 'spin' }],
  ['flood', { text: '', mode: 'flood' }],
  ['throw', { text: '', mode: 'throw' }],
  [
    'panic',
    {
      text:
        '[    1.0] Kernel panic - not syncing: No working init found.  Try passing init= option\n' +
        '[    1.0] ---[ end Kernel panic - not syncing: No working init found. ]---\n',
      mode: 'spin',
    },
  ],
]);

export class EchoMachine implements RunnableMachine {
  slices = 0;
  size: readonly [number, number] | undefined;
  readonly #ports: Pick<MachinePorts, 'consoleOutput'>;
  #input: number[] = [];
  #line = '';
  #mode: Mode = 'idle';
  #started = false;

  constructor(ports: Pick<MachinePorts, 'consoleOutput'>) {
    this.#ports = ports;
  }

  runSlice(): SliceResult {
    this.slices++;
    if (!this.#started) {
      this.#started = true;
      this.#print('[    0.0] Booting Linux on physical CPU 0x0\n[    0.5] Run /init as init process\n');
      this.#print(ECHO_PROMPT);
    }
    for (const byte of this.#input.splice(0)) this.#take(String.fromCharCode(byte));
    switch (this.#mode) {
      case 'idle':
        return { kind: 'idle', wakeAfterMs: undefined };
      case 'throw':
        throw new Error('a bug of the emulator');
      case 'flood':
        this.#ports.consoleOutput(new Uint8Array(FLOOD_BYTES_PER_SLICE).fill('y'.charCodeAt(0)));
        return { kind: 'ran' };
      case 'spin':
        return { kind: 'ran' };
      case 'off':
      case 'reset':
        return { kind: this.#mode };
      default:
        return this.#mode satisfies never;
    }
  }

  consoleInput(bytes: Uint8Array): void {
    this.#input.push(...bytes);
  }

  resizeConsole(columns: number, rows: number): void {
    this.size = [columns, rows];
  }

  pressPowerKey(): void {
    this.#mode = 'off';
  }

  stats(): EngineStats {
    return {
      instructionsInterpreted: this.slices * INSTRUCTIONS_PER_SLICE,
      instructionsTranslated: 0,
      exceptions: 0,
      interrupts: 0,
      tlbMisses: 0,
      mmioAccesses: 0,
      regionsCompiled: 0,
      bytesCompiled: 0,
      regionsAlive: 0,
      bytesAlive: 0,
      regionsChanged: 0,
      regionsEvicted: 0,
      regionsExtended: 0,
      decodedPages: 0,
      memoryBytes: 0,
    };
  }

  #take(character: string): void {
    if (character !== '\r') {
      this.#line += character;
      this.#print(character);
      return;
    }
    const line = this.#line;
    this.#line = '';
    const answer = ANSWERS.get(line) ?? {
      text: line === '' ? '' : `you said: ${line}\n`,
      mode: 'idle' as const,
    };
    this.#print(`\n${answer.text}`);
    this.#mode = answer.mode;
    if (answer.mode === 'idle') this.#print(ECHO_PROMPT);
  }

  #print(text: string): void {
    this.#ports.consoleOutput(new TextEncoder().encode(text.replaceAll('\n', '\r\n')));
  }
}

/** Fits where a host wants `createVirtualMachine`. */
export const createEchoMachine = async (
  _config: MachineConfig,
  ports: MachinePorts,
): Promise<RunnableMachine> => new EchoMachine(ports);
