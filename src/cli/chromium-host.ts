/** What programs need to run a page of their own in the Chromium of this computer. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { build } from 'vite';
import { interpreterImages } from './interpreter-plugin.ts';
import type { ServedItem } from './page-server.ts';

/** Names under which distributions install it. */
const EXECUTABLES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
/**
 * Builds a page of a folder as for production: what a server gives out, by path. `replacements` are other modules
 * in the place of some, by the path they are imported by.
 */
export async function buildPage(
  root: string,
  page: string,
  replacements: Readonly<Record<string, string>> = {},
): Promise<Map<string, ServedItem>> {
  const alias = Object.entries(replacements).map(([find, replacement]) => ({ find, replacement }));
  const result = await build({
    root,
    resolve: { alias },
    configFile: false,
    plugins: [interpreterImages()],
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: { input: join(root, page.slice(1)) },
    },
  });
  const items = new Map<string, ServedItem>();
  for (const { output } of [result].flat() as { output: BuiltFile[] }[]) {
    for (const file of output) {
      items.set(`/${file.fileName}`, { contents: file.type === 'chunk' ? file.code : file.source });
    }
  }
  return items;
}

type BuiltFile =
  | { readonly type: 'chunk'; readonly fileName: string; readonly code: string }
  | { readonly type: 'asset'; readonly fileName: string; readonly source: string | Uint8Array };

/** @throws {Error} in words */
export function findChromium(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of EXECUTABLES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  throw new Error('Chromium was not found; on Debian, "apt install chromium" installs it');
}
