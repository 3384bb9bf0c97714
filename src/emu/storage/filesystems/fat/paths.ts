/** Paths on a FAT. */
import { componentsOf } from '../volume.ts';

/** A FAT has no links, so `..` can be taken out before anything is read. */
export function plainComponents(path: string): string[] {
  const plain: string[] = [];
  for (const component of componentsOf(path)) {
    if (component === '..') plain.pop();
    else plain.push(component);
  }
  return plain;
}
