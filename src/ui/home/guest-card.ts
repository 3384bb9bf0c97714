/** A guest of the catalogue as a card: what it is, what it costs to load, what is in it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { DiskInfo } from '../../embed/disk-library.ts';
import type { DiskJob } from '../disks/disk-job.ts';
import { jobFacts, jobProgress } from '../disks/job-card.ts';
import { formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import { downloadBytes, fileOf, type Guest, type UnbuiltGuest } from './guest-catalog.ts';

const SHA256_SHOWN = 12;

export interface GuestDiskState {
  /** Set while the guest's disk comes into the library. */
  readonly importing: DiskJob | undefined;
  /** The user's own disk that was made from the guest's. */
  readonly copy: DiskInfo | undefined;
}

export function guestCard(
  guest: Guest,
  boot: () => void,
  { importing, copy }: GuestDiskState,
): TemplateResult {
  const diskBytes = copy ? (fileOf(guest, 'disk')?.sizeBytes ?? 0) : 0;
  return html`<li class="card guest-card">
    <span class="guest-mark">${icon('shell')}</span>
    <div class="guest-what">
      <h3>${guest.title}</h3>
      <p>${guest.description}</p>
      <p class="chips">
        <span class="chip">${formatBytes(downloadBytes(guest) - diskBytes)} to load</span>
        ${
          copy
            ? html`<span class="chip kept">${icon('check')}In your disks: ${copy.name}</span>`
            : fileOf(guest, 'disk')
              ? html`<span class="chip">Keeps its disk in this browser</span>`
              : nothing
        }
        <span class="chip">${guest.memoryMiB} MiB memory</span>
        ${guest.licences.map((licence) => html`<span class="chip">${licence}</span>`)}
      </p>
      ${contents(guest)}
    </div>
    ${
      importing
        ? html`<div class="guest-import">
            <span>${jobFacts(importing)}</span>
            ${jobProgress(importing, `Importing ${guest.title}`)}
            <button type="button" class="button" @click=${() => importing.cancel()}>Cancel</button>
          </div>`
        : html`<button type="button" class="button" @click=${boot} aria-label="Boot ${guest.title}">
            ${icon('play')}Boot
          </button>`
    }
  </li>`;
}

/** A guest that takes long to build, and so is built only when asked for. */
export function unbuiltCard({ title, description, command }: UnbuiltGuest): TemplateResult {
  return html`<li class="card guest-card">
    <span class="guest-mark">${icon('disk')}</span>
    <div class="guest-what">
      <h3>${title}</h3>
      <p>${description}</p>
      <p>Not built on this site yet: <code>${command}</code> builds it where the site’s files are.</p>
    </div>
  </li>`;
}

function contents(guest: Guest): TemplateResult {
  return html`<details class="contents">
    <summary>What is in it</summary>
    <table>
      <caption class="visually-hidden">Files of ${guest.title}</caption>
      <thead>
        <tr><th scope="col">File</th><th scope="col">Size</th><th scope="col">SHA-256</th></tr>
      </thead>
      <tbody>
        ${guest.files.map(
          (file) => html`<tr>
            <td>${file.url.split('/').at(-1)}</td>
            <td>${formatBytes(file.sizeBytes)}</td>
            <td><code title=${file.sha256}>${file.sha256.slice(0, SHA256_SHOWN)}…</code></td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${
      guest.packages.length === 0
        ? nothing
        : html`<p>
            Debian packages:
            ${guest.packages.map(
              ({ name, version }, index) => html`${index > 0 ? ', ' : ''}<code>${name}</code> ${version}`,
            )}
          </p>`
    }
    ${guest.commandLine ? html`<p>Command line: <code>${guest.commandLine}</code></p>` : nothing}
  </details>`;
}
