/** A page of disks in a Chromium with a profile that stays, so that the browser can be killed and opened again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { CHROMIUM_FLAGS } from '../../src/cli/chromium-flags.ts';
import { buildPage, findChromium } from '../../src/cli/chromium-host.ts';
import { type PageServer, type ServedItem, servePage } from '../../src/cli/page-server.ts';
import { allProcesses, commandLineOf, cpuSecondsOf, isRenderer } from '../bench/process-usage.ts';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const PAGE = '/page.html';

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Ends the browser without a word to it, as a crash or a loss of power would. */
  kill(): Promise<void>;
}

export class DisksHarness {
  readonly #server: PageServer;
  readonly #profile: string;

  /** @param files served beside the page, by path */
  static async open(files: ReadonlyMap<string, ServedItem> = new Map()): Promise<DisksHarness> {
    const items = new Map([...(await buildPage(ROOT, PAGE)), ...files]);
    return new DisksHarness(await servePage(items, true));
  }

  private constructor(server: PageServer) {
    this.#server = server;
    this.#profile = mkdtempSync(join(tmpdir(), 'bramble-disks-'));
  }

  /** Starts a browser with this harness's profile. */
  async openPage(prepare: (page: Page) => Promise<void> = async () => {}): Promise<OpenPage> {
    const context = await chromium.launchPersistentContext(this.#profile, {
      args: CHROMIUM_FLAGS,
      headless: true,
      // A soak that is told to end finishes its round first.
      handleSIGINT: false,
      handleSIGTERM: false,
      executablePath: process.env.BRAMBLE_CHROMIUM ?? findChromium(),
    });
    // A browser may end by itself before it is killed.
    const gone = new Promise<void>((resolve) => context.once('close', () => resolve()));
    const page = context.pages()[0] ?? (await context.newPage());
    await prepare(page);
    await page.goto(this.#server.origin + PAGE);
    await page.waitForFunction(() => 'disks' in window);
    return { page, context, kill: () => this.#kill(gone) };
  }

  /** CPU time that all processes of the browser have had so far; it depends less on who else works here. */
  cpuSeconds(): number {
    return processesOf(this.#profile)
      .map(cpuSecondsOf)
      .reduce((sum, seconds) => sum + seconds, 0);
  }

  /** The browser's processes that run pages. */
  pageProcesses(): number[] {
    return processesOf(this.#profile).filter(isRenderer);
  }

  async close(): Promise<void> {
    await this.#server.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  async #kill(gone: Promise<void>): Promise<void> {
    for (const pid of processesOf(this.#profile)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended with another one.
      }
    }
    await gone;
  }
}

/** Processes of the browser with this profile, which nobody else has. */
function processesOf(profile: string): number[] {
  return allProcesses().filter((pid) => commandLineOf(pid).includes(profile));
}
