/** How far a boot is: the files while they load, then the phases with the time each was reached. */
import { html, nothing, type TemplateResult } from 'lit';
import type { BootPhase, LoadProgress } from '../../embed/api.ts';
import { formatBytes, formatElapsed, formatRate, formatTimeLeft } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import type { MachineSession } from './session.ts';

interface PhaseRow {
  readonly phase: BootPhase;
  readonly label: string;
  /** What a screen reader hears when the phase is reached. */
  readonly announcement: string;
  /** Shown only once it was reached: not every machine has it. */
  readonly optional?: boolean;
}

const PHASES: readonly PhaseRow[] = [
  { phase: 'load', label: 'Load', announcement: 'Loading.' },
  { phase: 'firmware', label: 'Start', announcement: 'The processor starts.', optional: true },
  { phase: 'kernel', label: 'Kernel', announcement: 'The kernel starts.' },
  { phase: 'init', label: 'Init', announcement: 'The system starts.' },
  { phase: 'ready', label: 'Ready', announcement: 'Ready. The console waits for your input.' },
];

const FILE_LABELS: Readonly<Record<LoadProgress['what'], string>> = {
  kernel: 'Kernel',
  initrd: 'Initrd',
  dtb: 'Device tree',
  disk: 'Disk',
  engine: 'Engine',
};

const PERCENT = 100;

/** The last phase that the boot has reached. */
export function currentPhase(session: MachineSession): BootPhase | undefined {
  const reached = new Set(session.phases.map(({ phase }) => phase));
  return PHASES.findLast(({ phase }) => reached.has(phase))?.phase;
}

export function phaseAnnouncement(phase: BootPhase | undefined): string {
  return PHASES.find((row) => row.phase === phase)?.announcement ?? '';
}

/** The card over the terminal while files load. */
export function loadCard(session: MachineSession, cancel: () => void): TemplateResult {
  const { loadedBytes, totalBytes, fraction, bytesPerSecond, secondsLeft, files } = session.transfer;
  const known = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
  const facts = [
    `${formatBytes(loadedBytes)}${known}`,
    bytesPerSecond > 0 && fraction !== 1 ? formatRate(bytesPerSecond) : '',
    secondsLeft !== undefined && fraction !== 1 ? formatTimeLeft(secondsLeft) : '',
  ];
  return html`<section class="stage-card load-card" aria-labelledby="load-title">
    <h2 id="load-title">Loading ${session.title}</h2>
    <progress
      aria-labelledby="load-title"
      max=${PERCENT}
      value=${fraction === undefined ? nothing : Math.round(fraction * PERCENT)}
    ></progress>
    <p class="load-facts">${facts.filter((fact) => fact).join(' · ')}</p>
    <ul class="load-files">
      ${files.map(loadFile)}
    </ul>
    <div class="card-actions"><button type="button" class="button" @click=${cancel}>Cancel</button></div>
  </section>`;
}

function loadFile({ what, loadedBytes, totalBytes }: LoadProgress): TemplateResult {
  const done = loadedBytes === totalBytes;
  return html`<li class=${done ? 'done' : ''}>
    ${done ? icon('check') : html`<span class="icon dot"></span>`}
    <span>${FILE_LABELS[what]}</span>
    <span class="amount">${formatBytes(loadedBytes)}</span>
  </li>`;
}

/** One step a phase, in the bar above the terminal, whose size must not change when they go. */
export function phaseStrip(session: MachineSession): TemplateResult {
  const marks = new Map(session.phases.map(({ phase, elapsedMs }) => [phase, elapsedMs]));
  const current = currentPhase(session);
  const shown = PHASES.filter(({ phase, optional }) => !optional || marks.has(phase));
  return html`<ol class="phases" aria-label="Boot">
    ${shown.map(({ phase, label }, index) => {
      const next = shown[index + 1];
      const reachedMs = marks.get(phase);
      // A phase is over when the next one begins; the last one is over when it is reached.
      const endMs = next === undefined ? reachedMs : marks.get(next.phase);
      const isCurrent = phase === current && endMs === undefined;
      const ongoing = session.state === 'failed' ? 'stopped' : 'current';
      const state = endMs !== undefined ? 'done' : isCurrent ? ongoing : 'waiting';
      const timeMs = phaseTimeMs(
        phase,
        reachedMs,
        endMs ?? (state === 'current' ? session.elapsedMs : undefined),
      );
      return html`<li class="phase ${state}" aria-current=${isCurrent ? 'step' : nothing}>
        ${state === 'done' ? icon('check') : state === 'stopped' ? icon('alert') : html`<span class="icon dot"></span>`}
        <span class="phase-label">${label}</span>
        ${timeMs === undefined ? nothing : html`<span class="amount">${formatElapsed(timeMs)}</span>`}
      </li>`;
    })}
  </ol>`;
}

/** How long a phase took so far; for the last one, the time of the whole boot. */
function phaseTimeMs(
  phase: BootPhase,
  beginMs: number | undefined,
  endMs: number | undefined,
): number | undefined {
  if (beginMs === undefined || endMs === undefined) return undefined;
  return phase === 'ready' ? endMs : endMs - beginMs;
}
