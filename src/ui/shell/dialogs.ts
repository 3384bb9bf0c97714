/**
 * Modal questions on the native dialog element, which keeps focus inside, closes on Escape and gives
 * focus back to where it was.
 */
import { html, nothing, render, type TemplateResult } from 'lit';

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly style?: 'primary' | 'danger';
}

export interface Question<T extends string> {
  readonly title: string;
  /** A function draws again after every input, for bodies that answer what is entered. */
  readonly body: string | TemplateResult | (() => TemplateResult);
  /** From the left; the last one is what Enter means, once every field is valid. */
  readonly choices: readonly Choice<T>[];
}

let dialogCount = 0;

/** Resolves with the choice, or undefined when the dialog was dismissed. */
export function ask<T extends string>(question: Question<T>): Promise<T | undefined> {
  dialogCount += 1;
  const titleId = `dialog-title-${dialogCount}`;
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-labelledby', titleId);
  const draw = (): void => {
    render(dialogBody(question, titleId, dialog), dialog);
  };
  draw();
  dialog.addEventListener('input', draw);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(question.choices.find(({ value }) => value === dialog.returnValue)?.value);
    });
    dialog.addEventListener('click', (event) => {
      // A click on the backdrop lands on the dialog itself.
      if (event.target === dialog) dialog.close();
    });
    dialog.showModal();
  });
}

function dialogBody<T extends string>(
  { title, body, choices }: Question<T>,
  titleId: string,
  dialog: HTMLDialogElement,
): TemplateResult {
  const last = choices.at(-1);
  // Enter pressed by habit must not destroy anything.
  const focused = last?.style === 'danger' ? choices[0] : last;
  const content =
    typeof body === 'function' ? body() : typeof body === 'string' ? html`<p>${body}</p>` : body;
  return html`<form method="dialog" class="dialog-body">
    <h2 id=${titleId}>${title}</h2>
    ${content}
    <div class="dialog-actions">
      ${choices.map(
        (choice) => html`<button
          type=${choice === last ? 'submit' : 'button'}
          class="button ${choice.style ?? ''}"
          value=${choice.value}
          ?autofocus=${choice === focused}
          @click=${choice === last ? nothing : () => dialog.close(choice.value)}
        >
          ${choice.label}
        </button>`,
      )}
    </div>
  </form>`;
}

/** Asks for a line of text; undefined when the dialog was dismissed or nothing was entered. */
export async function askText(title: string, label: string, action: string): Promise<string | undefined> {
  let text = '';
  const answer = await ask({
    title,
    body: html`<label class="field"
      ><span class="label">${label}</span>
      <input
        class="input"
        autofocus
        autocomplete="off"
        spellcheck="false"
        @input=${(event: Event) => {
          text = (event.target as HTMLInputElement).value.trim();
        }}
    /></label>`,
    choices: [
      { value: 'no', label: 'Cancel' },
      { value: 'yes', label: action, style: 'primary' },
    ],
  });
  return answer === 'yes' && text !== '' ? text : undefined;
}

/** A question with one way on and one way back. */
export async function confirm(title: string, body: string, action: string): Promise<boolean> {
  const answer = await ask({
    title,
    body,
    choices: [
      { value: 'no', label: 'Cancel' },
      { value: 'yes', label: action, style: 'primary' },
    ],
  });
  return answer === 'yes';
}

/** Shows something to work with, until it is closed. No form around it: fields of its own may be in there. */
export function showPanel(label: string, style: string, content: TemplateResult): Promise<void> {
  const dialog = document.createElement('dialog');
  dialog.className = style;
  dialog.setAttribute('aria-label', label);
  render(
    html`<div class="dialog-body">
      ${content}
      <div class="dialog-actions">
        <button type="button" class="button primary" autofocus @click=${() => dialog.close()}>Close</button>
      </div>
    </div>`,
    dialog,
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve();
    });
  });
}
