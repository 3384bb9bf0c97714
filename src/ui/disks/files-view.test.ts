/** Walking through the files of a disk in memory. */
import { expect, it } from 'vitest';
import { DiskError } from '../../embed/disk-library.ts';
import { FakeDiskFiles } from '../testing/fake-disk-files.ts';
import { FilesView } from './files-view.ts';

async function opened(failure?: DiskError) {
  let changes = 0;
  let isFailing = false;
  const files = new FakeDiskFiles({
    isBlank: false,
    mayFail: () => {
      if (failure && isFailing) throw failure;
    },
  });
  const view = new FilesView(files, () => changes++);
  await view.open();
  return { view, changes: () => changes, failNow: () => (isFailing = true) };
}

const names = (view: FilesView): readonly string[] => view.entries.map(({ name }) => name);

it('opens the first volume at its root, folders first', async () => {
  const { view, changes } = await opened();
  expect(view.volume?.partition).toBe(1);
  expect(names(view)).toEqual(['overlays', 'cmdline.txt', 'config.txt']);
  expect(view.isWritable).toBe(true);
  expect(changes()).toBeGreaterThan(0);
});

it('goes into folders and back, and to another volume’s root', async () => {
  const { view } = await opened();
  await view.enter('overlays');
  expect([...view.path, ...names(view)]).toEqual(['overlays', 'disable-bt.dtbo']);
  await view.goTo(0);
  expect(view.path).toEqual([]);
  await view.choose(view.volumes[1]!);
  expect(names(view)).toEqual(['etc', 'root']);
  expect(view.isWritable).toBe(false);
});

it('gives a small text, and nothing for what is no text', async () => {
  const { view } = await opened();
  const entry = (name: string) => view.entries.find((one) => one.name === name)!;
  expect(await view.readText(entry('config.txt'))).toBe('arm_64bit=1\nenable_uart=1\n');
  expect(await view.readText({ ...entry('config.txt'), sizeBytes: 10 ** 7 })).toBeUndefined();
  await view.enter('overlays');
  expect(await view.readText(entry('disable-bt.dtbo'))).toBeUndefined();
  expect(view.problem).toBeUndefined();
});

it('shows what a change made', async () => {
  const { view } = await opened();
  await view.put('new.txt', new Uint8Array(5));
  await view.makeDirectory('folder');
  await view.remove('config.txt');
  expect(names(view)).toEqual(['folder', 'overlays', 'cmdline.txt', 'new.txt']);
});

it('stays where it is and says why when something fails', async () => {
  const { view, failNow } = await opened(new DiskError('in-use', 'A machine writes to this disk.'));
  await view.enter('overlays');
  failNow();
  expect(await view.put('x', new Uint8Array(1))).toBe(false);
  expect(view.problem).toMatchObject({ kind: 'in-use', message: 'A machine writes to this disk.' });
  expect(names(view)).toEqual(['disable-bt.dtbo']);
  await view.goTo(0);
  expect(view.problem).toBeUndefined();
});
