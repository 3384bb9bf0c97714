/**
 * Loads the interpreter while the machine's thread starts. The browser compiles it as it arrives, once for all machines
 * of a page. Without it, whatever the reason, the thread generates the same.
 */
import { INTERPRETER_IMAGES } from '../workers/interpreter-images.ts';

let loaded: Promise<WebAssembly.Module | undefined> | undefined;

/** For memory that threads share, or do not. */
export function loadInterpreterImage(shared: boolean): Promise<WebAssembly.Module | undefined> {
  loaded ??= compile(INTERPRETER_IMAGES?.[shared ? 'shared' : 'unshared']);
  return loaded;
}

async function compile(address: string | undefined): Promise<WebAssembly.Module | undefined> {
  if (address === undefined) return undefined;
  try {
    return await WebAssembly.compileStreaming(fetch(address));
  } catch {
    loaded = undefined;
    return undefined;
  }
}
