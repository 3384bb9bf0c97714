/** A server for one page and a few files on this machine; the page is isolated as the real one is, or not. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { BlockStore } from '../emu/storage/block-store.ts';
import type { OpenDisk } from './disk-file.ts';

const PLAIN_HEADERS = { 'Cache-Control': 'no-store' };
/** What isolation takes (HTML 7.1.3). */
const ISOLATION_HEADERS = {
  ...PLAIN_HEADERS,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Document-Isolation-Policy': 'isolate-and-require-corp',
};

const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript'],
  ['wasm', 'application/wasm'],
]);

/** Files are read in pieces of this size: a kernel in 64 KiB takes ten times as many turns. */
const FILE_CHUNK_BYTES = 1 << 20;

const STATUS_OK = 200;
const STATUS_NO_CONTENT = 204;
const STATUS_PARTIAL_CONTENT = 206;
const STATUS_BAD_REQUEST = 400;
const STATUS_NOT_FOUND = 404;
const STATUS_FAILED = 500;

export type ServedItem =
  | { readonly contents: string | Uint8Array }
  | { readonly file: string }
  /** Read by ranges and written, as RemoteStore of the workers asks. */
  | { readonly disk: OpenDisk };

export interface PageServer {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Serves `items` by the paths that are their keys, on a free port of this machine only; owns their stores
 * and closes them with itself.
 */
export async function servePage(
  items: ReadonlyMap<string, ServedItem>,
  isolated: boolean,
): Promise<PageServer> {
  const server = createServer((request, response) => {
    const headers = isolated ? ISOLATION_HEADERS : PLAIN_HEADERS;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const item = items.get(path);
    if (!item) response.writeHead(STATUS_NOT_FOUND).end();
    else if ('disk' in item) void serveStore(item.disk.store, request, response);
    else answer(path, item, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      for (const item of items.values()) if ('disk' in item) await item.disk.close();
    },
  };
}

function answer(path: string, item: Exclude<ServedItem, { disk: OpenDisk }>, response: ServerResponse): void {
  const type = CONTENT_TYPES.get(path.slice(path.lastIndexOf('.') + 1)) ?? 'application/octet-stream';
  const headers = { 'Content-Type': type };
  if ('contents' in item) {
    response.writeHead(STATUS_OK, headers).end(item.contents);
    return;
  }
  response.writeHead(STATUS_OK, { ...headers, 'Content-Length': statSync(item.file).size });
  createReadStream(item.file, { highWaterMark: FILE_CHUNK_BYTES })
    .on('error', () => response.destroy())
    .pipe(response);
}

async function serveStore(
  store: BlockStore,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, headers } = request;
  try {
    if (method === 'HEAD') {
      response.writeHead(STATUS_OK, { 'Content-Length': store.size }).end();
    } else if (method === 'POST') {
      await store.flush();
      response.writeHead(STATUS_NO_CONTENT).end();
    } else if (method === 'PUT') {
      const [, first] = /^bytes (\d+)-/.exec(headers['content-range'] ?? '') ?? [];
      await store.write(Number(first), await buffer(request));
      response.writeHead(STATUS_NO_CONTENT).end();
    } else {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (first === undefined) return void response.writeHead(STATUS_BAD_REQUEST).end();
      const bytes = new Uint8Array(Number(last) - Number(first) + 1);
      await store.read(Number(first), bytes);
      const range = { 'Content-Range': `bytes ${first}-${last}/${store.size}` };
      response.writeHead(STATUS_PARTIAL_CONTENT, range).end(bytes);
    }
  } catch {
    // The guest sees the I/O error.
    response.writeHead(STATUS_FAILED).end();
  }
}
