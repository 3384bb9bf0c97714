/** What stands over the terminal when a machine does not run: paused, ended, or failed, and what to do. */
import { html, nothing, type TemplateResult } from 'lit';
import type { MachineError } from '../../embed/api.ts';
import { formatElapsed } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import type { MachineSession } from './session.ts';

export interface EndActions {
  readonly resume: () => void;
  readonly bootAgain: () => void;
  readonly leave: () => void;
  readonly dismiss: () => void;
  readonly saveLog: () => void;
  readonly copyReport: () => void;
  /** Shows the user's disks, some of which may go. */
  readonly makeRoom: () => void;
}

const MS_PER_SECOND = 1000;

/** The card for the session's state, or nothing while it runs or loads. */
export function endCard(session: MachineSession, actions: EndActions): TemplateResult | typeof nothing {
  if (session.error?.code === 'disk-full' && session.state === 'paused')
    return fullCard(session.error, actions);
  if (session.error !== undefined) return errorCard(session, actions);
  switch (session.state) {
    case 'paused':
      return pausedCard(actions);
    case 'off':
      return offCard(session, actions);
    case 'failed':
      return errorCard(session, actions);
    case 'loading':
    case 'running':
      return nothing;
  }
}

function pausedCard(actions: EndActions): TemplateResult {
  return html`<div class="stage-pill">
    ${icon('pause')}<span>Paused</span>
    <button type="button" class="button primary" @click=${actions.resume}>${icon('play')}Resume</button>
  </div>`;
}

/** The machine waits until there is room again; going on is the user's choice. */
function fullCard({ message, hint }: MachineError, actions: EndActions): TemplateResult {
  return html`<section class="stage-card" role="alertdialog" aria-labelledby="full-title" aria-describedby="full-text">
    <h2 id="full-title">${icon('disk')}The browser’s storage is full.</h2>
    <p id="full-text">${message} ${hint}</p>
    <div class="card-actions">
      <button type="button" class="button" @click=${actions.leave}>Back to start</button>
      <button type="button" class="button" @click=${actions.resume}>${icon('play')}Resume</button>
      <button type="button" class="button primary" @click=${actions.makeRoom}>${icon('disk')}Make room…</button>
    </div>
  </section>`;
}

function offCard(session: MachineSession, actions: EndActions): TemplateResult {
  const seconds = session.stats?.wallSeconds;
  return html`<section class="stage-card docked" aria-labelledby="end-title">
    <h2 id="end-title">${session.exit === 'power-off' ? 'The guest powered off.' : 'The machine is off.'}</h2>
    ${seconds ? html`<p>It ran for ${formatElapsed(seconds * MS_PER_SECOND)}.</p>` : nothing}
    <div class="card-actions">
      <button type="button" class="button ghost" @click=${actions.saveLog}>${icon('save')}Save log</button>
      <button type="button" class="button" @click=${actions.leave}>Back to start</button>
      <button type="button" class="button primary" @click=${actions.bootAgain}>${icon('play')}Boot again</button>
    </div>
  </section>`;
}

function errorCard(session: MachineSession, actions: EndActions): TemplateResult {
  const { error } = session;
  return html`<section class="stage-card error-card ${session.phases.length > 1 ? 'docked' : ''}" role="alert">
    <h2>${icon('alert')}${error?.message ?? 'The machine stopped.'}</h2>
    ${error?.hint ? html`<p>${error.hint}</p>` : nothing}
    ${
      error?.details
        ? html`<details>
            <summary>Technical details</summary>
            <pre tabindex="0">${error.details}</pre>
          </details>`
        : nothing
    }
    <div class="card-actions">
      <button type="button" class="button ghost" @click=${actions.copyReport}>${icon('copy')}Copy report</button>
      ${
        session.alive
          ? html`<button type="button" class="button" @click=${actions.dismiss}>Dismiss</button>`
          : html`<button type="button" class="button" @click=${actions.leave}>Back to start</button>
              <button type="button" class="button primary" @click=${actions.bootAgain}>${icon('reset')}Try again</button>`
      }
    </div>
  </section>`;
}
