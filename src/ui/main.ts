/** The page's entry: makes what the application needs and puts it on the page. */

import type { CreateMachine } from '../embed/api.ts';
import { BrambleApp } from './app/app.ts';
import { browserStorage, DEFAULT_SETTINGS, FONT_SIZE_PX, SettingsStore } from './shell/settings.ts';
import { Theme } from './shell/theme.ts';

/** The engine, loaded when it is first needed: the first page stands without it. */
const createMachine: CreateMachine = async (options) => {
  if (import.meta.env.DEV) {
    const fake = await fakeEngine();
    if (fake) return fake(options);
  }
  const engine = await import('../embed/index.ts');
  return engine.createMachine(options);
};

/** In development builds `?fake=NAME` plays a scenario instead of running a machine. */
async function fakeEngine(): Promise<CreateMachine | undefined> {
  const name = new URLSearchParams(location.search).get('fake');
  if (name === null) return undefined;
  const { fakeCreateMachine, isScenario } = await import('./testing/fake-machine.ts');
  return isScenario(name) ? fakeCreateMachine(name) : undefined;
}

/** Below this width a terminal needs smaller letters for a useful number of columns. */
const PHONE_WIDTH = '(max-width: 480px)';

const settings = new SettingsStore(browserStorage(), {
  ...DEFAULT_SETTINGS,
  fontSizePx: matchMedia(PHONE_WIDTH).matches ? FONT_SIZE_PX.phone : FONT_SIZE_PX.normal,
});
document.body.append(new BrambleApp(settings, new Theme(settings), createMachine));
