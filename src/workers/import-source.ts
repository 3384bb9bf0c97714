/** Files that images are imported from: picked by the user, or on a server that may let go in the middle. */
import { DiskError } from '../emu/storage/disk-error.ts';
import { isSameFile, type SourceIdentity } from './import-record.ts';

const STATUS_PARTIAL_CONTENT = 206;
const FIRST_SERVER_ERROR = 500;
const BYTES_PER_MIB = 1 << 20;
const RETRIES = 5;
const FIRST_RETRY_DELAY_MS = 500;
/** Small enough that progress shows and a cancelled read ends soon. */
const FILE_STEP_BYTES = 2 << 20;
const BODY_STEP_BYTES = 256 << 10;

export interface ImportSource {
  readonly identity: SourceIdentity;
  /** The bytes from `offset` on; each piece is valid until the next one is asked for. */
  stream(offset: number): AsyncGenerator<Uint8Array>;
}

export function fileSource(file: Blob, signal: AbortSignal): ImportSource {
  const lastModified = file instanceof File ? { lastModified: String(file.lastModified) } : {};
  return {
    identity: { sizeBytes: file.size, ...lastModified },
    async *stream(offset) {
      let coming = readPart(file, offset);
      for (let at = offset; at < file.size; at += FILE_STEP_BYTES) {
        signal.throwIfAborted();
        const bytes = await coming;
        // The next part is read while this one is worked on.
        coming = readPart(file, at + FILE_STEP_BYTES);
        coming.catch(() => {});
        yield bytes;
      }
    },
  };
}

async function readPart(file: Blob, at: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(at, at + FILE_STEP_BYTES).arrayBuffer());
  } catch (failure) {
    // A file that was changed or removed after it was picked cannot be read any more (File API 6.1).
    throw new DiskError(
      'io',
      `The file could not be read at byte ${at} (${String(failure)}): it may have been moved or changed ` +
        'since it was picked. Pick it again.',
    );
  }
}

export interface UrlContext {
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  /** The page's own origin. */
  readonly origin: string;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Asks for the file, so that its identity is known; the answer's body is the first stream. */
export async function urlSource(url: string, offset: number, context: UrlContext): Promise<ImportSource> {
  let first: Response | undefined = await request(url, offset, context, offset > 0);
  const startedAt = first.status === STATUS_PARTIAL_CONTENT ? offset : 0;
  const identity = identityOf(first, startedAt);
  return {
    identity,
    async *stream(from) {
      let position = from;
      let failures = 0;
      if (from !== startedAt) first = undefined;
      while (true) {
        try {
          const response: Response = first ?? (await requestRest(url, position, identity, context));
          first = undefined;
          for await (const bytes of bodyOf(response)) {
            yield bytes;
            position += bytes.length;
            failures = 0;
          }
          if (identity.sizeBytes === undefined || position >= identity.sizeBytes) return;
          throw new TypeError(`the connection ended after ${position} of ${identity.sizeBytes} bytes`);
        } catch (failure) {
          const isHopeless = failure instanceof DiskError && failure.kind !== 'network';
          if (context.signal.aborted || isHopeless) throw failure;
          if (failures++ >= RETRIES) throw brokenOff(url, position, identity);
          await context.sleep(FIRST_RETRY_DELAY_MS * 2 ** (failures - 1));
        }
      }
    },
  };
}

async function* bodyOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = readerOf(body);
  try {
    for (let part = await reader.read(); !part.done && part.value; part = await reader.read())
      yield part.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

type PieceReader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'cancel'> & {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
};

/** Where the browser can, all pieces come in the same memory (Streams, 4.5): less is left to be collected. */
function readerOf(body: ReadableStream<Uint8Array>): PieceReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    return body.getReader();
  }
  let memory = new ArrayBuffer(BODY_STEP_BYTES);
  return {
    async read() {
      const part = await reader.read(new Uint8Array(memory));
      if (part.value) memory = part.value.buffer;
      return part;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** Goes on in the middle, if the server can, and the file is still the same. */
async function requestRest(
  url: string,
  position: number,
  identity: SourceIdentity,
  context: UrlContext,
): Promise<Response> {
  const response = await request(url, position, context, true);
  const startsAt = response.status === STATUS_PARTIAL_CONTENT ? position : 0;
  if (startsAt === position && isSameFile(identity, identityOf(response, position))) return response;
  await response.body?.cancel();
  throw new DiskError(
    startsAt === position ? 'io' : 'no-ranges',
    startsAt === position
      ? `The file at ${url} has changed while it was being fetched: start the import again.`
      : `The connection to ${hostOf(url)} broke off after ${inMib(position)}, and the server cannot send the ` +
          'rest of a file by itself. Download the file with the browser, and import it from there.',
  );
}

async function request(
  url: string,
  offset: number,
  { fetch: fetchFrom, signal, origin }: UrlContext,
  hasAnswered: boolean,
): Promise<Response> {
  // If-Range would make browsers ask other sites for permission first; identities are compared instead.
  const headers: Record<string, string> = offset === 0 ? {} : { Range: `bytes=${offset}-` };
  let response: Response;
  try {
    response = await fetchFrom(url, { headers, signal });
  } catch (failure) {
    if (signal.aborted) throw failure;
    // A server that has answered once lets this page read the file: it is the network.
    throw hasAnswered ? noNetwork(url, failure) : unreachable(url, origin, failure);
  }
  if (response.ok) return response;
  const status = `${response.status} ${response.statusText}`.trim();
  const isPassing = response.status >= FIRST_SERVER_ERROR;
  throw new DiskError(
    isPassing ? 'network' : 'not-found',
    `The server ${hostOf(url)} answered ${status} for ${url}: ${isPassing ? 'try again later' : 'check the address'}.`,
  );
}

function noNetwork(url: string, failure: unknown): DiskError {
  return new DiskError(
    'network',
    `${hostOf(url)} cannot be reached: check the network connection. (${failure})`,
  );
}

export function unreachable(url: string, origin: string, failure: unknown): DiskError {
  const host = hostOf(url);
  const isForeign = new URL(url).origin !== origin;
  if (!isForeign) return noNetwork(url, failure);
  // A browser does not tell a page which of the two it was (Fetch, 4.9).
  return new DiskError(
    'cross-origin',
    `The file could not be fetched from ${host}: either the server cannot be reached, or it does not let ` +
      'other sites read the file (CORS). Download it with the browser and import the downloaded file.',
  );
}

function brokenOff(url: string, position: number, { sizeBytes }: SourceIdentity): DiskError {
  const total = sizeBytes === undefined ? '' : ` of ${inMib(sizeBytes)}`;
  return new DiskError(
    'network',
    `The connection to ${hostOf(url)} broke off after ${inMib(position)}${total} and could not be taken up ` +
      'again. Check the network, and try again: what is stored stays, and the import goes on from there.',
  );
}

function inMib(bytes: number): string {
  return `${(bytes / BYTES_PER_MIB).toFixed(1)} MiB`;
}

/** What the headers tell; of a part, the size of the whole. Compressed transfers have no known size. */
export function identityOf(response: Response, offset: number): SourceIdentity {
  const { headers } = response;
  const etag = headers.get('etag');
  const lastModified = headers.get('last-modified');
  const length = headers.get('content-length');
  const encoding = headers.get('content-encoding') ?? 'identity';
  return {
    ...(length !== null && encoding === 'identity' && { sizeBytes: offset + Number(length) }),
    ...(etag !== null && { etag }),
    ...(lastModified !== null && { lastModified }),
  };
}

export function hostOf(url: string): string {
  return new URL(url).host;
}
