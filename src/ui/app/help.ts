/** The help dialog: keys, the way out of the terminal, and where things are. */
import { html } from 'lit';
import { ask } from '../shell/dialogs.ts';

interface Shortcut {
  readonly keys: readonly string[];
  readonly what: string;
}

/** Everything else that is pressed in the terminal goes to the guest. */
const SHORTCUTS: readonly Shortcut[] = [
  { keys: ['Shift+F6'], what: 'Leave the terminal for the toolbar; Tab or a click goes back in' },
  { keys: ['Ctrl+Shift+F'], what: 'Find in the terminal' },
  { keys: ['Ctrl+Shift+C'], what: 'Copy the selection' },
  { keys: ['Ctrl+Shift+V'], what: 'Paste' },
  { keys: ['Shift+Page Up', 'Shift+Page Down'], what: 'Scroll back and forth' },
  { keys: ['?'], what: 'This help, outside the terminal' },
];

export async function showHelp(): Promise<void> {
  await ask({
    title: 'Help',
    body: html`
      <p>In the terminal every key goes to the guest, except these:</p>
      <dl class="shortcuts">
        ${SHORTCUTS.map(
          ({ keys, what }) => html`<dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt>
            <dd>${what}</dd>`,
        )}
      </dl>
      <p>
        The power key asks the guest to shut down; pulling the plug stops it at once. Closing the tab ends the
        guest; what it has written to one of your disks stays.
      </p>
      <p>With a screen reader, switch on <em>Screen reader mode</em> in the terminal’s menu; it is remembered.</p>
    `,
    choices: [{ value: 'close', label: 'Close', style: 'primary' }],
  });
}
