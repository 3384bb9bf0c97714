/** The machine's controls. Templates only: what the buttons do belongs to the machine view. */
import { html, type TemplateResult } from 'lit';
import { type IconName, icon } from '../shell/icons.ts';
import type { MenuItem } from '../shell/menu.ts';
import { MENU_KEYS } from './key-codes.ts';
import type { MachineSession } from './session.ts';
import '../shell/menu.ts';

export interface ToolbarActions {
  readonly togglePause: () => void;
  readonly reset: () => void;
  readonly pressPowerKey: () => void;
  readonly pullPlug: () => void;
  readonly send: (bytes: string) => void;
  readonly find: () => void;
  readonly copySelection: () => void;
  readonly copyAll: () => void;
  readonly paste: () => void;
  readonly clear: () => void;
  readonly saveLog: () => void;
  readonly resizeFont: (stepPx: number) => void;
  readonly toggleScreenReader: () => void;
  readonly toggleFullScreen: () => void;
  readonly help: () => void;
}

export function toolbar(
  session: MachineSession,
  screenReader: boolean,
  actions: ToolbarActions,
): TemplateResult {
  const paused = session.state === 'paused';
  return html`<div class="toolbar" role="toolbar" aria-label="Machine">
    ${button(paused ? 'play' : 'pause', paused ? 'Resume' : 'Pause', actions.togglePause, !session.alive)}
    ${button('reset', 'Reset…', actions.reset, !session.alive, 'wide-only')}
    <bramble-menu label="Power" .icon=${'power'} .items=${powerItems(session, actions)}></bramble-menu>
    <bramble-menu label="Send keys" .icon=${'keyboard'} .items=${keyItems(session, actions)}></bramble-menu>
    <span class="divider wide-only"></span>
    ${button('search', 'Find (Ctrl+Shift+F)', actions.find, false, 'wide-only')}
    ${button('full', 'Full screen', actions.toggleFullScreen, false, 'wide-only')}
    <bramble-menu label="Terminal" .icon=${'more'} .items=${terminalItems(screenReader, actions)}></bramble-menu>
  </div>`;
}

function button(
  name: IconName,
  label: string,
  action: () => void,
  disabled = false,
  style = '',
): TemplateResult {
  return html`<button
    type="button"
    class="button ghost icon-only ${style}"
    aria-label=${label}
    title=${label}
    ?disabled=${disabled}
    @click=${action}
  >
    ${icon(name)}
  </button>`;
}

function powerItems(session: MachineSession, actions: ToolbarActions): readonly MenuItem[] {
  const disabled = !session.alive;
  return [
    {
      label: 'Press the power key',
      note: 'The guest shuts itself down',
      icon: 'power',
      disabled: session.state !== 'running',
      action: actions.pressPowerKey,
    },
    {
      label: 'Reset…',
      note: 'Starts over with empty memory',
      icon: 'reset',
      disabled,
      action: actions.reset,
    },
    { label: 'Pull the plug', note: 'Stops at once', icon: 'plug', disabled, action: actions.pullPlug },
  ];
}

function keyItems(session: MachineSession, actions: ToolbarActions): readonly MenuItem[] {
  return MENU_KEYS.map(({ label, purpose, bytes }) => ({
    label,
    note: purpose,
    disabled: session.state !== 'running',
    action: () => actions.send(bytes),
  }));
}

function terminalItems(screenReader: boolean, actions: ToolbarActions): readonly MenuItem[] {
  return [
    { label: 'Copy selection', icon: 'copy', keys: 'Ctrl+Shift+C', action: actions.copySelection },
    { label: 'Copy everything', icon: 'text', action: actions.copyAll },
    { label: 'Paste', icon: 'paste', keys: 'Ctrl+Shift+V', action: actions.paste },
    { label: 'Find…', icon: 'search', keys: 'Ctrl+Shift+F', action: actions.find },
    { label: 'Save log', icon: 'save', action: actions.saveLog },
    { label: 'Clear', icon: 'clear', action: actions.clear },
    { label: 'Bigger text', icon: 'up', separated: true, action: () => actions.resizeFont(1) },
    { label: 'Smaller text', icon: 'down', action: () => actions.resizeFont(-1) },
    { label: 'Full screen', icon: 'full', action: actions.toggleFullScreen },
    {
      label: 'Screen reader mode',
      icon: 'listen',
      checked: screenReader,
      separated: true,
      action: actions.toggleScreenReader,
    },
    { label: 'Help', icon: 'help', action: actions.help },
  ];
}
