/**
 * A button that opens a menu. A native popover gives light dismissal and Escape; arrow keys move within
 * the menu (WAI-ARIA authoring practices, menu button).
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { type IconName, icon } from './icons.ts';

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly note?: string;
  readonly keys?: string;
  readonly disabled?: boolean;
  /** Set for items that are switches or one of several. */
  readonly checked?: boolean;
  /** Takes something away that does not come back. */
  readonly danger?: boolean;
  /** A line above the item. */
  readonly separated?: boolean;
  readonly action: () => void;
}

const EDGE_PX = 8;
const GAP_PX = 4;
const MOVES: Readonly<Record<string, (index: number, count: number) => number>> = {
  ArrowDown: (index, count) => (index + 1) % count,
  ArrowUp: (index, count) => (index - 1 + count) % count,
  Home: () => 0,
  End: (_index, count) => count - 1,
};

export class BrambleMenu extends LitElement {
  static override properties = {
    label: {},
    icon: {},
    showLabel: { type: Boolean },
    items: { attribute: false },
    open: { state: true },
  };
  declare label: string;
  declare icon: IconName;
  declare showLabel: boolean;
  declare items: readonly MenuItem[];
  declare open: boolean;

  constructor() {
    super();
    this.label = '';
    this.icon = 'more';
    this.showLabel = false;
    this.items = [];
    this.open = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    return html`<button
        type="button"
        class="button ghost ${this.showLabel ? '' : 'icon-only'}"
        aria-haspopup="menu"
        aria-expanded=${this.open}
        aria-label=${this.showLabel ? nothing : this.label}
        title=${this.showLabel ? nothing : this.label}
        @click=${this.#toggle}
      >
        ${icon(this.icon)}${this.showLabel ? html`<span>${this.label}</span>` : nothing}
      </button>
      <div
        class="menu"
        popover
        role="menu"
        aria-label=${this.label}
        @toggle=${this.#toggled}
        @keydown=${this.#moveFocus}
      >
        ${this.open ? this.items.map((item) => this.#item(item)) : nothing}
      </div>`;
  }

  #item(item: MenuItem): TemplateResult {
    const isSwitch = item.checked !== undefined;
    return html`${item.separated ? html`<hr />` : nothing}
      <button
        type="button"
        class="menu-item ${item.danger ? 'danger' : ''}"
        role=${isSwitch ? 'menuitemcheckbox' : 'menuitem'}
        aria-checked=${isSwitch ? item.checked : nothing}
        ?disabled=${item.disabled}
        tabindex="-1"
        @click=${() => this.#choose(item)}
      >
        ${item.checked ? icon('check') : item.icon ? icon(item.icon) : html`<span class="icon"></span>`}
        <span class="what">${item.label}${item.note ? html`<small>${item.note}</small>` : nothing}</span>
        ${item.keys ? html`<span class="keys">${item.keys}</span>` : nothing}
      </button>`;
  }

  get #popover(): HTMLElement {
    return this.querySelector<HTMLElement>('.menu')!;
  }

  get #button(): HTMLElement {
    return this.querySelector<HTMLElement>('button')!;
  }

  async #toggle(): Promise<void> {
    if (this.open) return this.#popover.hidePopover();
    this.open = true;
    await this.updateComplete;
    this.#popover.showPopover();
    this.#place();
    this.#enabledItems()[0]?.focus();
  }

  #toggled(event: ToggleEvent): void {
    this.open = event.newState === 'open';
  }

  /** Below the button, or above it near the bottom; never over the edge. */
  #place(): void {
    const button = this.#button.getBoundingClientRect();
    const menu = this.#popover.getBoundingClientRect();
    const roomBelow = innerHeight - button.bottom - GAP_PX - EDGE_PX;
    const top = menu.height <= roomBelow ? button.bottom + GAP_PX : button.top - GAP_PX - menu.height;
    const left = Math.min(button.left, innerWidth - menu.width - EDGE_PX);
    this.#popover.style.top = `${Math.max(EDGE_PX, top)}px`;
    this.#popover.style.left = `${Math.max(EDGE_PX, left)}px`;
  }

  #choose(item: MenuItem): void {
    this.#popover.hidePopover();
    this.#button.focus();
    item.action();
  }

  #moveFocus(event: KeyboardEvent): void {
    if (event.key === 'Tab') this.#popover.hidePopover();
    const move = MOVES[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const items = this.#enabledItems();
    const index = items.indexOf(document.activeElement as HTMLElement);
    items[move(index, items.length)]?.focus();
  }

  #enabledItems(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>('.menu-item:not(:disabled)')];
  }
}

customElements.define('bramble-menu', BrambleMenu);
