import { describe, expect, it } from 'vitest';
import { DiskError, type DiskLibrary } from '../../embed/disk-library.ts';
import { FakeDiskLibrary, parseFakeDisks } from '../testing/fake-disk-library.ts';
import { BootMemory } from './boot-memory.ts';
import { DiskShelf } from './disk-shelf.ts';

const IMAGE = new File([new Uint8Array(5000)], 'a.img');

async function openShelf(words: string): Promise<{ shelf: DiskShelf; library: DiskLibrary }> {
  const library = new FakeDiskLibrary(parseFakeDisks(words));
  const shelf = new DiskShelf(
    async () => library,
    new BootMemory(undefined),
    () => performance.now(),
  );
  await shelf.open();
  return { shelf, library };
}

describe('opening', () => {
  it('lists the disks, the last used first', async () => {
    const { shelf } = await openShelf('some');
    expect(shelf.state).toBe('open');
    expect(shelf.disks.map(({ id }) => id)).toEqual(['debian', 'gcc', 'scratch', 'pi']);
    expect(shelf.meter?.quotaBytes).toBeGreaterThan(0);
  });

  it('is unavailable without a word when nothing can be kept', async () => {
    const { shelf } = await openShelf('absent');
    expect(shelf.state).toBe('unavailable');
    expect(shelf.problem).toBeUndefined();
    expect(await shelf.import({ source: IMAGE, name: 'a' })).toBeUndefined();
    expect(shelf.jobs).toEqual([]);
  });

  it('is unavailable and says why when the library cannot be opened', async () => {
    const failing = () => Promise.reject(new DiskError('io', 'the database is damaged'));
    const shelf = new DiskShelf(failing, new BootMemory(undefined), () => 0);
    await shelf.open();
    expect(shelf.state).toBe('unavailable');
    expect(shelf.problem?.message).toBe('the database is damaged');
  });

  it('shows what another tab changes', async () => {
    const { shelf, library } = await openShelf('');
    await library.createEmpty({ name: 'elsewhere', sizeBytes: 4096 });
    await expect.poll(() => shelf.disks.map(({ name }) => name)).toEqual(['elsewhere']);
  });
});

describe('an import', () => {
  it('goes through its stages, announces each once, and ends as a disk', async () => {
    const { shelf } = await openShelf('');
    const announced: string[] = [];
    const facts: number[] = [];
    shelf.subscribe(() => {
      if (shelf.announcement !== announced.at(-1)) announced.push(shelf.announcement);
      facts.push(shelf.jobs[0]?.transfer.fraction ?? -1);
    });
    const disk = await shelf.import({ source: IMAGE, name: 'a' });
    expect(disk?.name).toBe('a');
    expect(announced).toEqual(['', 'Fetching a.', 'Storing a.', 'Checking a.', 'a is imported.']);
    expect(facts).toContain(0.5);
    expect(shelf.jobs).toEqual([]);
    expect(shelf.isBusy).toBe(false);
    expect(shelf.disks).toContainEqual(expect.objectContaining({ name: 'a' }));
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const { shelf } = await openShelf('');
    const ended = shelf.import({ source: IMAGE, name: 'a' });
    await expect.poll(() => shelf.jobs[0]?.stage).toBe('fetch');
    shelf.jobs[0]!.cancel();
    expect(await ended).toBeUndefined();
    expect(shelf.jobs).toEqual([]);
    expect(shelf.disks).toEqual([]);
    expect(shelf.problem).toBeUndefined();
  });

  it('stays with its reason when it fails, and can be tried again or dismissed', async () => {
    const { shelf } = await openShelf('fail:cross-origin');
    expect(await shelf.import({ source: 'https://a.example/a.img', name: 'a' })).toBeUndefined();
    expect(shelf.jobs[0]?.problem?.kind).toBe('cross-origin');
    expect(shelf.isBusy).toBe(false);
    shelf.jobs[0]!.again!();
    await expect.poll(() => shelf.jobs.length).toBe(1);
    await expect.poll(() => shelf.jobs[0]?.problem?.kind).toBe('cross-origin');
    shelf.dismissJob(shelf.jobs[0]!);
    expect(shelf.jobs).toEqual([]);
  });

  it('is shown once when it fails and can be taken up again', async () => {
    const { shelf, library } = await openShelf('cut-off');
    library.resumeImport = () => Promise.reject(new DiskError('network', 'The connection broke off.'));
    await shelf.resume(shelf.unfinished.find(({ name }) => name === 'ubuntu-arm64')!);
    expect(shelf.jobs.map(({ name, problem }) => [name, problem?.kind])).toEqual([
      ['ubuntu-arm64', 'network'],
    ]);
    expect(shelf.unfinished.map(({ name }) => name)).toEqual(['my-card']);
    shelf.dismissJob(shelf.jobs[0]!);
    expect(shelf.unfinished.map(({ name }) => name)).toEqual(['ubuntu-arm64', 'my-card']);
  });

  it('is whole the next time when the server cannot send parts', async () => {
    const { shelf, library } = await openShelf('fail:no-ranges');
    const asked: unknown[] = [];
    const bring = library.import.bind(library);
    library.import = (options) => {
      asked.push(options.onDemand);
      return bring(options);
    };
    await shelf.import({ source: 'https://a.example/a.img', name: 'a', onDemand: true });
    shelf.jobs[0]!.again!();
    await expect.poll(() => asked).toEqual([true, undefined]);
  });

  it('is not offered as unfinished while it goes on', async () => {
    const { shelf } = await openShelf('cut-off');
    const [unfinished] = shelf.unfinished;
    expect(unfinished?.name).toBe('ubuntu-arm64');
    const ended = shelf.resume(unfinished!);
    await expect.poll(() => shelf.jobs.length).toBe(1);
    expect(shelf.unfinished.map(({ name }) => name)).toEqual(['my-card']);
    expect((await ended)?.name).toBe('ubuntu-arm64');
    expect(shelf.unfinished.map(({ name }) => name)).toEqual(['my-card']);
    expect((await shelf.resume(shelf.unfinished[0]!, IMAGE))?.name).toBe('my-card');
    expect(shelf.unfinished).toEqual([]);
  });
});

describe('an action', () => {
  it('shows its effect at once', async () => {
    const { shelf } = await openShelf('some');
    await shelf.act((library) => library.rename('pi', 'Pi'));
    expect(shelf.diskById('pi')?.name).toBe('Pi');
    expect(shelf.problem).toBeUndefined();
  });

  it('becomes a problem when it fails, which the next success takes away', async () => {
    const { shelf } = await openShelf('some');
    expect(await shelf.act((library) => library.clone('nobody', 'x'))).toBeUndefined();
    expect(shelf.problem?.kind).toBe('not-found');
    await shelf.act((library) => library.rename('pi', 'Pi'));
    expect(shelf.problem).toBeUndefined();
  });
});

describe('an export', () => {
  it('hands every byte to the target', async () => {
    const { shelf } = await openShelf('some');
    let bytes = 0;
    const target = {
      write: (stream: ReadableStream<Uint8Array>) =>
        stream.pipeTo(
          new WritableStream({
            write: (part) => {
              bytes += part.byteLength;
            },
          }),
        ),
    };
    expect(await shelf.export(shelf.diskById('pi')!, 'raw', target)).toBe(true);
    expect(bytes).toBe(8 * 2 ** 20);
    expect(shelf.announcement).toBe('raspios-lite is exported.');
  });

  it('fails with its target', async () => {
    const { shelf } = await openShelf('some');
    const target = { write: () => Promise.reject(new Error('the file cannot be written')) };
    expect(await shelf.export(shelf.diskById('pi')!, 'raw', target)).toBe(false);
    expect(shelf.jobs[0]?.problem?.message).toBe('the file cannot be written');
  });
});
