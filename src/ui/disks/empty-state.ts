/** What stands in the place of disks while there are none: what they are good for and how to get one. */
import { html, svg, type TemplateResult } from 'lit';

interface Step {
  readonly title: string;
  readonly text: string;
}

const STEPS: readonly Step[] = [
  {
    title: 'Bring an image',
    text: 'Drop it anywhere on this page: raw, gz, xz, zst, zip, qcow2 or VHD, told by its content.',
  },
  { title: 'Boot it', text: 'One click, with the kernel of a guest above or with your own.' },
  {
    title: 'Come back',
    text: 'What the guest has written is still there. Clone, reset or export it at any time.',
  },
];

export function emptyState(ways: TemplateResult): TemplateResult {
  return html`<div class="card disks-empty">
    ${driveArt()}
    <div class="empty-text">
      <h3>No disks yet</h3>
      <ol class="steps">
        ${STEPS.map(({ title, text }) => html`<li><strong>${title}</strong><span>${text}</span></li>`)}
      </ol>
      ${ways}
    </div>
  </div>`;
}

/** Chips on a board, one of them planted: where a leaf grows, something is kept. */
function driveArt(): TemplateResult {
  return html`<svg class="drive-art" viewBox="0 0 200 150" aria-hidden="true">
    <g fill="none" stroke="var(--art-trace)" stroke-width="2">
      ${['M8 118h34l14-14', 'M192 40h-30l-14 14', 'M14 52h30l12 12', 'M186 122h-28l-12-12'].map(
        (path) => svg`<path d=${path} />`,
      )}
      ${[
        [8, 118],
        [192, 40],
        [14, 52],
        [186, 122],
      ].map(([x, y]) => svg`<circle cx=${x} cy=${y} r="4" fill="var(--surface)" />`)}
    </g>
    <rect x="48" y="56" width="104" height="68" rx="10" fill="var(--surface-sunken)" stroke="var(--line-strong)" stroke-width="2" />
    <path d="M48 98h104" stroke="var(--line-strong)" stroke-width="2" />
    <circle cx="136" cy="111" r="4" fill="var(--leaf)" />
    <path d="M60 111h34" stroke="var(--line-strong)" stroke-width="4" stroke-linecap="round" />
    <path d="M100 76V44" stroke="var(--art-cane)" stroke-width="4" stroke-linecap="round" fill="none" />
    <path d="M100 52c4-14 16-20 30-18-4 14-16 20-30 18z" fill="var(--art-leaf)" />
    <path d="M100 60c-4-12-14-17-27-15 4 12 14 17 27 15z" fill="var(--art-leaf-dark)" />
    <path d="M84 76h32" stroke="var(--art-cane)" stroke-width="4" stroke-linecap="round" />
  </svg>`;
}
