/** Threads of a browser for the blocks of .xz files. */
import { type FromXzThread, type XzPort, XzThreadPool } from './xz-threads.ts';

/** More would wait for what is stored. */
const MOST_THREADS = 4;

export function createWebXzThreads(): XzThreadPool {
  return new XzThreadPool(openPort, Math.min(navigator.hardwareConcurrency, MOST_THREADS));
}

function openPort(): XzPort {
  const worker = new Worker(new URL('./xz.worker.ts', import.meta.url), { type: 'module' });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) =>
      worker.addEventListener('message', ({ data }: MessageEvent<FromXzThread>) => listener(data)),
    onFailure: (listener) =>
      worker.addEventListener('error', ({ message }) => listener(message || 'the thread did not start')),
    close: () => worker.terminate(),
  };
}
