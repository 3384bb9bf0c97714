/**
 * Modal questions on the native dialog element, which keeps focus inside, closes on Escape and gives
 * focus back to where it was.
 */
import { html, render, type TemplateResult } from 'lit';

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly style?: 'primary' | 'danger';
}

export interface Question<T extends string> {
  readonly title: string;
  readonly body: string | TemplateResult;
  /** From the left; the last one is what Enter means. */
  readonly choices: readonly Choice<T>[];
}

let dialogCount = 0;

/** Resolves with the choice, or undefined when the dialog was dismissed. */
export function ask<T extends string>(question: Question<T>): Promise<T | undefined> {
  dialogCount += 1;
  const titleId = `dialog-title-${dialogCount}`;
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-labelledby', titleId);
  const last = question.choices.at(-1);
  render(
    html`<form method="dialog" class="dialog-body">
      <h2 id=${titleId}>${question.title}</h2>
      ${typeof question.body === 'string' ? html`<p>${question.body}</p>` : question.body}
      <div class="dialog-actions">
        ${question.choices.map(
          (choice) => html`<button
            type=${choice === last ? 'submit' : 'button'}
            class="button ${choice.style ?? ''}"
            value=${choice.value}
            ?autofocus=${choice === last}
            @click=${() => dialog.close(choice.value)}
          >
            ${choice.label}
          </button>`,
        )}
      </div>
    </form>`,
    dialog,
  );
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
