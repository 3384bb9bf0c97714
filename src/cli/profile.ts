/**
 * `--profile`: where the host's time goes while a guest runs, from V8's sampling profiler. Costs nothing when off:
 * all that is added is names for translated regions. Code is sorted by who runs it (tiers), and translated
 * regions by address, with the kernel's symbols where a table of them (System.map, /proc/kallsyms) is given.
 */
import { readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector';
import { REGION_NAME } from '../emu/jit/jit.ts';
import { percent, type Share, SymbolTable } from './profile-text.ts';

const SAMPLING_INTERVAL_US = 500;
const US_PER_MS = 1000;
const SHOWN = 20;

/** What a function of the host does for the guest, by its name and address; the first row that fits. */
const TIERS: readonly { readonly tier: string; readonly test: (name: string, url: string) => boolean }[] = [
  { tier: 'idle', test: (name) => name === '(idle)' },
  { tier: 'translated code', test: (name, url) => url.startsWith('wasm') && name.startsWith(REGION_NAME) },
  { tier: 'interpreter', test: (_, url) => url.startsWith('wasm') },
  { tier: 'translator', test: (_, url) => /\/emu\/(jit|codegen|ir|wasm)\//.test(url) },
  { tier: 'decoder', test: (_, url) => /\/emu\/(isa|interpreter)\//.test(url) },
  { tier: 'translation of addresses', test: (_, url) => /\/emu\/(mmu|memory)\//.test(url) },
  { tier: 'exceptions, system registers, timers', test: (_, url) => url.includes('/emu/cpu/') },
  { tier: 'exact floating point', test: (_, url) => url.includes('/emu/fp/') },
  { tier: 'devices', test: (_, url) => /\/emu\/(devices|storage|machine)\//.test(url) },
  { tier: 'collecting garbage', test: (name) => name === '(garbage collector)' },
  { tier: 'the host', test: () => true },
];

export class HostProfile {
  private readonly session = new Session();
  private readonly symbols: SymbolTable;

  /** `symbols`: file of lines "address type name". @throws {Error} when it cannot be read. */
  constructor(symbols: string | undefined) {
    this.symbols = new SymbolTable(symbols === undefined ? '' : readFileSync(symbols, 'utf8'));
  }

  start(): void {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    this.session.post('Profiler.start');
  }

  /** Ends the measurement; the report as text. */
  async finish(): Promise<string> {
    const profile = await new Promise<Profiler.Profile>((resolve, reject) => {
      this.session.post('Profiler.stop', (error, result) =>
        error ? reject(error) : resolve(result.profile),
      );
    });
    this.session.disconnect();
    return this.report(profile);
  }

  private report(profile: Profiler.Profile): string {
    const tiers = new Map<string, number>();
    const regions = new Map<string, number>();
    const functions = new Map<string, number>();
    const add = (map: Map<string, number>, key: string, ms: number) => map.set(key, (map.get(key) ?? 0) + ms);
    for (const { name, url, ms } of selfTimes(profile)) {
      const tier = TIERS.find(({ test }) => test(name, url))?.tier ?? '';
      add(tiers, tier, ms);
      if (tier === 'translated code')
        add(regions, this.symbols.describe(name.slice(REGION_NAME.length + 1)), ms);
      else if (tier !== 'idle') add(functions, name || '(anonymous)', ms);
    }
    const busyMs = [...tiers].reduce((sum, [tier, ms]) => (tier === 'idle' ? sum : sum + ms), 0);
    return [
      `busy ${(busyMs / 1000).toFixed(2)} s`,
      section('by tier', tiers, busyMs),
      section('hottest regions of translated code', regions, busyMs),
      section('hottest functions of the host', functions, busyMs),
    ].join('\n\n');
  }
}

/** Time in each function itself, from the samples. */
function selfTimes({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile) {
  const timeOf = new Map<number, number>();
  samples.forEach((id, i) => {
    timeOf.set(id, (timeOf.get(id) ?? 0) + (timeDeltas[i] ?? 0) / US_PER_MS);
  });
  return nodes.map(({ id, callFrame }) => ({
    name: callFrame.functionName,
    url: callFrame.url,
    ms: timeOf.get(id) ?? 0,
  }));
}

function section(title: string, times: ReadonlyMap<string, number>, busyMs: number): string {
  const shares: Share[] = [...times].map(([name, ms]) => ({ name, ms })).filter(({ ms }) => ms > 0);
  const top = shares.sort((a, b) => b.ms - a.ms).slice(0, SHOWN);
  return [
    `${title}:`,
    ...top.map(({ name, ms }) => `  ${percent(ms, busyMs)}  ${ms.toFixed(0).padStart(7)} ms  ${name}`),
  ].join('\n');
}
