/**
 * Loads what a machine starts from, with progress, and says in words why it could not.
 * The body of a response is read as a stream (Fetch 5.3); its length is known when the server tells it
 * and does not compress on the way.
 */
import { MachineFailure } from '../workers/machine-failure.ts';
import type { ByteSource, LoadProgress } from './api.ts';

export interface LoadContext {
  readonly what: LoadProgress['what'];
  readonly fetch: typeof fetch;
  /** What relative addresses are relative to. */
  readonly baseUrl: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: LoadProgress) => void;
}

/** Statuses worth a word of their own. */
const STATUS_HINTS: ReadonlyMap<number, string> = new Map([
  [401, 'The server asks for a login.'],
  [403, 'The server refuses to hand it out.'],
  [404, 'There is no file at this address: check the name.'],
  [410, 'The file is no longer offered there.'],
  [429, 'The server asks to try again later.'],
]);
const FIRST_SERVER_ERROR = 500;

/** Gives bytes that the caller may transfer: what the user handed in is copied. */
export async function loadBytes(source: ByteSource, context: LoadContext): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array) {
    context.progress({ what: context.what, loadedBytes: source.length, totalBytes: source.length });
    return new Uint8Array(source);
  }
  if (source instanceof Blob) return readBlob(source, context);
  return joinChunks(await fetchChunks(source, context));
}

/** Like `loadBytes`, for images that may be larger than memory: what is a Blob stays one. */
export async function loadImage(source: ByteSource, context: LoadContext): Promise<Blob | Uint8Array> {
  if (source instanceof Blob) return source;
  if (source instanceof Uint8Array) return loadBytes(source, context);
  return new Blob(await fetchChunks(source, context));
}

/** The address and size of a disk that stays on its server. */
export async function measureRemote(
  address: string,
  context: LoadContext,
): Promise<{ readonly url: string; readonly sizeBytes: number }> {
  const url = resolveUrl(address, context);
  const sizeBytes = announcedBytes(await request(url, context, 'HEAD'));
  if (sizeBytes !== undefined) return { url: url.href, sizeBytes };
  throw fetchFailure(
    'The server does not tell the size of the disk.',
    'Use another server for it.',
    url.href,
  );
}

async function readBlob(blob: Blob, context: LoadContext): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    context.progress({ what: context.what, loadedBytes: bytes.length, totalBytes: bytes.length });
    return bytes;
  } catch (failure) {
    throw fetchFailure(
      `The file for the ${context.what} could not be read.`,
      'It may have been moved, changed or deleted since it was picked: pick it again.',
      String(failure),
    );
  }
}

async function fetchChunks(address: string, context: LoadContext): Promise<Uint8Array<ArrayBuffer>[]> {
  const { what, signal, progress } = context;
  const url = resolveUrl(address, context);
  const response = await request(url, context);
  const totalBytes = announcedBytes(response);
  const total = totalBytes === undefined ? {} : { totalBytes };
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let loadedBytes = 0;
  progress({ what, loadedBytes, ...total });
  try {
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      if (loadedBytes === 0) rejectPage(part.value, response, url, what);
      chunks.push(part.value);
      loadedBytes += part.value.length;
      progress({ what, loadedBytes, ...total });
    }
  } catch (failure) {
    if (failure instanceof MachineFailure || signal.aborted) throw failure;
    throw fetchFailure(
      `The transfer of the ${what} broke off after ${loadedBytes} bytes.`,
      'Check the network connection and try again.',
      `${url.href}: ${String(failure)}`,
    );
  }
  if (totalBytes !== undefined && loadedBytes !== totalBytes) {
    throw fetchFailure(
      `The ${what} is incomplete: ${loadedBytes} of ${totalBytes} bytes arrived.`,
      'Try again; the connection may have been cut.',
      url.href,
    );
  }
  return chunks;
}

function resolveUrl(address: string, { what, baseUrl }: LoadContext): URL {
  try {
    return new URL(address, baseUrl);
  } catch {
    throw fetchFailure(
      `The address of the ${what} is not a valid one: ${address}`,
      'Check its spelling.',
      '',
    );
  }
}

async function request(url: URL, context: LoadContext, method = 'GET'): Promise<Response> {
  const { what, signal, baseUrl } = context;
  let response: Response;
  try {
    response = await context.fetch(url.href, { method, signal });
  } catch (failure) {
    if (signal.aborted) throw failure;
    const isForeign = url.origin !== new URL(baseUrl).origin;
    throw fetchFailure(
      `The ${what} could not be fetched from ${url.host || url.protocol}.`,
      isForeign
        ? 'Either the server cannot be reached, or it does not allow other sites to read the file (CORS). ' +
            'Download it and pick it as a file, or serve it with Access-Control-Allow-Origin.'
        : 'The server cannot be reached: check the network connection.',
      `${url.href}: ${String(failure)}`,
    );
  }
  if (response.ok) return response;
  const hint =
    STATUS_HINTS.get(response.status) ??
    (response.status >= FIRST_SERVER_ERROR
      ? 'The server has a problem: try again later.'
      : 'Check the address.');
  throw fetchFailure(
    `The ${what} could not be fetched: the server answered ${response.status} ${response.statusText}`.trim() +
      '.',
    hint,
    url.href,
  );
}

/** Servers of single-page sites answer any address with their page; no guest file is HTML. */
function rejectPage(start: Uint8Array, response: Response, url: URL, what: string): void {
  const isDeclaredHtml = response.headers.get('content-type')?.startsWith('text/html') ?? false;
  const text = new TextDecoder().decode(start.subarray(0, 256)).trimStart().toLowerCase();
  if (!isDeclaredHtml || !/^(<!doctype|<html|<head|<!--)/.test(text)) return;
  throw fetchFailure(
    `The address of the ${what} leads to a web page, not to the file itself.`,
    'Use the address of the file: usually that behind the "download" or "raw" button.',
    url.href,
  );
}

function announcedBytes(response: Response): number | undefined {
  const encoding = response.headers.get('content-encoding');
  const length = response.headers.get('content-length');
  return length === null || (encoding !== null && encoding !== 'identity') ? undefined : Number(length);
}

function joinChunks(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

function fetchFailure(message: string, hint: string, details: string): MachineFailure {
  return new MachineFailure({ code: 'fetch', message, hint, ...(details && { details }) });
}
