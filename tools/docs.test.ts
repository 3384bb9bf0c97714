/** The documents name files and commands of this project: those that are named exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENTS = ['README.md', ...readdirSync(join(project, 'docs')).map((name) => `docs/${name}`)];

/** Folders that names of source files may be relative to. */
const ROOTS = ['', 'src', 'src/emu', 'src/emu/isa', 'src/emu/testing'];
/** Made by commands when there is a need, and so absent from a fresh clone. */
const MADE = /^(public\/images\/\w|\.cache\/)|(^|\/)found\.vectors\.json$/;
const SOURCE_NAME = /`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|md|css|json|c))`/g;
const SOURCE_FOLDER = /`((?:src|tools|bench|docs|e2e)(?:\/[\w.-]+)*)\/?`/g;
const LINK = /\]\(([^)#:]+)(?:#[^)]*)?\)/g;
const COMMAND = /npm run (?:--silent )?([\w:]+)/g;

const sources = new Set(
  ['src', 'tools', 'e2e', 'bench'].flatMap((folder) =>
    readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
      join(folder, path).replaceAll('\\', '/'),
    ),
  ),
);
const fileNames = new Set([...sources].map((path) => path.slice(path.lastIndexOf('/') + 1)));

/** A path from the project or one of ROOTS, or a bare file name that exists somewhere. */
function isKnown(name: string): boolean {
  if (MADE.test(name)) return true;
  if (ROOTS.some((root) => existsSync(join(project, root, name)))) return true;
  return name.includes('/') ? [...sources].some((path) => path.endsWith(`/${name}`)) : fileNames.has(name);
}

const named = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '');

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(join(project, document), 'utf8');

  it('names files and folders that exist', () => {
    const names = [...named(text, SOURCE_NAME), ...named(text, SOURCE_FOLDER)];
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });

  it('links to files that exist', () => {
    const folder = dirname(join(project, document));
    expect(named(text, LINK).filter((link) => !existsSync(join(folder, link)))).toEqual([]);
  });

  it('names commands of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    expect(named(text, COMMAND).filter((name) => !(name in scripts))).toEqual([]);
  });
});
