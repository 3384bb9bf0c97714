/**
 * The command line's machine in headless Chromium: the library and worker that the page uses, built as
 * for production, on a bare page. Console bytes and commands cross Playwright's bridge.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type CDPSession, chromium, type Page } from '@playwright/test';
import type { DiskOptions, MachineOptions, MachineStats } from '../embed/api.ts';
import { untilQuiet } from './browser-quiet.ts';
import { CHROMIUM_FLAGS } from './chromium-flags.ts';
import { buildPage, findChromium } from './chromium-host.ts';
import type { PageEvent } from './chromium-page.ts';
import { isRaw, openDisk } from './disk-file.ts';
import type { GuestSession, HostUsage, OpenSession, SessionEvents, SessionOptions } from './guest-session.ts';
import { type PageServer, type ServedItem, servePage } from './page-server.ts';

const PAGE = '/chromium-page.html';
const ROOT = fileURLToPath(new URL('.', import.meta.url));
const BYTES_PER_KIB = 1 << 10;

export interface PageSetting {
  /** Other modules in the place of some, by the path they are imported by; tests replace the engine. */
  readonly replacements?: Readonly<Record<string, string>>;
  /** Whether the page may share memory with its worker; default true. */
  readonly isolated?: boolean;
}

export const chromiumSessions =
  (setting: PageSetting = {}): OpenSession =>
  (options, events) =>
    openSession(options, events, setting);

async function openSession(
  options: SessionOptions,
  events: SessionEvents,
  { replacements = {}, isolated = true }: PageSetting,
): Promise<GuestSession> {
  const executablePath = findChromium();
  const { items, machineOptions } = await gatherItems(options);
  for (const [path, item] of await buildPage(ROOT, PAGE, replacements)) items.set(path, item);
  const server = await servePage(items, isolated);
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS, headless: true });
    const page = await (await browser.newContext()).newPage();
    await page.exposeFunction('brambleEvent', (event: PageEvent) => forward(event, events));
    await page.goto(server.origin + PAGE);
    await page.waitForFunction(() => 'bramble' in window);
    const devtools = await browser.newBrowserCDPSession();
    if (options.whenQuiet) await untilQuiet(devtools);
    return new ChromiumSession(browser, page, devtools, server, machineOptions, events);
  } catch (failure) {
    await browser?.close();
    await server.close();
    throw failure;
  }
}

class ChromiumSession implements GuestSession {
  readonly host: string;
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #devtools: CDPSession;
  readonly #server: PageServer;
  readonly #options: MachineOptions;
  #closing = false;

  constructor(
    browser: Browser,
    page: Page,
    devtools: CDPSession,
    server: PageServer,
    options: MachineOptions,
    events: SessionEvents,
  ) {
    this.host = `Chromium ${browser.version()}`;
    this.#browser = browser;
    this.#page = page;
    this.#devtools = devtools;
    this.#server = server;
    this.#options = options;
    const died = (what: string) => () => {
      if (this.#closing) return;
      events.error({ code: 'internal', message: `${what} stopped unexpectedly.` });
      events.exit('failed');
    };
    page.on('crash', died('The page'));
    browser.on('disconnected', died('Chromium'));
  }

  async start(): Promise<void> {
    await this.#page.evaluate((options) => window.bramble.start(options), this.#options);
  }

  type(bytes: Uint8Array): void {
    this.#ask(
      this.#page.evaluate((base64) => window.bramble.type(base64), Buffer.from(bytes).toString('base64')),
    );
  }

  resizeConsole(columns: number, rows: number): void {
    const size: [number, number] = [columns, rows];
    this.#ask(this.#page.evaluate(([width, height]) => window.bramble.resizeConsole(width, height), size));
  }

  pressPowerKey(): void {
    this.#ask(this.#page.evaluate(() => window.bramble.pressPowerKey()));
  }

  stats(): Promise<MachineStats> {
    return this.#page.evaluate(() => window.bramble.stats());
  }

  /** Of the renderer processes; the one that worked most is that of the page and its worker. */
  async usage(): Promise<HostUsage> {
    const { processInfo } = await this.#devtools.send('SystemInfo.getProcessInfo');
    const renderers = processInfo
      .filter(({ type }) => type === 'renderer')
      .sort((a, b) => b.cpuTime - a.cpuTime);
    const cpuSeconds = renderers.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
    return { cpuSeconds, ...readMemory(renderers[0]?.id) };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#browser.close();
    await this.#server.close();
  }

  /** Of something that can only fail when the page is gone, which is reported elsewhere. */
  #ask(answer: Promise<void>): void {
    answer.catch(() => {});
  }
}

function forward(event: PageEvent, events: SessionEvents): void {
  switch (event.kind) {
    case 'console':
      events.console(Buffer.from(event.base64, 'base64'));
      break;
    case 'exit':
      events.exit(event.value.reason);
      break;
    case 'error':
      events.error(event.value);
      break;
    case 'log':
      events.log(event.value);
      break;
    default:
      event satisfies never;
  }
}

/** The guest's files by address, and the options that name those addresses. */
async function gatherItems(options: SessionOptions): Promise<{
  items: Map<string, ServedItem>;
  machineOptions: MachineOptions;
}> {
  const items = new Map<string, ServedItem>();
  const serve = (name: string, file: string): string => {
    accessSync(file, constants.R_OK);
    items.set(`/guest/${name}`, { file });
    return `/guest/${name}`;
  };
  const { initrd, dtb } = options;
  const machineOptions: MachineOptions = {
    memoryMiB: options.memoryMiB,
    commandLine: options.append,
    engine: options.engine,
    ...(options.cpu && { cpu: options.cpu }),
    kernel: serve('kernel', options.kernel),
    ...(initrd !== undefined && { initrd: serve('initrd', initrd) }),
    ...(dtb !== undefined && { dtb: serve('dtb', dtb) }),
    disks: await gatherDisks(options.disks, items, serve),
  };
  return { items, machineOptions };
}

/** What is not raw is decoded on this side; its writes, too, are kept here then. */
async function gatherDisks(
  files: SessionOptions['disks'],
  items: Map<string, ServedItem>,
  serve: (name: string, file: string) => string,
): Promise<DiskOptions[]> {
  const disks: DiskOptions[] = [];
  for (const [index, disk] of files.entries()) {
    const name = `disk${index}`;
    if (disk.mode !== 'write' && (await isRaw(disk.path))) {
      disks.push({ source: serve(name, disk.path), mode: disk.mode });
      continue;
    }
    if (disk.mode === 'readonly') {
      throw new Error(`disk ${disk.path}: only raw images can be ,readonly in Chromium; use ,snapshot`);
    }
    items.set(`/guest/${name}`, { disk: await openDisk(disk) });
    disks.push({ source: `/guest/${name}`, mode: 'remote' });
  }
  return disks;
}

/** Linux tells a process's memory in /proc (proc(5)); elsewhere the figures are zero. */
function readMemory(pid: number | undefined): Pick<HostUsage, 'rssBytes' | 'peakRssBytes'> {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * BYTES_PER_KIB;
    return { rssBytes: field('VmRSS'), peakRssBytes: field('VmHWM') };
  } catch {
    return { rssBytes: 0, peakRssBytes: 0 };
  }
}
