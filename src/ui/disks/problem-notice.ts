/** What stands in the place of the list, or over it, when something is wrong. */
import { html, type TemplateResult } from 'lit';
import { icon } from '../shell/icons.ts';
import type { DiskProblem } from './disk-words.ts';
import { problemText } from './job-card.ts';

export function problemNotice(problem: DiskProblem, dismiss: () => void): TemplateResult {
  return html`<div class="notice danger" role="alert">
    ${icon('alert')}
    <div><strong>${problem.title}</strong>${problemText(problem)}</div>
    <button
      type="button"
      class="button ghost icon-only small"
      aria-label="Dismiss"
      title="Dismiss"
      @click=${dismiss}
    >
      ${icon('close')}
    </button>
  </div>`;
}

export function unavailableNote(): TemplateResult {
  return html`<p class="section-lede">
    ${icon('info')}<span
      >This browser keeps nothing for this page: a private window, or storage is blocked. Disks can still be used below;
      what a guest writes is dropped when its machine is closed.</span
    >
  </p>`;
}
