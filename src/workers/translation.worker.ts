/** The browser's translation thread: requests in, compiled modules out. */
import { createTurnScheduler } from './doorbell.ts';
import { type ToTranslation, TranslationQueue } from './translation-thread.ts';

const queue = new TranslationQueue((answer) => postMessage(answer), createTurnScheduler());
addEventListener('message', ({ data }: MessageEvent<ToTranslation>) => queue.receive(data));
