/**
 * A file on a server of which parts are fetched (RFC 9110, 14.2). Each answer is checked to be of the same
 * file as the first one; a connection that breaks is tried again a few times.
 */
import { StorageError } from '../emu/storage/block-store.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { RemoteImage } from '../emu/storage/disk-records.ts';
import type { FarFile } from '../emu/storage/fetched-store.ts';
import { isSameFile } from './import-record.ts';
import { hostOf, identityOf, type UrlContext, unreachable } from './import-source.ts';

const STATUS_OK = 200;
const STATUS_PARTIAL_CONTENT = 206;
const FIRST_SERVER_ERROR = 500;
const RETRIES = 4;
const FIRST_RETRY_DELAY_MS = 300;

type RangeContext = Omit<UrlContext, 'signal'>;

/** Asks a server whether a file can be read in parts, and what it is. @throws {DiskError} */
export async function probeRanges(url: string, context: RangeContext): Promise<RemoteImage> {
  const head = await ask(url, { method: 'HEAD' }, context);
  if (!head.ok) throw refused(url, head);
  const { sizeBytes, ...identity } = identityOf(head, 0);
  const first = await ask(url, { headers: { Range: 'bytes=0-0' } }, context);
  await first.body?.cancel();
  if (!first.ok) throw refused(url, first);
  if (first.status !== STATUS_PARTIAL_CONTENT || sizeBytes === undefined) {
    const lack =
      sizeBytes === undefined ? 'does not tell the size of the file' : 'cannot send parts of a file';
    throw new DiskError(
      'no-ranges',
      `The server ${hostOf(url)} ${lack}, so the image cannot be fetched on demand: import it as a whole.`,
    );
  }
  return { url, sizeBytes, ...identity };
}

export class HttpRanges implements FarFile {
  readonly size: number;
  readonly #image: RemoteImage;
  readonly #context: RangeContext;

  constructor(image: RemoteImage, context: RangeContext) {
    this.size = image.sizeBytes;
    this.#image = image;
    this.#context = context;
  }

  /** @throws {StorageError} in words, after some attempts where that may help */
  async read(offset: number, target: Uint8Array): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const failure = await this.#attempt(offset, target);
      if (failure === undefined) return;
      if (!failure.mayPass || attempt === RETRIES) throw new StorageError('io', failure.message);
      await this.#context.sleep(FIRST_RETRY_DELAY_MS * 2 ** attempt);
    }
  }

  async #attempt(
    offset: number,
    target: Uint8Array,
  ): Promise<{ readonly message: string; readonly mayPass: boolean } | undefined> {
    const { url } = this.#image;
    const range = `bytes=${offset}-${offset + target.length - 1}`;
    let response: Response;
    let bytes: Uint8Array;
    try {
      response = await this.#context.fetch(url, { headers: { Range: range } });
      bytes =
        response.status === STATUS_PARTIAL_CONTENT ? new Uint8Array(await response.arrayBuffer()) : NOTHING;
    } catch (failure) {
      return { message: `${hostOf(url)} cannot be reached (${String(failure)})`, mayPass: true };
    }
    if (response.status !== STATUS_PARTIAL_CONTENT) {
      await response.body?.cancel();
      const mayPass = response.status >= FIRST_SERVER_ERROR;
      const status = response.status === STATUS_OK ? 'the whole file' : `status ${response.status}`;
      return { message: `${hostOf(url)} answered a part of the image with ${status}`, mayPass };
    }
    // What a part says about its length is that of the part; the rest has to agree.
    const { sizeBytes: _, ...identity } = identityOf(response, 0);
    if (!isSameFile(identity, this.#image)) {
      const message = `the image at ${url} has changed since this disk was made from it`;
      return { message, mayPass: false };
    }
    if (bytes.length !== target.length) {
      return { message: `${hostOf(url)} sent ${bytes.length} bytes for ${range}`, mayPass: true };
    }
    target.set(bytes);
    return undefined;
  }
}

const NOTHING = new Uint8Array(0);

async function ask(url: string, init: RequestInit, context: RangeContext): Promise<Response> {
  try {
    return await context.fetch(url, init);
  } catch (failure) {
    throw unreachable(url, context.origin, failure);
  }
}

function refused(url: string, { status, statusText }: Response): DiskError {
  const kind = status >= FIRST_SERVER_ERROR ? 'network' : 'not-found';
  return new DiskError(kind, `The server ${hostOf(url)} answered ${status} ${statusText} for ${url}.`);
}
