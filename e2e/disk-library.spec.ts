/**
 * The disk library in a real browser: IndexedDB, Web Locks, threads; and a guest that writes to a disk of
 * it. The page is driven through the library, as an embedding page would.
 */
import { existsSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import type { Machine, MachineOptions } from '../src/embed/api.ts';
import type { DiskLibrary } from '../src/embed/disk-library.ts';
import { openBlankPage } from './blank-page.ts';

const MANIFEST = new URL('../public/images/manifest.json', import.meta.url);
/** An isolated page without anything, not even Vite's client, which would reload it. */
const MIB = 1 << 20;
const BOOT_TIMEOUT_MS = 120_000;

/** What the pages of these tests have in their window. */
interface Bench {
  readonly disks: DiskLibrary;
  createMachine(options: MachineOptions): Promise<Machine>;
  /** `sizeBytes` in which byte `n` is a function of `n` and `seed`, with a hole in the middle. */
  pattern(sizeBytes: number, seed: number): Uint8Array<ArrayBuffer>;
  sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  contents(id: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The kind and words of what a promise is rejected with. */
  failure(work: Promise<unknown>): Promise<{ kind: string; message: string } | undefined>;
}

declare global {
  interface Window {
    bench: Bench;
  }
}

async function openBench(page: Page): Promise<void> {
  await openBlankPage(page);
  await page.evaluate(async () => {
    const path = '/src/embed/index.ts';
    const library = (await import(path)) as typeof import('../src/embed/index.ts');
    const disks = await library.openDiskLibrary();
    const pattern: Bench['pattern'] = (sizeBytes, seed) => {
      const words = new Uint32Array(sizeBytes / 4);
      const third = Math.floor(words.length / 3);
      for (let at = 0; at < words.length; at++) {
        if (at < third || at > 2 * third) words[at] = Math.imul(at + seed, 2654435761);
      }
      return new Uint8Array(words.buffer);
    };
    window.bench = {
      disks,
      createMachine: library.createMachine,
      pattern,
      async sha256(bytes) {
        const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        return Array.from(sum, (byte) => byte.toString(16).padStart(2, '0')).join('');
      },
      async contents(id) {
        const { stream } = await disks.export(id, 'raw');
        return new Uint8Array(await new Response(stream).arrayBuffer());
      },
      failure: (work) =>
        work.then(
          () => undefined,
          ({ kind, message }) => ({ kind, message }),
        ),
    };
  });
}

test('brings an image in, and gives the same bytes out', async ({ page }) => {
  await openBench(page);
  const result = await page.evaluate(async (sizeBytes) => {
    const { disks, pattern, sha256, contents } = window.bench;
    const bytes = pattern(sizeBytes, 1);
    const progress: number[] = [];
    const disk = await disks.import({
      source: new File([bytes], 'first.img'),
      name: 'first',
      sha256: await sha256(bytes),
      onProgress: ({ doneBytes }) => progress.push(doneBytes),
    });
    const out = await contents(disk.id);
    return { disk, same: (await sha256(out)) === disk.sha256, progress, list: await disks.list() };
  }, 24 * MIB);
  expect(result.same).toBe(true);
  expect(result.disk).toMatchObject({
    name: 'first',
    sizeBytes: 24 * MIB,
    format: 'raw',
    changedBytes: 0,
    origin: { kind: 'file', fileName: 'first.img' },
    inUse: 'no',
  });
  // The hole in the middle takes no room.
  expect(result.disk.ownBytes).toBeLessThan(18 * MIB);
  expect(result.list).toHaveLength(1);
});

test('refuses a file with another sum, and keeps nothing of it', async ({ page }) => {
  await openBench(page);
  const result = await page.evaluate(async (sizeBytes) => {
    const { disks, pattern, failure } = window.bench;
    const source = new File([pattern(sizeBytes, 1)], 'x.img');
    const wrong = await failure(disks.import({ source, name: 'x', sha256: '00'.repeat(32) }));
    return { wrong, list: await disks.list(), unfinished: await disks.unfinishedImports() };
  }, 9 * MIB);
  expect(result.wrong).toMatchObject({ kind: 'wrong-checksum' });
  expect(result.list).toEqual([]);
  expect(result.unfinished).toEqual([]);
});

test('clones, resets, resizes and deletes without touching the other disk', async ({ page }) => {
  await openBench(page);
  const result = await page.evaluate(async (sizeBytes) => {
    const { disks, pattern, sha256, contents, failure } = window.bench;
    const source = new File([pattern(sizeBytes, 5)], 'base.img');
    const base = await disks.import({ source, name: 'base' });
    const copy = await disks.clone(base.id, 'copy');
    await disks.resize(copy.id, 2 * sizeBytes);
    await disks.rename(copy.id, 'larger');
    const larger = await contents(copy.id);
    const sum = await sha256(larger.slice(0, sizeBytes));
    const tail = larger.subarray(sizeBytes).some((byte) => byte !== 0);
    await disks.resize(copy.id, sizeBytes / 2);
    await disks.resize(copy.id, sizeBytes);
    const cut = await contents(copy.id);
    const cutTail = cut.subarray(sizeBytes / 2).some((byte) => byte !== 0);
    await disks.reset(copy.id);
    const restored = await sha256(await contents(copy.id));
    const both = await disks.list();
    await disks.delete(base.id);
    const afterDelete = await sha256(await contents(copy.id));
    await disks.delete(copy.id);
    const gone = await failure(disks.rename(copy.id, 'x'));
    return { base, sum, tail, cutTail, restored, both, afterDelete, gone, left: await disks.list() };
  }, 6 * MIB);
  expect(result.sum).toBe(result.base.sha256);
  expect([result.tail, result.cutTail]).toEqual([false, false]);
  expect(result.restored).toBe(result.base.sha256);
  expect(result.both.map(({ name, ownBytes }) => [name, ownBytes])).toEqual([
    ['base', 0],
    ['larger', 0],
  ]);
  expect(result.both[1]?.sharesBaseWith).toEqual(['base']);
  expect(result.afterDelete).toBe(result.base.sha256);
  expect(result.gone?.kind).toBe('not-found');
  expect(result.left).toEqual([]);
});

test('cancels an import, and says what an address without a file has', async ({ page }) => {
  await openBench(page);
  const result = await page.evaluate(async (sizeBytes) => {
    const { disks, pattern, failure } = window.bench;
    const abort = new AbortController();
    const source = new File([pattern(sizeBytes, 5)], 'x.img');
    const cancelled = await failure(
      disks.import({ source, name: 'x', signal: abort.signal, onProgress: () => abort.abort() }),
    );
    const missing = await failure(disks.import({ source: '/nothing.img', name: 'x' }));
    const page = await failure(disks.import({ source: '/index.html', name: 'x' }));
    const empty = await failure(disks.import({ source: new File([], 'x.img'), name: 'x' }));
    const unfinished = await disks.unfinishedImports();
    return { cancelled, missing, page, empty, unfinished, list: await disks.list() };
  }, 64 * MIB);
  expect(result.cancelled?.kind).toBe('cancelled');
  expect(result.missing).toMatchObject({ kind: 'not-found', message: expect.stringContaining('404') });
  expect(result.page).toMatchObject({ kind: 'bad-image', message: expect.stringContaining('web page') });
  expect(result.empty?.kind).toBe('bad-image');
  expect([result.list, result.unfinished]).toEqual([[], []]);
});

test('says that there is no room, keeps nothing, and works again when there is', async ({ page }) => {
  await openBench(page);
  const devtools = await page.context().newCDPSession(page);
  const origin = new URL(page.url()).origin;
  const bring = (sizeBytes: number) =>
    page.evaluate(async (bytes) => {
      const { disks, pattern, failure } = window.bench;
      const source = new File([pattern(bytes, 5)], 'x.img');
      return failure(disks.import({ source, name: 'x' }));
    }, sizeBytes);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 20 * MIB });
  expect(await bring(64 * MIB)).toMatchObject({ kind: 'quota', message: expect.stringContaining('room') });
  const left = await page.evaluate(async () => [
    await window.bench.disks.list(),
    await window.bench.disks.unfinishedImports(),
  ]);
  expect(left).toEqual([[], []]);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  expect(await bring(64 * MIB)).toBeUndefined();
});

test('takes an import up again where a closed tab left it', async ({ page, context }) => {
  await openBench(page);
  await page.evaluate((sizeBytes) => {
    const { disks, pattern } = window.bench;
    const source = new File([pattern(sizeBytes, 9)], 'x.img', { lastModified: 1000 });
    let seen = 0;
    const onProgress = ({ doneBytes }: { doneBytes: number }): void => void (seen = doneBytes);
    Object.assign(window, { seen: () => seen });
    void disks.import({ source, name: 'cut off', onProgress });
  }, 192 * MIB);
  await page.waitForFunction((least) => (window as unknown as { seen(): number }).seen() > least, 64 * MIB);
  await page.close();
  const second = await context.newPage();
  await openBench(second);
  const result = await second.evaluate(async (sizeBytes) => {
    const { disks, pattern, sha256, contents, failure } = window.bench;
    const bytes = pattern(sizeBytes, 9);
    const [cut] = await disks.unfinishedImports();
    if (!cut) return undefined;
    const nothing = await failure(disks.resumeImport(cut.id, {}));
    const other = new File([bytes], 'x.img', { lastModified: 2000 });
    const changed = await failure(disks.resumeImport(cut.id, { file: other }));
    const [still] = await disks.unfinishedImports();
    const steps: number[] = [];
    const disk = await disks.resumeImport(cut.id, {
      file: new File([bytes], 'x.img', { lastModified: 1000 }),
      onProgress: ({ doneBytes }) => steps.push(doneBytes),
    });
    const same = (await sha256(await contents(disk.id))) === (await sha256(bytes));
    return { cut, nothing, changed, still, disk, same, first: steps[0], sum: await sha256(bytes) };
  }, 192 * MIB);
  expect(result?.cut.doneBytes).toBeGreaterThan(0);
  expect(result?.nothing?.kind).toBe('not-found');
  expect(result?.changed?.message).toContain('not the file');
  expect(result?.still?.id).toBe(result?.cut.id);
  expect(result?.first).toBeGreaterThan(16 * MIB);
  expect(result?.same).toBe(true);
  expect(result?.disk.sha256).toBe(result?.sum);
});

test.describe('with a guest', () => {
  test.skip(!existsSync(MANIFEST), 'the guest has not been built: this computer has no apt');

  /** Four chunks of noise, synced, whose like stays in /tmp. */
  const WRITE_MIB =
    'dd if=/dev/urandom of=/tmp/a bs=64k count=16; dd if=/tmp/a of=/dev/vda bs=64k conv=fsync';

  /** Boots the default guest with a disk of the library, and waits for its prompt. */
  const boot = (page: Page, library: string): Promise<void> =>
    page.evaluate(
      async ([id, timeoutMs]) => {
        const machine = await window.bench.createMachine({
          kernel: '/images/busybox/Image.gz',
          initrd: '/images/busybox/initramfs.cpio.gz',
          commandLine: 'console=ttyAMA0 cryptomgr.notests quiet',
          disks: [{ library: id }],
        });
        const errors: unknown[] = [];
        machine.on('error', (error) => errors.push(error));
        Object.assign(window, { machine, errors });
        await machine.waitFor(/bramble:~# /, timeoutMs).catch((failure: Error) => {
          throw new Error(`${failure.message}: ${JSON.stringify(errors)}`);
        });
      },
      [library, BOOT_TIMEOUT_MS] as const,
    );

  /** Types a command, and gives what it prints up to the next prompt. */
  const run = (page: Page, command: string): Promise<string> =>
    page.evaluate(
      async ([line, timeoutMs]) => {
        const { machine } = window as unknown as { machine: Machine };
        const answer = machine.waitFor(/begin\n([\s\S]*?)end\n[\s\S]*bramble:~# /, timeoutMs);
        machine.type(`echo b''egin; ${line}; echo e''nd\n`);
        return (await answer)[1] ?? '';
      },
      [command, BOOT_TIMEOUT_MS] as const,
    );

  const destroy = (page: Page): Promise<void> =>
    page.evaluate(() => (window as unknown as { machine: Machine }).machine.destroy());

  test.setTimeout(600_000);

  test('makes a disk over an image on a server, and fetches only what is read', async ({ page }) => {
    await openBench(page);
    const fetched: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/Image')) fetched.push(request.headers().range ?? request.method());
    });
    const result = await page.evaluate(async () => {
      const { disks, sha256, contents } = window.bench;
      const url = '/images/busybox/Image';
      const disk = await disks.import({ source: url, name: 'far', onDemand: true });
      const [before] = await disks.list();
      const out = await contents(disk.id);
      const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
      const [after] = await disks.list();
      const same = (await sha256(out.slice(0, whole.length))) === (await sha256(whole));
      return { before, after, same, size: whole.length };
    });
    expect(result.same).toBe(true);
    expect(result.before?.ownBytes).toBe(0);
    // What came last may not have been kept when the thread ended.
    expect(result.after?.ownBytes).toBeGreaterThan(4 * MIB);
    expect(result.before?.format).toBe('raw, fetched on demand');
    expect(fetched.filter((range) => range.startsWith('bytes=')).length).toBeGreaterThan(10);
  });

  test('keeps what it synced, tells a second tab that the disk is in use, and lets go', async ({
    page,
    context,
  }) => {
    await openBench(page);
    const id = await page.evaluate(
      async (sizeBytes) => (await window.bench.disks.createEmpty({ name: 'work', sizeBytes })).id,
      64 * MIB,
    );
    await boot(page, id);
    expect(await run(page, 'cat /sys/block/vda/size')).toContain('131072');
    await page.evaluate(([disk, size]) => window.bench.disks.resize(disk, size), [id, 128 * MIB] as const);
    expect(await run(page, 'cat /sys/block/vda/size')).toContain('262144');
    await run(page, WRITE_MIB);
    const sum = (await run(page, 'sha256sum /tmp/a')).slice(0, 64);

    // Under the running guest: the clone has what was synced, and nothing that comes later.
    const copy = await page.evaluate(async (disk) => (await window.bench.disks.clone(disk, 'copy')).id, id);
    await run(page, 'echo later | dd of=/dev/vda bs=512 seek=4096 conv=notrunc,fsync');
    expect(await run(page, 'dd if=/dev/vda bs=512 skip=4096 count=1 2>/dev/null | head -c 5')).toContain(
      'later',
    );
    const cloned = await page.evaluate(async (disk) => {
      const { sha256, contents } = window.bench;
      const bytes = await contents(disk);
      return { sum: await sha256(bytes.slice(0, 1 << 20)), later: bytes[4096 * 512], size: bytes.length };
    }, copy);
    expect(cloned).toEqual({ sum, later: 0, size: 128 * MIB });

    const second = await context.newPage();
    await openBench(second);
    const states = await second.evaluate(async (disk) => {
      const { disks, failure, createMachine } = window.bench;
      const machine = await createMachine({
        kernel: '/images/busybox/Image.gz',
        disks: [{ library: disk }],
      });
      const error = await new Promise<{ code: string; message: string }>((resolve) => {
        machine.on('error', resolve);
      });
      await machine.destroy();
      return { error, refused: await failure(disks.delete(disk)), list: await disks.list() };
    }, id);
    expect(states.error).toMatchObject({ code: 'bad-disk', message: expect.stringContaining('in use') });
    expect(states.refused?.kind).toBe('in-use');
    expect(states.list[0]?.inUse).toBe('other-tab');
    const here = await page.evaluate(async () => (await window.bench.disks.list())[0]?.inUse);
    expect(here).toBe('this-tab');

    const heard = second.evaluate(
      () => new Promise<void>((resolve) => void window.bench.disks.onChange(resolve)),
    );
    await destroy(page);
    await heard;
    await boot(second, id);
    expect((await run(second, 'head -c 1048576 /dev/vda | sha256sum')).slice(0, 64)).toBe(sum);
    await destroy(second);
  });

  test('pauses when there is no room, and goes on without loss when there is', async ({ page }) => {
    await openBench(page);
    const devtools = await page.context().newCDPSession(page);
    const origin = new URL(page.url()).origin;
    // Before the disk is made, which is the first write: Chromium asks for the room that is left then, and
    // goes by the answer for half a minute, in which a guest boots and writes.
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 4 * MIB });
    const id = await page.evaluate(
      async (sizeBytes) => (await window.bench.disks.createEmpty({ name: 'work', sizeBytes })).id,
      64 * MIB,
    );
    await boot(page, id);
    await run(page, WRITE_MIB);
    await page.evaluate(() => {
      const { machine } = window as unknown as { machine: Machine };
      machine.type(
        'dd if=/dev/urandom of=/tmp/r bs=1M count=6; dd if=/tmp/r of=/dev/vda bs=1M seek=8 conv=fsync; echo a=$((1+1))\n',
      );
    });
    await page.waitForFunction(() => (window as unknown as { errors: unknown[] }).errors.length > 0, null, {
      timeout: BOOT_TIMEOUT_MS,
    });
    const stopped = await page.evaluate(() => {
      const { machine, errors } = window as unknown as { machine: Machine; errors: unknown[] };
      return { state: machine.state, errors };
    });
    expect(stopped.state).toBe('paused');
    expect(stopped.errors).toEqual([
      expect.objectContaining({ code: 'disk-full', message: expect.stringContaining('paused') }),
    ]);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin });
    await page.evaluate(async (timeoutMs) => {
      const { machine } = window as unknown as { machine: Machine };
      const done = machine.waitFor(/a=2[\s\S]*bramble:~# /, timeoutMs);
      await machine.resume();
      await done;
    }, BOOT_TIMEOUT_MS);
    const sums = await run(
      page,
      'sha256sum < /tmp/r; dd if=/dev/vda bs=1M skip=8 count=6 2>/dev/null | sha256sum',
    );
    const [first, again] = sums.trim().split('\n');
    expect(again).toBe(first);
    expect(await run(page, 'dmesg | grep -c "I/O error"')).toContain('0');
    await destroy(page);
  });
});
