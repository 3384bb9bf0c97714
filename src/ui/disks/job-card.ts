/** A job under way, or how it failed; and imports that were cut off. */
import { html, nothing, type TemplateResult } from 'lit';
import type { UnfinishedImport } from '../../embed/disk-library.ts';
import { formatBytes, formatRate, formatTimeLeft } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import type { DiskJob } from './disk-job.ts';
import { type DiskProblem, isForWhole, originWords, STAGES } from './disk-words.ts';

const PERCENT = 100;

export interface JobActions {
  readonly cancel: (job: DiskJob) => void;
  readonly dismiss: (job: DiskJob) => void;
  /** Instead of what failed; undefined when there is nothing better than the same again. */
  readonly wayOut: (job: DiskJob) => { readonly label: string; readonly action: () => void } | undefined;
}

export function jobCard(job: DiskJob, actions: JobActions): TemplateResult {
  return job.problem ? failedJob(job, job.problem, actions) : runningJob(job, actions);
}

function runningJob(job: DiskJob, actions: JobActions): TemplateResult {
  const verb = job.kind === 'import' ? 'Importing' : 'Exporting';
  return html`<li class="card job" aria-label="${verb} ${job.name}">
    <span class="disk-mark">${icon(job.kind === 'import' ? 'drop' : 'save')}</span>
    <div class="job-what">
      <strong>${verb} ${job.name}</strong>
      ${jobProgress(job, `${verb} ${job.name}`)}
      <p class="job-facts">${jobFacts(job)}</p>
    </div>
    <button type="button" class="button" ?disabled=${job.isCancelled} @click=${() => actions.cancel(job)}>
      ${job.isCancelled ? 'Cancelling…' : 'Cancel'}
    </button>
  </li>`;
}

export function jobProgress({ transfer: { fraction } }: DiskJob, label: string): TemplateResult {
  return html`<progress
    aria-label=${label}
    max=${PERCENT}
    value=${fraction === undefined ? nothing : Math.round(fraction * PERCENT)}
  ></progress>`;
}

/** `Storing · 310 MiB of 900 MiB · 64 MiB/s · about 10 s left`. */
export function jobFacts(job: DiskJob): string {
  if (job.stage === undefined) return 'Starting';
  const { loadedBytes, totalBytes, fraction, bytesPerSecond, secondsLeft } = job.transfer;
  const isUnderWay = fraction !== 1;
  return [
    STAGES[job.stage],
    totalBytes === undefined
      ? formatBytes(loadedBytes)
      : `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`,
    isUnderWay && bytesPerSecond > 0 ? formatRate(bytesPerSecond) : '',
    isUnderWay && secondsLeft !== undefined ? formatTimeLeft(secondsLeft) : '',
  ]
    .filter((fact) => fact)
    .join(' · ');
}

function failedJob(job: DiskJob, problem: DiskProblem, actions: JobActions): TemplateResult {
  const wayOut = actions.wayOut(job);
  const verb = job.kind === 'import' ? 'imported' : 'exported';
  return html`<li class="card job failed">
    <span class="disk-mark">${icon('alert')}</span>
    <div class="job-what" role="alert">
      <strong>${job.name} was not ${verb}. ${problem.title}</strong>
      ${problemText(problem)}
    </div>
    <div class="job-actions">
      <button type="button" class="button ghost" @click=${() => actions.dismiss(job)}>Dismiss</button>
      ${
        wayOut
          ? html`<button type="button" class="button" @click=${wayOut.action}>${wayOut.label}</button>`
          : nothing
      }
      ${
        job.again
          ? html`<button type="button" class="button" @click=${job.again}>
              ${job.isOnDemand && isForWhole(problem) ? 'Import all of it' : 'Try again'}
            </button>`
          : nothing
      }
    </div>
  </li>`;
}

export function problemText({ message, nextStep }: DiskProblem): TemplateResult {
  return html`<p>${message}</p>
    ${nextStep ? html`<p>${nextStep}</p>` : nothing}`;
}

export function unfinishedCard(
  unfinished: UnfinishedImport,
  resume: (file?: File) => void,
  discard: () => void,
): TemplateResult {
  const { name, origin, doneBytes, totalBytes } = unfinished;
  const total = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
  return html`<li class="card job">
    <span class="disk-mark">${icon('pause')}</span>
    <div class="job-what">
      <strong>${name} is not imported completely</strong>
      <p class="job-facts">${formatBytes(doneBytes)}${total} are here · ${originWords(origin)}</p>
    </div>
    <div class="job-actions">
      <button type="button" class="button ghost" aria-label="Discard ${name}" @click=${discard}>Discard</button>
      ${
        origin.kind === 'file'
          ? chooseAgain(name, origin.fileName, resume)
          : html`<button type="button" class="button" aria-label="Go on with ${name}" @click=${() => resume()}>
              Go on
            </button>`
      }
    </div>
  </li>`;
}

/** The page was not allowed to keep the file. */
function chooseAgain(name: string, fileName: string, resume: (file: File) => void): TemplateResult {
  return html`<label class="button" title=${fileName}
    >Choose the file again…<span class="visually-hidden"> to go on with ${name}</span>
    <input
      type="file"
      class="visually-hidden"
      @change=${(event: Event) => {
        const file = (event.target as HTMLInputElement).files?.[0];
        if (file) resume(file);
      }}
    />
  </label>`;
}
