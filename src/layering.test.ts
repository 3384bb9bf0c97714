/**
 * The shape of the source, as tables: which folder may know which. Every arrow points to a row above, so
 * folders cannot form cycles; an import that no row allows fails here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface FolderRow {
  readonly folder: string;
  /** Other folders of this table whose files it may import. */
  readonly knows: readonly string[];
  /** npm packages and Node modules it may import; a final * stands for anything. */
  readonly packages?: readonly string[];
}

/** Lowest first. The engine's folders are below src/emu/. */
const FOLDERS: readonly FolderRow[] = [
  { folder: 'emu/base', knows: [] },
  { folder: 'emu/storage', knows: ['emu/base'] },
  { folder: 'emu/storage/filesystems', knows: ['emu/base', 'emu/storage'] },
  { folder: 'emu/storage/formats', knows: ['emu/base', 'emu/storage'] },
  { folder: 'emu/layout', knows: ['emu/base'] },
  { folder: 'emu/wasm', knows: ['emu/base'] },
  { folder: 'emu/ir', knows: ['emu/base'] },
  { folder: 'emu/fp', knows: ['emu/base', 'emu/ir'] },
  { folder: 'emu/memory', knows: ['emu/base'] },
  { folder: 'emu/mmu', knows: ['emu/base', 'emu/layout', 'emu/memory'] },
  { folder: 'emu/devices', knows: ['emu/base', 'emu/storage'] },
  { folder: 'emu/isa', knows: ['emu/base', 'emu/layout', 'emu/ir', 'emu/wasm', 'emu/fp', 'emu/mmu'] },
  {
    folder: 'emu/codegen',
    knows: ['emu/base', 'emu/layout', 'emu/ir', 'emu/wasm', 'emu/fp', 'emu/mmu'],
  },
  {
    folder: 'emu/cpu',
    knows: ['emu/base', 'emu/layout', 'emu/memory', 'emu/mmu', 'emu/isa', 'emu/fp'],
  },
  {
    folder: 'emu/interpreter',
    knows: [
      'emu/base',
      'emu/layout',
      'emu/memory',
      'emu/mmu',
      'emu/ir',
      'emu/isa',
      'emu/wasm',
      'emu/codegen',
      'emu/fp',
      'emu/cpu',
    ],
  },
  {
    folder: 'emu/jit',
    knows: [
      'emu/base',
      'emu/layout',
      'emu/memory',
      'emu/mmu',
      'emu/ir',
      'emu/isa',
      'emu/wasm',
      'emu/codegen',
      'emu/fp',
      'emu/cpu',
      'emu/interpreter',
    ],
  },
  {
    folder: 'emu/machine',
    knows: [
      'emu/base',
      'emu/storage',
      'emu/layout',
      'emu/memory',
      'emu/mmu',
      'emu/devices',
      'emu/cpu',
      'emu/interpreter',
      'emu/jit',
    ],
  },
  { folder: 'workers', knows: ['emu/*'], packages: ['comlink', 'idb-keyval', 'node:worker_threads'] },
  { folder: 'embed', knows: ['workers', 'emu/*'], packages: ['comlink'] },
  { folder: 'ui', knows: ['embed'], packages: ['lit', 'lit/*', '@xterm/*'] },
  {
    folder: 'cli',
    knows: ['embed', 'workers', 'emu/*'],
    packages: ['node:*', 'vite', '@playwright/test'],
  },
];

/** What any test may import besides; tests may also use every folder's testing/ and the folders below it. */
const TEST_PACKAGES = ['node:*', 'vitest', 'fast-check'];

/** Files that hold options and events as types only, and so may be named by the layers below. */
const TYPES_FOR_ALL = ['embed/api.ts'];

/** Imports that no row allows, each for a reason. */
const EXCEPTIONS = [
  {
    from: 'ui/main.ts',
    target: 'ui/testing/fake-machine.ts',
    why: 'development builds show every state of the page by ?fake=NAME; browser tests use it',
  },
  {
    from: 'ui/main.ts',
    target: 'ui/testing/fake-disk-library.ts',
    why: 'the same for the disk library, by ?fakeDisks=WORDS',
  },
];

const MAX_LINES = 500;

/** Tables may be as long as what they describe. */
const LONG_TABLES: readonly string[] = ['emu/wasm/opcodes.ts'];

interface Import {
  readonly from: string;
  readonly target: string;
  readonly isTypeOnly: boolean;
}

interface SourceFile {
  /** Relative to src/, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const sourceFolder = fileURLToPath(new URL('.', import.meta.url));

const files: readonly SourceFile[] = readdirSync(sourceFolder, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => ({ path, text: readFileSync(join(sourceFolder, path), 'utf8') }));

const IMPORT_FORMS: readonly RegExp[] = [
  /^(?:import|export)\s+(?<type>type\s)?[^'";]*?\bfrom\s+'(?<target>[^']+)'/gm,
  /^import\s+'(?<target>[^']+)'/gm,
  /\bimport\(\s*'(?<target>[^']+)'/g,
  /\bnew URL\(\s*'(?<target>[^']+\.ts)',\s*import\.meta\.url/g,
];

/** Every import of `file`; relative ones resolved against src/. */
function importsOf(file: SourceFile): Import[] {
  return IMPORT_FORMS.flatMap((form) => [...file.text.matchAll(form)]).map((match) => {
    const written = match.groups?.target ?? '';
    const target = written.startsWith('.') ? posix.join(posix.dirname(file.path), written) : written;
    return { from: file.path, target, isTypeOnly: match.groups?.type !== undefined };
  });
}

/** The row of the innermost folder that has one. */
function rowOf(path: string): FolderRow | undefined {
  return FOLDERS.findLast((row) => path.startsWith(`${row.folder}/`));
}

const isTest = (path: string): boolean => path.endsWith('.test.ts');
const isTesting = (path: string): boolean => path.split('/').includes('testing');

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

function isAllowedPackage({ from, target }: Import): boolean {
  if ((isTest(from) || isTesting(from)) && matches(target, TEST_PACKAGES)) return true;
  return matches(target, rowOf(from)?.packages ?? []);
}

function isAllowedFolder({ from, target, isTypeOnly }: Import): boolean {
  if (EXCEPTIONS.some((row) => row.from === from && row.target === target)) return true;
  const fromRow = rowOf(from);
  const targetRow = rowOf(target);
  if (isTesting(target)) return isTest(from) || isTesting(from);
  if (targetRow === undefined) return false;
  if (isTypeOnly && TYPES_FOR_ALL.includes(target)) return true;
  // What tests share stands outside the table: it may use the whole engine, and nothing above it.
  if (fromRow === undefined) return isTesting(from) && targetRow.folder.startsWith('emu/');
  if (targetRow === fromRow || matches(targetRow.folder, fromRow.knows)) return true;
  return (isTest(from) || isTesting(from)) && FOLDERS.indexOf(targetRow) <= FOLDERS.indexOf(fromRow);
}

function isRelative({ target }: Import): boolean {
  return target.endsWith('.ts') || rowOf(target) !== undefined;
}

describe('the table of folders', () => {
  it('points only to rows above, so that folders cannot form cycles', () => {
    const wrong = FOLDERS.flatMap((row, index) =>
      row.knows
        .filter((known) => known !== 'emu/*')
        .filter((known) => !FOLDERS.slice(0, index).some((above) => above.folder === known))
        .map((known) => `${row.folder} → ${known}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has a row for every source file', () => {
    const homeless = files
      .map((file) => file.path)
      .filter((path) => rowOf(path) === undefined && !isTesting(path) && path !== 'layering.test.ts');
    expect(homeless).toEqual([]);
  });
});

describe('imports', () => {
  const imports = files.filter((file) => file.path !== 'layering.test.ts').flatMap(importsOf);

  it('follow the arrows between folders', () => {
    const wrong = imports.filter((edge) => isRelative(edge) && !isAllowedFolder(edge));
    expect(wrong.map((edge) => `${edge.from} → ${edge.target}`)).toEqual([]);
  });

  it('name only the packages of their folder', () => {
    const wrong = imports.filter((edge) => !isRelative(edge) && !isAllowedPackage(edge));
    expect(wrong.map((edge) => `${edge.from} → ${edge.target}`)).toEqual([]);
  });

  it('are found at all', () => {
    expect(imports.length).toBeGreaterThan(files.length);
  });
});

describe('files', () => {
  it('are called after what they do', () => {
    const wrong = files.filter((file) => /(^|\/)(utils?|helpers?|misc)\.ts$/.test(file.path));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('have kebab-case names', () => {
    const wrong = files.filter((file) => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.[a-z0-9-]+)*\.ts$/.test(file.path));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it(`have at most ${MAX_LINES} lines unless they are tables or tests`, () => {
    const wrong = files
      .filter((file) => !isTest(file.path) && !LONG_TABLES.includes(file.path))
      .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(wrong).toEqual([]);
  });

  it('export by name', () => {
    const wrong = files.filter((file) => /^export (default\b|\*)/m.test(file.text));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('begin with a comment that says what they are', () => {
    const wrong = files.filter((file) => !isTest(file.path) && !/^\/\*\*|^\/\/\//.test(file.text));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });
});
