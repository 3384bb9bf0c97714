/**
 * The console: xterm.js between a session's bytes and the user's keys. The terminal keeps every key but
 * the few of `#key`; Shift+F6 is the way out.
 */
import { FitAddon } from '@xterm/addon-fit';
import { type ISearchOptions, SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { copyText, readClipboard, toast } from '../shell/clipboard.ts';
import { ask } from '../shell/dialogs.ts';
import { icon } from '../shell/icons.ts';
import type { Settings } from '../shell/settings.ts';
import type { Scheme } from '../shell/theme.ts';
import { CursorBlink } from './cursor-blink.ts';
import { asOneLine, pasteQuestion } from './paste.ts';
import type { MachineSession } from './session.ts';
import { searchColours, terminalTheme } from './terminal-palette.ts';
import { bufferText } from './terminal-text.ts';

const SCROLLBACK_LINES = 10_000;
const MINIMUM_CONTRAST = 4.5;

export class BrambleTerminal extends LitElement {
  static override properties = {
    session: { attribute: false },
    settings: { attribute: false },
    scheme: {},
    searching: { state: true },
    matchCount: { state: true },
  };
  declare session: MachineSession;
  declare settings: Settings;
  declare scheme: Scheme;
  declare searching: boolean;
  declare matchCount: string;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  #terminal: Terminal | undefined;
  #detach: (() => void) | undefined;
  #observer: ResizeObserver | undefined;
  #blink: CursorBlink | undefined;

  constructor() {
    super();
    this.scheme = 'dark';
    this.searching = false;
    this.matchCount = '';
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    const theme = terminalTheme(this.scheme);
    return html`<div class="terminal-host" style="background:${theme.background};--cursor:${theme.cursor}"></div>${this.searching ? this.#searchBar() : nothing}`;
  }

  protected override firstUpdated(): void {
    const terminal = new Terminal({
      allowProposedApi: true,
      fontFamily: getComputedStyle(this).getPropertyValue('--font-mono'),
      fontSize: this.settings.fontSizePx,
      lineHeight: 1.15,
      // Guests may print what is no escape sequence: systemd cuts long lines within one. That is no error of the page.
      logLevel: 'off',
      minimumContrastRatio: MINIMUM_CONTRAST,
      screenReaderMode: this.settings.screenReader,
      scrollback: SCROLLBACK_LINES,
      theme: terminalTheme(this.scheme),
    });
    this.#terminal = terminal;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(this.#search);
    terminal.loadAddon(new WebLinksAddon());
    const host = this.querySelector<HTMLElement>('.terminal-host')!;
    terminal.open(host);
    terminal.textarea?.setAttribute('aria-label', 'Console of the guest. Shift+F6 leaves it.');
    terminal.onData((data) => this.session.type(data));
    terminal.onBinary((data) => this.session.type(Uint8Array.from(data, (char) => char.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => this.session.resizeConsole(cols, rows));
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    host.addEventListener('paste', (event) => this.#pasted(event), { capture: true });
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => {
      this.matchCount = resultCount === 0 ? 'nothing found' : `${resultIndex + 1} of ${resultCount}`;
    });
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) this.#blinkAt(terminal, host);
    this.#detach = this.session.attachConsole((bytes) => terminal.write(bytes));
    this.#observer = new ResizeObserver(() => this.#fit.fit());
    this.#observer.observe(host);
  }

  protected override updated(changed: PropertyValues<this>): void {
    const terminal = this.#terminal;
    if (terminal === undefined) return;
    if (changed.has('scheme')) terminal.options.theme = terminalTheme(this.scheme);
    if (changed.has('settings')) {
      terminal.options.fontSize = this.settings.fontSizePx;
      terminal.options.screenReaderMode = this.settings.screenReader;
      this.#fit.fit();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer?.disconnect();
    this.#blink?.stop();
    this.#detach?.();
    this.#terminal?.dispose();
  }

  override focus(): void {
    this.#terminal?.focus();
  }

  get selection(): string {
    return this.#terminal?.getSelection() ?? '';
  }

  /** Everything in the buffer as text. */
  get text(): string {
    return this.#terminal ? bufferText(this.#terminal.buffer.active) : '';
  }

  clear(): void {
    this.#terminal?.clear();
  }

  async copySelection(): Promise<void> {
    if (this.selection === '') return toast('Nothing is selected in the terminal.');
    await copyText(this.selection, 'Copied.');
  }

  async pasteFromClipboard(): Promise<void> {
    const text = await readClipboard();
    if (text !== undefined) await this.paste(text);
  }

  /** Sends text to the guest as a paste, after a question when it would run more than one line. */
  async paste(text: string): Promise<void> {
    const terminal = this.#terminal;
    if (terminal === undefined || text === '') return;
    const question = pasteQuestion(text, terminal.modes.bracketedPasteMode);
    const answer =
      question &&
      (await ask({
        title: `Paste ${question.lines} lines?`,
        body: html`<p>The guest runs each line as soon as it arrives.</p>
          <pre tabindex="0" aria-label="Beginning of the text">${question.preview}</pre>`,
        choices: [
          { value: 'cancel', label: 'Cancel' },
          { value: 'one', label: 'Paste as one line' },
          { value: 'all', label: 'Paste', style: 'primary' },
        ],
      }));
    if (question === undefined || answer === 'all') terminal.paste(text);
    else if (answer === 'one') terminal.paste(asOneLine(text));
    terminal.focus();
  }

  async openSearch(): Promise<void> {
    this.searching = true;
    await this.updateComplete;
    const input = this.querySelector<HTMLInputElement>('.search-bar input');
    input?.focus();
    input?.select();
  }

  #blinkAt(terminal: Terminal, host: HTMLElement): void {
    const blink = new CursorBlink(host);
    this.#blink = blink;
    terminal.onCursorMove(() => blink.restart());
    terminal.onData(() => blink.restart());
    terminal.textarea?.addEventListener('focus', () => blink.restart());
  }

  #closeSearch(): void {
    this.searching = false;
    this.#search.clearDecorations();
    this.focus();
  }

  #searchBar(): TemplateResult {
    return html`<form class="search-bar" role="search" @submit=${this.#findNext} @keydown=${this.#searchKey}>
      <input
        class="input"
        type="search"
        aria-label="Find in the console"
        placeholder="Find"
        autocomplete="off"
        spellcheck="false"
        @input=${() => this.#find('next', true)}
      />
      <span class="search-count" role="status">${this.matchCount}</span>
      <button type="button" class="button ghost icon-only" aria-label="Previous match" title="Previous (Shift+Enter)" @click=${() => this.#find('previous')}>
        ${icon('up')}
      </button>
      <button class="button ghost icon-only" aria-label="Next match" title="Next (Enter)">${icon('down')}</button>
      <button type="button" class="button ghost icon-only" aria-label="Close" title="Close (Esc)" @click=${this.#closeSearch}>
        ${icon('close')}
      </button>
    </form>`;
  }

  #searchKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#closeSearch();
    if (event.key !== 'Enter' || !event.shiftKey) return;
    event.preventDefault();
    this.#find('previous');
  }

  #findNext(event: Event): void {
    event.preventDefault();
    this.#find('next');
  }

  #find(direction: 'next' | 'previous', incremental = false): void {
    const text = this.querySelector<HTMLInputElement>('.search-bar input')?.value ?? '';
    const options: ISearchOptions = { decorations: searchColours(this.scheme), incremental };
    if (text === '') {
      this.#search.clearDecorations();
      this.matchCount = '';
    } else if (direction === 'next') this.#search.findNext(text, options);
    else this.#search.findPrevious(text, options);
  }

  #pasted(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    void this.paste(event.clipboardData?.getData('text/plain') ?? '');
  }

  /** False for the keys that are the page's; xterm and the guest have all others. */
  #key(event: KeyboardEvent): boolean {
    if (event.key === 'F6' && event.shiftKey) return this.#own(event, () => this.#leave());
    if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return true;
    if (event.code === 'KeyF') return this.#own(event, () => void this.openSearch());
    if (event.code === 'KeyC') return this.#own(event, () => void this.copySelection());
    // The browser's own paste follows, and ends in #pasted.
    return event.code !== 'KeyV';
  }

  #own(event: KeyboardEvent, action: () => void): false {
    event.preventDefault();
    if (event.type === 'keydown') action();
    return false;
  }

  #leave(): void {
    this.dispatchEvent(new CustomEvent('bramble-leave-terminal', { bubbles: true }));
  }
}

customElements.define('bramble-terminal', BrambleTerminal);
