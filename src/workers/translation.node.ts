/** Node's translation thread: requests in, compiled modules out. */
import { parentPort } from 'node:worker_threads';
import { createTurnScheduler } from './doorbell.ts';
import { type ToTranslation, TranslationQueue } from './translation-thread.ts';

const queue = new TranslationQueue((answer) => parentPort?.postMessage(answer), createTurnScheduler());
parentPort?.on('message', (message: ToTranslation) => queue.receive(message));
