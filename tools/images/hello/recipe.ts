/** The guest that is there even when no Debian packages are: one program of this repository. */
import type { AssembledRecipe } from '../recipe.ts';

export const hello: AssembledRecipe = {
  kind: 'assembled',
  name: 'hello',
  title: 'Hello, bare metal',
  description: 'The smallest guest: one program in assembly language, without an operating system.',
  isDefault: true,
  board: 'virt',
  memoryMiB: 32,
  readyPattern: 'hello> $',
  source: new URL('hello.S', import.meta.url),
  licence: 'MIT',
};
