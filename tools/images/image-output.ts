/** Where guests are written to, and what every entry of the manifest says alike. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GuestEntry, type ImageFile, type ImageFileRole, sha256, writeWhole } from './manifest.ts';
import type { GuestRecipe } from './recipe.ts';

/** One file of a guest, written below the folder of all images. */
export function emitFile(
  outputFolder: string,
  recipe: GuestRecipe,
  file: { role: ImageFileRole; name: string; data: Uint8Array; unpackedBytes: number },
): ImageFile {
  const path = `${recipe.name}/${file.name}`;
  mkdirSync(join(outputFolder, recipe.name), { recursive: true });
  writeWhole(join(outputFolder, path), file.data);
  const { role, unpackedBytes } = file;
  return { role, path, sizeBytes: file.data.length, sha256: sha256(file.data), unpackedBytes };
}

/** The same for a finished file, which is moved there. */
export async function emitFinished(
  outputFolder: string,
  recipe: GuestRecipe,
  file: { role: ImageFileRole; name: string; from: string; unpackedBytes: number },
): Promise<ImageFile> {
  const path = `${recipe.name}/${file.name}`;
  mkdirSync(join(outputFolder, recipe.name), { recursive: true });
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file.from)) hash.update(chunk);
  const sizeBytes = statSync(file.from).size;
  renameSync(file.from, join(outputFolder, path));
  return { role: file.role, path, sizeBytes, sha256: hash.digest('hex'), unpackedBytes: file.unpackedBytes };
}

export type EntryFacts = Pick<
  GuestEntry,
  'name' | 'title' | 'description' | 'board' | 'memoryMiB' | 'readyPattern' | 'recipeSha256'
>;

export function entryFacts(recipe: GuestRecipe, recipeSha256: string): EntryFacts {
  const { name, title, description, board, memoryMiB, readyPattern } = recipe;
  return { name, title, description, board, memoryMiB, readyPattern, recipeSha256 };
}

/** A recipe's value with digests of files and folders in place of their addresses, which differ by computer. */
export function portable(value: unknown): unknown {
  if (value instanceof URL) return digestOfFiles(fileURLToPath(value));
  if (Array.isArray(value)) return value.map(portable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, portable(item)]));
}

function digestOfFiles(path: string): string {
  if (statSync(path).isFile()) return sha256(readFileSync(path));
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(path, name)).isFile());
  return sha256(JSON.stringify(files.map((name) => [name, sha256(readFileSync(join(path, name)))])));
}
