/** Threads of Node for the blocks of .xz files. */
import { Worker } from 'node:worker_threads';
import { type XzPort, XzThreadPool } from './xz-threads.ts';

export function createNodeXzThreads(count: number): XzThreadPool {
  return new XzThreadPool(openPort, count);
}

function openPort(): XzPort {
  const thread = new Worker(new URL('./xz.node.ts', import.meta.url));
  return {
    post: (message, transfer) => thread.postMessage(message, transfer),
    onMessage: (listener) => void thread.on('message', listener),
    onFailure: (listener) => void thread.on('error', (error) => listener(String(error))),
    close: () => void thread.terminate(),
  };
}
