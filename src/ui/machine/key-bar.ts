/**
 * A line of real text input with the keys a touch keyboard lacks. Ctrl and Alt stick to the next
 * character; without them Enter sends the line.
 */
import { html, LitElement, type TemplateResult } from 'lit';
import type { MachineState } from '../../embed/api.ts';
import { BAR_KEYS, withModifiers } from './key-codes.ts';
import type { MachineSession } from './session.ts';

export class BrambleKeyBar extends LitElement {
  static override properties = {
    session: { attribute: false },
    machineState: { attribute: false },
    ctrl: { state: true },
    alt: { state: true },
  };
  declare session: MachineSession;
  declare machineState: MachineState;
  declare ctrl: boolean;
  declare alt: boolean;

  constructor() {
    super();
    this.machineState = 'loading';
    this.ctrl = false;
    this.alt = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    const disabled = this.machineState !== 'running';
    return html`<form class="key-bar" aria-label="Type to the guest" @submit=${this.#sendLine}>
      <div class="key-row" role="group" aria-label="Keys">
        ${this.#sticky('Ctrl', 'ctrl')} ${this.#sticky('Alt', 'alt')}
        ${BAR_KEYS.map(
          ({ label, name, bytes }) => html`<button
            type="button"
            class="key"
            aria-label=${name}
            ?disabled=${disabled}
            @click=${() => this.session.type(bytes)}
          >
            ${label}
          </button>`,
        )}
      </div>
      <div class="line-row">
        <input
          class="input mono"
          aria-label="Line to send"
          placeholder=${this.ctrl ? 'A key for Ctrl' : this.alt ? 'A key for Alt' : 'Type a line'}
          autocapitalize="off"
          autocomplete="off"
          autocorrect="off"
          spellcheck="false"
          enterkeyhint="send"
          ?disabled=${disabled}
          @input=${this.#typed}
        />
        <button class="button primary" ?disabled=${disabled}>Send</button>
      </div>
    </form>`;
  }

  #sticky(label: string, which: 'ctrl' | 'alt'): TemplateResult {
    return html`<button
      type="button"
      class="key"
      aria-pressed=${this[which]}
      @click=${() => {
        this[which] = !this[which];
        this.#input.focus();
      }}
    >
      ${label}
    </button>`;
  }

  get #input(): HTMLInputElement {
    return this.querySelector('input')!;
  }

  #typed(): void {
    if (!this.ctrl && !this.alt) return;
    const typed = [...this.#input.value].at(-1);
    if (typed === undefined) return;
    this.session.type(withModifiers(typed, { ctrl: this.ctrl, alt: this.alt }));
    this.#input.value = this.#input.value.slice(0, -typed.length);
    this.ctrl = false;
    this.alt = false;
  }

  #sendLine(event: Event): void {
    event.preventDefault();
    this.session.type(`${this.#input.value}\r`);
    this.#input.value = '';
  }
}

customElements.define('bramble-key-bar', BrambleKeyBar);
