/** The files of a disk: its partitions, a directory at a time, and what one can do with a file. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { DirectoryEntry, DiskFiles, DiskVolume } from '../../embed/disk-files.ts';
import { toast } from '../shell/clipboard.ts';
import { ask, askText, confirm } from '../shell/dialogs.ts';
import { formatBytes } from '../shell/format.ts';
import { type IconName, icon } from '../shell/icons.ts';
import type { MenuItem } from '../shell/menu.ts';
import { FilesView } from './files-view.ts';
import { problemText } from './job-card.ts';
import { chooseTarget } from './save-stream.ts';
import '../shell/menu.ts';
import './files.css';

const TEXT_ROWS = 16;

export class BrambleDiskFiles extends LitElement {
  static override properties = { files: { attribute: false } };
  declare files: DiskFiles;
  #view: FilesView | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#view = new FilesView(this.files, () => this.requestUpdate());
    void this.#view.open();
  }

  protected override render(): TemplateResult | typeof nothing {
    const view = this.#view;
    if (!view) return nothing;
    return html`
      ${this.#volumes(view)} ${this.#problem(view)}
      ${view.volume === undefined ? nothing : this.#contents(view, view.volume)}
      <p class="visually-hidden" role="status">${view.isBusy ? 'Reading…' : ''}</p>
    `;
  }

  #volumes(view: FilesView): TemplateResult | typeof nothing {
    if (view.volumes.length < 2) return nothing;
    return html`<div class="file-volumes" role="group" aria-label="Partitions">
      ${view.volumes.map(
        (volume) => html`<button
          type="button"
          class="button small"
          aria-pressed=${volume.partition === view.volume?.partition}
          @click=${() => view.choose(volume)}
        >
          ${volumeName(volume)}
        </button>`,
      )}
    </div>`;
  }

  #contents(view: FilesView, { contents, sizeBytes }: DiskVolume): TemplateResult {
    if (contents.kind === 'unknown') {
      return html`<p class="hint">No files are shown here: ${contents.problem}.</p>`;
    }
    const { kind, freeBytes, isWritable, notes } = contents;
    return html`
      <div class="file-head">
        ${this.#crumbs(view)} ${isWritable ? this.#ways(view) : nothing}
      </div>
      ${
        view.entries.length === 0 && !view.isBusy
          ? html`<p class="hint">There is nothing in it.</p>`
          : html`<ul class="file-list" aria-label="Files" aria-busy=${view.isBusy}>
              ${repeat(
                view.entries,
                ({ name }) => name,
                (entry) => this.#row(view, entry),
              )}
            </ul>`
      }
      <p class="hint">
        ${kind.replace('fat', 'FAT')}, ${formatBytes(sizeBytes)}, ${formatBytes(freeBytes)} free.
        ${isWritable ? nothing : html`Its files can be read here; a guest can change them.`} ${notes.join(' ')}
      </p>
    `;
  }

  #crumbs(view: FilesView): TemplateResult {
    const names = ['/', ...view.path];
    return html`<nav aria-label="Path">
      <ol class="crumbs">
        ${names.map((name, depth) =>
          depth === names.length - 1
            ? html`<li aria-current="location">${name}</li>`
            : html`<li>
                <button type="button" class="button ghost small" @click=${() => view.goTo(depth)}>
                  ${name === '/' ? html`<span aria-hidden="true">/</span><span class="visually-hidden">Top</span>` : name}
                </button>
              </li>`,
        )}
      </ol>
    </nav>`;
  }

  #ways(view: FilesView): TemplateResult {
    return html`<div class="ways">
      <label class="button small"
        >${icon('drop')}Add a file…
        <input
          type="file"
          class="visually-hidden"
          data-role="file-to-add"
          @change=${(event: Event) => void this.#add(view, event.target as HTMLInputElement)}
        />
      </label>
      <button type="button" class="button small" @click=${() => this.#addFolder(view)}>
        ${icon('plus')}New folder…
      </button>
    </div>`;
  }

  #row(view: FilesView, entry: DirectoryEntry): TemplateResult {
    const { name, kind, sizeBytes, modifiedMs, target } = entry;
    const isPlace = kind === 'directory' || kind === 'symlink';
    return html`<li class="file-row">
      ${icon(iconOf(entry))}
      <button
        type="button"
        class="file-name"
        ?disabled=${!isPlace && kind !== 'file'}
        @click=${() => (isPlace ? view.enter(name) : this.#show(view, entry))}
      >
        ${name}${target === undefined ? nothing : html`<small> → ${target}</small>`}
      </button>
      <span class="file-size">${kind === 'file' ? formatBytes(sizeBytes) : nothing}</span>
      <span class="file-time">${modifiedMs === 0 ? nothing : new Date(modifiedMs).toLocaleDateString()}</span>
      <bramble-menu label="Actions for ${name}" .icon=${'more'} .items=${this.#menu(view, entry)}></bramble-menu>
    </li>`;
  }

  #menu(view: FilesView, entry: DirectoryEntry): readonly MenuItem[] {
    const { isWritable } = view;
    const isFile = entry.kind === 'file';
    return [
      {
        label: isWritable ? 'Edit as text…' : 'Show as text…',
        icon: 'text',
        disabled: !isFile,
        action: () => void this.#show(view, entry),
      },
      {
        label: 'Save to this computer…',
        icon: 'save',
        disabled: !isFile,
        action: () => void this.#save(view, entry),
      },
      {
        label: 'Delete…',
        icon: 'trash',
        danger: true,
        separated: true,
        disabled: !isWritable,
        action: () => void this.#remove(view, entry),
      },
    ];
  }

  #problem(view: FilesView): TemplateResult | typeof nothing {
    if (view.problem === undefined) return nothing;
    return html`<div class="notice danger" role="alert">
      ${icon('alert')}
      <div><strong>${view.problem.title}</strong>${problemText(view.problem)}</div>
    </div>`;
  }

  async #show(view: FilesView, entry: DirectoryEntry): Promise<void> {
    const before = await view.readText(entry);
    if (view.problem) return;
    if (before === undefined) {
      const wants = await confirm(
        `${entry.name} cannot be shown`,
        'It is large, or no text. It can be saved to this computer.',
        'Save…',
      );
      return wants ? this.#save(view, entry) : undefined;
    }
    const text = await askForText(entry.name, before, view.isWritable);
    if (text !== undefined && (await view.put(entry.name, new TextEncoder().encode(text))))
      toast(`${entry.name} is saved on the disk.`);
  }

  async #save(view: FilesView, { name }: DirectoryEntry): Promise<void> {
    const target = await chooseTarget(name);
    if (target && (await view.save(name, target))) toast(`${name} is saved.`);
  }

  async #add(view: FilesView, input: HTMLInputElement): Promise<void> {
    const [file] = input.files ?? [];
    input.value = '';
    if (!file) return;
    const isThere = view.entries.some(({ name }) => name.toLowerCase() === file.name.toLowerCase());
    if (isThere && !(await confirm(`Replace ${file.name}?`, 'There is a file of this name.', 'Replace')))
      return;
    if (await view.put(file.name, new Uint8Array(await file.arrayBuffer())))
      toast(`${file.name} is on the disk.`);
  }

  async #addFolder(view: FilesView): Promise<void> {
    const name = await askText('New folder', 'Name', 'Make');
    if (name !== undefined) await view.makeDirectory(name);
  }

  async #remove(view: FilesView, { name, kind }: DirectoryEntry): Promise<void> {
    const answer = await ask({
      title: `Delete ${name}?`,
      body: kind === 'directory' ? 'Only an empty folder can be deleted.' : 'This cannot be undone.',
      choices: [
        { value: 'no', label: 'Cancel' },
        { value: 'delete', label: 'Delete', style: 'danger' },
      ],
    });
    if (answer === 'delete' && (await view.remove(name))) toast(`${name} is deleted.`);
  }
}

const iconOf = ({ kind }: DirectoryEntry): IconName =>
  kind === 'directory' ? 'folder' : kind === 'symlink' ? 'link' : 'file';

function volumeName({ partition, name, type, contents }: DiskVolume): string {
  const label = contents.kind === 'unknown' ? '' : contents.label;
  return `${partition}: ${label || name || type || 'partition'}`;
}

/** The text after editing; undefined when it is to stay as it is. */
async function askForText(name: string, before: string, isWritable: boolean): Promise<string | undefined> {
  let text = before;
  const answer = await ask({
    title: name,
    body: html`<textarea
      class="input mono file-text"
      rows=${TEXT_ROWS}
      spellcheck="false"
      aria-label="Text of ${name}"
      ?readonly=${!isWritable}
      .value=${before}
      @input=${(event: Event) => (text = (event.target as HTMLTextAreaElement).value)}
    ></textarea>`,
    choices: isWritable
      ? [
          { value: 'no', label: 'Cancel' },
          { value: 'save', label: 'Save on the disk', style: 'primary' },
        ]
      : [{ value: 'no', label: 'Close', style: 'primary' }],
  });
  return answer === 'save' && text !== before ? text : undefined;
}

customElements.define('bramble-disk-files', BrambleDiskFiles);
