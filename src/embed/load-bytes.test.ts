import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { partsOf } from '../emu/machine/guest-file.ts';
import { MachineFailure } from '../workers/machine-failure.ts';
import type { ByteSource, LoadProgress, MachineError } from './api.ts';
import { loadFile, loadImage } from './load-bytes.ts';

const LIMIT = 1 << 20;

/** Loads `source` with a fetch that answers `response`, or throws it. */
async function load(source: ByteSource, response: Response | Error = new Response()) {
  const progress: LoadProgress[] = [];
  const fetched: string[] = [];
  const context = {
    what: 'kernel' as const,
    baseUrl: 'https://page.example/app/',
    signal: new AbortController().signal,
    progress: (value: LoadProgress) => progress.push(value),
    fetch: async (address: RequestInfo | URL) => {
      fetched.push(String(address));
      if (response instanceof Error) throw response;
      return response;
    },
  };
  const file = await loadFile(source, context, LIMIT);
  return { bytes: Uint8Array.from(Buffer.concat(partsOf(file))), file, progress, fetched };
}

async function failureOf(source: ByteSource, response: Response | Error): Promise<MachineError> {
  const failure = await load(source, response).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(failure).toBeInstanceOf(MachineFailure);
  return (failure as MachineFailure).error;
}

const chunked = (...chunks: number[][]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Uint8Array.from(chunk));
      controller.close();
    },
  });

describe('loadFile', () => {
  it('copies bytes that are given, so that the caller keeps them', async () => {
    const mine = Uint8Array.of(1, 2, 3);
    const { bytes, file } = await load(mine);
    expect(bytes).toEqual(mine);
    expect(partsOf(file)[0]?.buffer).not.toBe(mine.buffer);
  });

  it('reads a picked file', async () => {
    const { bytes, progress } = await load(new Blob([Uint8Array.of(4, 5)]));
    expect(bytes).toEqual(Uint8Array.of(4, 5));
    expect(progress.at(-1)).toEqual({ what: 'kernel', loadedBytes: 2, totalBytes: 2 });
  });

  it('fetches relative to the page and reports progress against the announced length', async () => {
    const response = new Response(chunked([1, 2], [3]), { headers: { 'content-length': '3' } });
    const { bytes, progress, fetched } = await load('images/kernel', response);
    expect(fetched).toEqual(['https://page.example/app/images/kernel']);
    expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(progress.map(({ loadedBytes }) => loadedBytes)).toEqual([0, 2, 3]);
    expect(progress.every(({ totalBytes }) => totalBytes === 3)).toBe(true);
  });

  it('does not trust the announced length when the server compresses on the way', async () => {
    const headers = { 'content-length': '1', 'content-encoding': 'gzip' };
    const { bytes, progress } = await load('kernel', new Response(chunked([1, 2, 3]), { headers }));
    expect(bytes).toHaveLength(3);
    expect(progress[0]).not.toHaveProperty('totalBytes');
  });

  it.each([
    [404, 'no file at this address'],
    [403, 'refuses'],
    [503, 'server has a problem'],
    [418, 'Check the address'],
  ])('explains the status %d', async (status, hint) => {
    const error = await failureOf('kernel', new Response('', { status }));
    expect(error.code).toBe('fetch');
    expect(error.message).toContain(String(status));
    expect(error.hint).toContain(hint);
  });

  it('mentions CORS when another site cannot be read, and only then', async () => {
    const network = new TypeError('Failed to fetch');
    expect((await failureOf('https://other.example/kernel', network)).hint).toContain('CORS');
    expect((await failureOf('/kernel', network)).hint).not.toContain('CORS');
  });

  it('says that an address leads to a page when the bytes are HTML', async () => {
    const page = new Response('\n<!DOCTYPE html><html></html>', { headers: { 'content-type': 'text/html' } });
    expect((await failureOf('kernel', page)).message).toContain('web page');
  });

  it('says how much arrived when the transfer ends early or breaks', async () => {
    const headers = { 'content-length': '10' };
    expect((await failureOf('kernel', new Response(chunked([1, 2]), { headers }))).message).toContain(
      '2 of 10',
    );
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new TypeError('connection reset')),
    });
    expect((await failureOf('kernel', new Response(broken))).message).toContain('broke off');
  });

  it('unpacks what is compressed as it comes, and leaves the parts apart', async () => {
    const plain = Uint8Array.from({ length: 300_000 }, (_, index) => (index * index) >> 3);
    const packed = new Uint8Array(gzipSync(plain));
    const response = new Response(chunked([...packed.subarray(0, 1000)], [...packed.subarray(1000)]));
    const { bytes, file, progress } = await load('kernel', response);
    expect(bytes).toEqual(plain);
    expect(partsOf(file).length).toBeGreaterThan(1);
    expect(progress.at(-1)?.loadedBytes).toBe(packed.length);
  });

  it.each([
    ['damaged', gzipSync(new Uint8Array(5000)).subarray(0, 20)],
    ['followed by something else', Buffer.concat([gzipSync('archive'), Buffer.from('another')])],
    ['larger than the limit unpacked', gzipSync(new Uint8Array(LIMIT + 1))],
  ])('leaves a compressed file as it is when it is %s', async (_what, packed) => {
    const { bytes } = await load(new Uint8Array(packed));
    expect(bytes).toEqual(new Uint8Array(packed));
  });

  it('refuses an address that is none', async () => {
    expect((await failureOf('http://', new Response())).message).toContain('not a valid one');
  });
});

describe('loadImage', () => {
  it('leaves a picked image where it is', async () => {
    const blob = new Blob(['image']);
    const context = {
      what: 'disk' as const,
      baseUrl: 'https://page.example/',
      signal: new AbortController().signal,
      progress: () => {},
      fetch,
    };
    expect(await loadImage(blob, context)).toBe(blob);
  });
});
