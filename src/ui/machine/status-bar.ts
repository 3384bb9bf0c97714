/** The line at the foot of a machine: state, speed, time, memory, engine, isolation, and counters on demand. */
import { html, nothing, type TemplateResult } from 'lit';
import type { MachineState, MachineStats } from '../../embed/api.ts';
import { formatBytes, formatClock, formatCount, formatElapsed, formatMips } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import { diskStatus } from './disk-status.ts';
import type { MachineSession } from './session.ts';

const STATE_LABELS: Readonly<Record<MachineState, string>> = {
  loading: 'Loading',
  running: 'Running',
  paused: 'Paused',
  off: 'Off',
  failed: 'Stopped by an error',
};

interface CounterRow {
  readonly label: string;
  readonly value: (stats: MachineStats) => string;
}

const COUNTERS: readonly CounterRow[] = [
  { label: 'Instructions interpreted', value: (stats) => formatCount(stats.instructionsInterpreted) },
  { label: 'Instructions translated', value: (stats) => formatCount(stats.instructionsTranslated) },
  { label: 'Time guest code ran', value: (stats) => `${stats.busySeconds.toFixed(1)} s` },
  { label: 'Exceptions', value: (stats) => formatCount(stats.exceptions) },
  { label: 'Interrupts', value: (stats) => formatCount(stats.interrupts) },
  { label: 'TLB misses', value: (stats) => formatCount(stats.tlbMisses) },
  { label: 'Device accesses', value: (stats) => formatCount(stats.mmioAccesses) },
  { label: 'Pages decoded', value: (stats) => formatCount(stats.decodedPages) },
  { label: 'Regions compiled', value: (stats) => formatCount(stats.regionsCompiled) },
  { label: 'WebAssembly compiled', value: (stats) => formatBytes(stats.bytesCompiled) },
  { label: 'Memory of the engine', value: (stats) => formatBytes(stats.memoryBytes) },
];

const SHARED_TEXT =
  'Memory is shared between threads: this page is cross-origin isolated, so the machine can use helper threads.';
const UNSHARED_TEXT =
  'Memory is private to one thread, because this page is not cross-origin isolated. Everything works; a site that sends the COOP and COEP headers is faster.';

/** `manageDisks` opens the user's library. */
export function statusBar(session: MachineSession, manageDisks: () => void): TemplateResult {
  const { stats, state } = session;
  const ready = session.phases.find(({ phase }) => phase === 'ready');
  return html`<footer class="status-bar">
    <span class="state ${state}"><span class="lamp"></span>${STATE_LABELS[state]}</span>
    ${
      stats === undefined || state === 'loading'
        ? nothing
        : html`<span ?hidden=${!session.alive} title="Million guest instructions a second: now, and on average while the guest was busy"
              ><b>${formatMips(stats.mips)}</b> MIPS<span class="wide-only"> · average ${formatMips(session.averageMips)}</span></span
            >
            <span title="Time since power-on"><span class="wide-only">Up </span>${formatClock(stats.wallSeconds)}</span>`
    }
    ${ready ? html`<span class="wide-only">Ready in ${formatElapsed(ready.elapsedMs)}</span>` : nothing}
    <span class="spacer"></span>
    ${diskStatus(session, manageDisks)}
    <span class="wide-only">${session.options.memoryMiB} MiB</span>
    <span class="wide-only" title="How instructions are run">${engineLabel(session)}</span>
    ${stats === undefined ? nothing : html`${memoryInfo(stats)} ${counters(stats)}`}
  </footer>`;
}

function engineLabel(session: MachineSession): string {
  if (session.options.engine === 'interpret') return 'Interpreter only';
  return session.stats?.instructionsTranslated ? 'Interpreter and translator' : 'Interpreter';
}

function memoryInfo(stats: MachineStats): TemplateResult {
  const label = stats.sharedMemory ? 'Shared memory' : 'Private memory';
  return html`<button type="button" class="status-button wide-only" popovertarget="memory-info" title="What this means">
      ${icon(stats.sharedMemory ? 'check' : 'info')}${label}
    </button>
    <div class="menu status-popover" popover id="memory-info">
      <p>${stats.sharedMemory ? SHARED_TEXT : UNSHARED_TEXT}</p>
    </div>`;
}

function counters(stats: MachineStats): TemplateResult {
  return html`<button type="button" class="status-button" popovertarget="counters">Details</button>
    <div class="menu status-popover" popover id="counters" role="dialog" aria-label="Counters">
      <dl class="counters">
        ${COUNTERS.map(({ label, value }) => html`<dt>${label}</dt><dd>${value(stats)}</dd>`)}
        <dt>Memory</dt><dd>${stats.sharedMemory ? 'shared' : 'private'}</dd>
      </dl>
    </div>`;
}
