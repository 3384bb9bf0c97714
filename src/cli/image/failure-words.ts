/** What went wrong in `npm run image`, in words: most errors bring them, those of the system do not. */

/** Errors of the system that users meet, by Node's codes. */
const SYSTEM_ERRORS: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no such file or folder: ${path}`,
  EACCES: (path) => `no permission for ${path}`,
  EISDIR: (path) => `${path} is a folder`,
  ENOTDIR: (path) => `a part of ${path} is no folder`,
  ENOSPC: (path) => `no room is left for ${path}`,
};

export function wordsFor(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const { code = '', path = 'the file' } = failure as NodeJS.ErrnoException;
  return SYSTEM_ERRORS[code]?.(path) ?? failure.message;
}
