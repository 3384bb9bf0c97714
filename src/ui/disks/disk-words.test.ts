import { describe, expect, it } from 'vitest';
import { DiskError } from '../../embed/disk-library.ts';
import {
  deletionLoss,
  diskNameFor,
  diskProblem,
  freeName,
  originWords,
  PROBLEMS,
  sharingWords,
} from './disk-words.ts';

describe('diskProblem', () => {
  it('keeps the library’s message and adds the next step when the kind is known', () => {
    const problem = diskProblem(new DiskError('cross-origin', 'a.example says no.'));
    expect(problem).toMatchObject({ kind: 'cross-origin', message: 'a.example says no.' });
    expect(problem.nextStep).toContain('Access-Control-Allow-Origin');
  });

  it('knows an error that lost its class on the way from a thread', () => {
    expect(diskProblem({ kind: 'quota', message: 'full' }).title).toBe(PROBLEMS.quota.title);
  });

  it.each([new TypeError('broken'), 'broken', { kind: 'nonsense' }, null])(
    'calls %s a failure of storage',
    (error) => {
      expect(diskProblem(error).kind).toBe('io');
    },
  );
});

describe('names', () => {
  it.each([
    ['debian.img.xz', 'debian'],
    ['pi.qcow2', 'pi'],
    ['v1.2-image.raw.zst', 'v1.2-image'],
    ['plain', 'plain'],
    ['.img', '.img'],
    ['', 'disk'],
  ])('makes of the file %s the disk %s', (file, name) => {
    expect(diskNameFor(file)).toBe(name);
  });

  it('count on when a name is taken', () => {
    expect(freeName('a', [])).toBe('a');
    expect(freeName('a', ['a', 'a 2', 'b'])).toBe('a 3');
  });
});

describe('facts', () => {
  it.each([
    [{ kind: 'empty' }, 'made empty'],
    [{ kind: 'file', fileName: 'x.img' }, 'from x.img'],
    [{ kind: 'url', url: 'https://a.example/b/c%20d.img?x=1' }, 'from c d.img'],
    [{ kind: 'url', url: 'https://a.example/%E0%A4%A' }, 'from %E0%A4%A'],
    [{ kind: 'clone', ofName: 'x' }, 'clone of x'],
  ] as const)('tell the origin %j', (origin, words) => {
    expect(originWords(origin)).toBe(words);
  });

  const disk = {
    id: '1',
    name: 'x',
    sizeBytes: 1,
    ownBytes: 0,
    sharedBytes: 2048,
    origin: { kind: 'empty' },
    sharesBaseWith: [] as string[],
    changedBytes: 0,
    sinceImportBytes: 0,
    createdMs: 0,
    inUse: 'no',
  } as const;

  it('name who shares a base', () => {
    expect(sharingWords({ ...disk, sharedBytes: 0 })).toBe('');
    expect(sharingWords(disk)).toBe('2 KiB of base');
    expect(sharingWords({ ...disk, sharesBaseWith: ['a'] })).toBe('2 KiB shared with a');
    expect(sharingWords({ ...disk, sharesBaseWith: ['a', 'b', 'c'] })).toBe('2 KiB shared with a and 2 more');
  });

  it.each([
    [{ sharedBytes: 0 }, 'It is empty.'],
    [{ sharedBytes: 0, ownBytes: 1 }, 'Everything on it is lost.'],
    [{ sharedBytes: 0, ownBytes: 1, format: 'raw' }, 'The image is lost; a guest has changed nothing on it.'],
    [{ sharedBytes: 0, format: 'raw', sinceImportBytes: 2048 }, 'The image and 2 KiB of changes are lost.'],
    [{ format: 'raw', sharesBaseWith: ['a'] }, 'Nothing was written to it: a shows the same.'],
    [
      { format: 'raw', ownBytes: 1024, sinceImportBytes: 4096, sharesBaseWith: ['a'] },
      'What was written to it since it was cloned, 1 KiB, is lost.',
    ],
  ])('tell of %j what its deletion loses', (facts, words) => {
    expect(deletionLoss({ ...disk, ...facts })).toBe(words);
  });
});
