/**
 * Loads what a machine starts from, with progress, and says in words why it could not. Files that boot stay in
 * the parts that they came in, and what is gzip-compressed is unpacked as it comes.
 * The body of a response is read as a stream (Fetch 5.3); its length is known when the server tells it
 * and does not compress on the way.
 */
import type { GuestFile } from '../emu/machine/guest-file.ts';
import { GzipUnpacker, isGzip } from '../emu/machine/gunzip.ts';
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

/**
 * Gives parts that the caller may transfer: what the user handed in is copied. With a limit, a file that gzip
 * unpacks as a whole to no more than that comes unpacked; whoever boots it says what is wrong with another.
 */
export async function loadFile(
  source: ByteSource,
  context: LoadContext,
  unpackedLimitBytes?: number,
): Promise<GuestFile> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let unpacker: GzipUnpacker | undefined;
  for await (const part of readParts(source, context)) {
    if (parts.length === 0 && unpackedLimitBytes !== undefined && isGzip(part)) {
      unpacker = new GzipUnpacker(unpackedLimitBytes);
    }
    parts.push(part);
    await unpacker?.write(part);
  }
  unpacker?.close();
  const unpacked = await unpacker?.result;
  return unpacked?.kind === 'unpacked' ? unpacked.parts : parts;
}

/** For images that may be larger than memory: what is a Blob stays one. */
export async function loadImage(source: ByteSource, context: LoadContext): Promise<Blob | Uint8Array> {
  if (source instanceof Blob) return source;
  if (source instanceof Uint8Array) return new Uint8Array(source);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of fetchParts(source, context)) parts.push(part);
  return new Blob(parts);
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

type Parts = AsyncGenerator<Uint8Array<ArrayBuffer>, void>;

function readParts(source: ByteSource, context: LoadContext): Parts {
  if (typeof source === 'string') return fetchParts(source, context);
  // The parts of a Blob give the page its turn in between.
  return readBlob(source instanceof Blob ? source : new Blob([new Uint8Array(source)]), context);
}

async function* readBlob(blob: Blob, context: LoadContext): Parts {
  const { what } = context;
  let loadedBytes = 0;
  try {
    for await (const part of chunksOf(blob.stream())) {
      loadedBytes += part.length;
      context.progress({ what, loadedBytes, totalBytes: blob.size });
      yield part;
    }
  } catch (failure) {
    throw fetchFailure(
      `The file for the ${context.what} could not be read.`,
      'It may have been moved, changed or deleted since it was picked: pick it again.',
      String(failure),
    );
  }
}

async function* fetchParts(address: string, context: LoadContext): Parts {
  const { what, signal, progress } = context;
  const url = resolveUrl(address, context);
  const response = await request(url, context);
  const totalBytes = announcedBytes(response);
  const total = totalBytes === undefined ? {} : { totalBytes };
  let loadedBytes = 0;
  progress({ what, loadedBytes, ...total });
  try {
    for await (const part of chunksOf(response.body)) {
      if (loadedBytes === 0) rejectPage(part, response, url, what);
      loadedBytes += part.length;
      progress({ what, loadedBytes, ...total });
      yield part;
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
}

/** What a stream gives, in turn; not every browser can iterate over one (Streams 4.2.5). */
async function* chunksOf(stream: ReadableStream<Uint8Array<ArrayBuffer>> | null): Parts {
  const reader = stream?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) yield part.value;
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

function fetchFailure(message: string, hint: string, details: string): MachineFailure {
  return new MachineFailure({ code: 'fetch', message, hint, ...(details && { details }) });
}
