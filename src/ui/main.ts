/** The page's entry: makes what the application needs and puts it on the page. */

import type { CreateMachine } from '../embed/api.ts';
import type { DiskLibrary } from '../embed/disk-library.ts';
import { BrambleApp } from './app/app.ts';
import { BootMemory } from './disks/boot-memory.ts';
import { DiskShelf, type OpenDiskLibrary } from './disks/disk-shelf.ts';
import { RecentMachines } from './home/recent-machines.ts';
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

const openDiskLibrary: OpenDiskLibrary = async () => {
  if (import.meta.env.DEV) {
    const fake = await fakeLibrary();
    if (fake) return fake;
  }
  const engine = await import('../embed/index.ts');
  return engine.openDiskLibrary();
};

/** In development builds `?fakeDisks=WORDS` stands for the library. */
async function fakeLibrary(): Promise<DiskLibrary | undefined> {
  const words = new URLSearchParams(location.search).get('fakeDisks');
  if (words === null) return undefined;
  const { FakeDiskLibrary, parseFakeDisks } = await import('./testing/fake-disk-library.ts');
  return new FakeDiskLibrary(parseFakeDisks(words));
}

/** Below this width a terminal needs smaller letters for a useful number of columns. */
const PHONE_WIDTH = '(max-width: 480px)';

const store = browserStorage();
const settings = new SettingsStore(store, {
  ...DEFAULT_SETTINGS,
  fontSizePx: matchMedia(PHONE_WIDTH).matches ? FONT_SIZE_PX.phone : FONT_SIZE_PX.normal,
});
document.body.append(
  new BrambleApp({
    settings,
    theme: new Theme(settings),
    createMachine,
    shelf: new DiskShelf(openDiskLibrary, new BootMemory(store), () => performance.now()),
    recent: new RecentMachines(store),
  }),
);
