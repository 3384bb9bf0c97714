/** The Debian guest with what proves instructions: Python's and OpenSSL's tests, stress-ng. */
import { debian } from '../images/debian/recipe.ts';
import type { DiskRecipe } from '../images/recipe.ts';

export const debianProof: DiskRecipe = {
  ...debian,
  name: 'debian-proof',
  title: 'Debian with test suites',
  packages: [
    ...debian.packages,
    { value: 'python3', why: 'the standard library' },
    { value: '?name(^libpython3[.][0-9]+-testsuite$)', why: 'Python’s own tests' },
    { value: 'stress-ng', why: 'computes in many ways and checks the results' },
  ],
};
