import { describe, expect, it } from 'vitest';
import type { DiskError } from '../emu/storage/disk-error.ts';
import { urlSource } from './import-source.ts';

const ORIGIN = 'https://page.test';
const FOREIGN = 'https://images.test/disk.img';
const BYTES = Uint8Array.from({ length: 3000 }, (_, at) => at);
const CUT = 1000;

/** A server that breaks off after `CUT` bytes of its first answer, and cannot be reached for the next `outages` requests. */
function server(outages: number): { readonly fetch: typeof fetch; readonly ranges: string[] } {
  const ranges: string[] = [];
  const fetchFrom = async (_: unknown, init?: RequestInit): Promise<Response> => {
    const range = new Headers(init?.headers).get('range') ?? '';
    ranges.push(range);
    if (ranges.length > 1 && ranges.length <= 1 + outages) throw new TypeError('Failed to fetch');
    const start = Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? 0);
    const isFirst = ranges.length === 1;
    const pieces = isFirst ? [BYTES.slice(0, CUT)] : [BYTES.slice(start)];
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece) controller.enqueue(piece);
        else if (isFirst) controller.error(new TypeError('network error'));
        else controller.close();
      },
    });
    const headers = { 'content-length': String(BYTES.length - start), etag: '"one"' };
    return new Response(body, { status: range ? 206 : 200, headers });
  };
  return { fetch: fetchFrom as typeof fetch, ranges };
}

async function readAll(from: ReturnType<typeof server>, sleeps: number[] = []): Promise<Uint8Array> {
  const source = await urlSource(FOREIGN, 0, {
    fetch: from.fetch,
    origin: ORIGIN,
    signal: new AbortController().signal,
    sleep: async (ms) => void sleeps.push(ms),
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of source.stream(0)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a file on another site', () => {
  it('goes on when the network comes back', async () => {
    const from = server(3);
    const sleeps: number[] = [];
    expect(Buffer.compare(await readAll(from, sleeps), BYTES)).toBe(0);
    expect(from.ranges).toEqual(['', ...Array(4).fill(`bytes=${CUT}-`)]);
    expect(sleeps).toEqual([500, 1000, 2000, 4000]);
  });

  it('says that the connection is lost, and not that the site refuses, when the network stays away', async () => {
    const failure = await readAll(server(99)).catch((error: DiskError) => error);
    expect(failure).toMatchObject({
      kind: 'network',
      message: expect.stringContaining('images.test broke off after 0.0 MiB of 0.0 MiB'),
    });
  });

  it('may be refused by the site when not even its beginning can be read', async () => {
    const refusing = async (): Promise<Response> => {
      throw new TypeError('Failed to fetch');
    };
    const failure = await readAll({ fetch: refusing, ranges: [] }).catch((error: DiskError) => error);
    expect(failure).toMatchObject({ kind: 'cross-origin', message: expect.stringContaining('CORS') });
  });
});
