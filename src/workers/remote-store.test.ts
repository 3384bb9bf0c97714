import { describe, expect, it } from 'vitest';
import { RemoteStore } from './remote-store.ts';

const SECTOR_BYTES = 512;

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** A server in memory that answers as late and as out of order as it can. */
function createServer(sectors: number) {
  const bytes = Uint8Array.from({ length: sectors * SECTOR_BYTES }, (_, at) => at % 251);
  const methods: string[] = [];
  const answer: typeof fetch = async (_url, init = {}) => {
    const method = init.method ?? 'GET';
    methods.push(method);
    const headers = new Headers(init.headers);
    await new Promise((resolve) => setTimeout(resolve, method === 'PUT' ? 5 : 0));
    if (method === 'PUT') {
      const first = Number(/bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]);
      bytes.set(new Uint8Array(init.body as ArrayBuffer), first);
      return new Response(null, { status: 204 });
    }
    if (method === 'POST') return new Response(null, { status: 204 });
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(headers.get('range') ?? '') ?? [];
    return new Response(bytes.slice(Number(first), Number(last) + 1), { status: 206 });
  };
  return { bytes, methods, answer };
}

describe('RemoteStore', () => {
  it('reads what it wrote, also when the calls overlap in time', async () => {
    const { bytes, answer } = createServer(4);
    const store = new RemoteStore('https://disk.example/', bytes.length, answer);
    const source = new Uint8Array(SECTOR_BYTES).fill(1);
    const target = new Uint8Array(2 * SECTOR_BYTES);
    const first = store.write(SECTOR_BYTES, source);
    const second = store.write(SECTOR_BYTES, new Uint8Array(SECTOR_BYTES).fill(2));
    source.fill(9);
    await Promise.all([first, second, store.read(0, target)]);
    expect([target[250], target[SECTOR_BYTES], target.at(-1)]).toEqual([250, 2, 2]);
  });

  it('asks the server for durability after the writes that came before', async () => {
    const { methods, answer } = createServer(2);
    const store = new RemoteStore('https://disk.example/', 2 * SECTOR_BYTES, answer);
    await Promise.all([store.write(0, new Uint8Array(SECTOR_BYTES)), store.flush()]);
    expect(methods).toEqual(['PUT', 'POST']);
  });

  it('has many requests under way, and only those that overlap wait', async () => {
    const places: (string | null)[] = [];
    const answers: (() => void)[] = [];
    const store = new RemoteStore('https://disk.example/', 8 * SECTOR_BYTES, async (_url, init = {}) => {
      const headers = new Headers(init.headers);
      places.push(init.method === 'POST' ? 'flush' : (headers.get('range') ?? headers.get('content-range')));
      await new Promise<void>((resolve) => answers.push(resolve));
      const isRead = init.method === undefined;
      return new Response(isRead ? new Uint8Array(SECTOR_BYTES) : null, { status: isRead ? 206 : 200 });
    });
    const sector = new Uint8Array(SECTOR_BYTES);
    const all = [
      store.read(0, sector),
      store.write(SECTOR_BYTES, sector),
      store.write(2 * SECTOR_BYTES, sector),
      store.read(SECTOR_BYTES, sector),
      store.flush(),
    ];
    await turn();
    expect(places).toEqual(['bytes=0-511', 'bytes 512-1023/4096', 'bytes 1024-1535/4096']);
    answers[1]!();
    await turn();
    expect(places.at(-1)).toBe('bytes=512-1023');
    answers[2]!();
    await turn();
    expect(places.at(-1)).toBe('flush');
    for (const answer of answers) answer();
    await Promise.all(all);
  });

  it('writes zeros for what is discarded', async () => {
    const { bytes, answer } = createServer(2);
    const store = new RemoteStore('https://disk.example/', bytes.length, answer);
    await store.discard(SECTOR_BYTES, SECTOR_BYTES);
    expect(bytes.subarray(SECTOR_BYTES)).toEqual(new Uint8Array(SECTOR_BYTES));
    expect(bytes[250]).toBe(250);
  });

  it.each([
    ['refuses', async () => new Response(null, { status: 403 })],
    ['ignores ranges', async () => new Response(new Uint8Array(4 * SECTOR_BYTES))],
    ['is gone', async () => Promise.reject(new TypeError('connection refused'))],
  ])('rejects as a disk error when the server %s, and goes on afterwards', async (_what, broken) => {
    const { answer } = createServer(4);
    let isBroken = true;
    const store = new RemoteStore('https://disk.example/', 4 * SECTOR_BYTES, (url, init) =>
      isBroken ? broken() : answer(url, init),
    );
    await expect(store.read(0, new Uint8Array(SECTOR_BYTES))).rejects.toMatchObject({ kind: 'io' });
    isBroken = false;
    await store.read(0, new Uint8Array(SECTOR_BYTES));
  });
});
