/** A server for one page and a few files on this machine, which is isolated as the real page is. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What isolation takes (HTML 7.1.3); served by address, contents or path of a file. */
const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Document-Isolation-Policy': 'isolate-and-require-corp',
  'Cache-Control': 'no-store',
};

const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript'],
  ['wasm', 'application/wasm'],
]);

export type ServedItem = { readonly contents: string | Uint8Array } | { readonly file: string };

export interface PageServer {
  readonly origin: string;
  close(): void;
}

/** Serves `items` by the paths that are their keys, on a free port of this machine only. */
export async function servePage(items: ReadonlyMap<string, ServedItem>): Promise<PageServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const item = items.get(path);
    if (item) answer(path, item, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(path: string, item: ServedItem, response: ServerResponse): void {
  const type = CONTENT_TYPES.get(path.slice(path.lastIndexOf('.') + 1)) ?? 'application/octet-stream';
  const headers = { ...ISOLATION_HEADERS, 'Content-Type': type };
  if ('contents' in item) {
    response.writeHead(200, headers).end(item.contents);
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Length': statSync(item.file).size });
  createReadStream(item.file)
    .on('error', () => response.destroy())
    .pipe(response);
}
