/** Every guest that `npm run images` can build, in the order in which the catalogue shows them. */
import { busybox } from './busybox/recipe.ts';
import { debian } from './debian/recipe.ts';
import { hello } from './hello/recipe.ts';
import type { GuestRecipe } from './recipe.ts';

export const RECIPES: readonly GuestRecipe[] = [busybox, debian, hello];
