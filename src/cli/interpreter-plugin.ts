/**
 * Vite's part in the interpreter's images (emu/interpreter/interpreter-image.ts): generates them from the engine's
 * sources and gives their addresses to the page. The file's name is a digest of all that the images depend on, so
 * they are generated again exactly when that has changed.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { normalizePath, type Plugin, runnerImport } from 'vite';
import type * as ImageModule from '../emu/interpreter/interpreter-image.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ENGINE = join(PROJECT, 'src/emu');
const GENERATOR = join(ENGINE, 'interpreter/interpreter-image.ts');
const CACHE = join(PROJECT, '.cache/interpreter');
/** The module whose addresses are put in. */
const ADDRESSES = normalizePath(join(PROJECT, 'src/workers/interpreter-images.ts'));
const MEMORIES = { shared: true, unshared: false } as const;
const DIGEST_CHARACTERS = 16;
/** Images that nobody made anew for so long are of other sources; who runs now has read them. */
const KEPT_MS = 24 * 3600 * 1000;

export function interpreterImages(): Plugin {
  return {
    name: 'interpreter-images',
    // Tests run in Node, where threads generate what they need.
    apply: (_, { mode }) => mode !== 'test',
    async load(id) {
      if (id !== ADDRESSES) return undefined;
      const paths = await generate(engineSources());
      const imports = paths.map(({ name, path }) => `import ${name} from ${JSON.stringify(`${path}?url`)};`);
      return `${imports.join('\n')}\nexport const INTERPRETER_IMAGES = { ${Object.keys(MEMORIES).join(', ')} };\n`;
    },
    /** The development server asks again once the engine has changed. */
    hotUpdate({ file }) {
      if (!file.startsWith(normalizePath(ENGINE))) return;
      const { moduleGraph } = this.environment;
      for (const module of moduleGraph.getModulesByFile(ADDRESSES) ?? [])
        moduleGraph.invalidateModule(module);
    },
  };
}

function engineSources(): string[] {
  return readdirSync(ENGINE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.endsWith('.d.ts'))
    .toSorted()
    .map((path) => join(ENGINE, path));
}

/** Files with the images, which are made unless they are there. */
async function generate(sources: readonly string[]): Promise<{ name: string; path: string }[]> {
  // The image knows what the compiler of this Node can do (wasm/host-fusion.ts).
  const hash = createHash('sha256').update(`${process.version} ${process.arch}`);
  for (const path of sources) hash.update(path).update(readFileSync(path));
  const digest = hash.digest('hex').slice(0, DIGEST_CHARACTERS);
  const images = Object.entries(MEMORIES).map(([name, shared]) => ({
    name,
    shared,
    path: join(CACHE, `interpreter-${name}-${digest}.wasm`),
  }));
  const missing = images.filter(({ path }) => !existsSync(path));
  if (missing.length === 0) return images;
  const { module } = await runnerImport<typeof ImageModule>(GENERATOR, { logLevel: 'error' });
  mkdirSync(CACHE, { recursive: true });
  forgetOldImages();
  for (const { shared, path } of missing) {
    // Somebody else may read it as soon as it has this name.
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, module.buildInterpreterImage(shared, 'all'));
    renameSync(unfinished, path);
  }
  return images;
}

function forgetOldImages(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path);
  }
}
