/** Node's translation thread: requests in, compiled modules out. */
import { parentPort } from 'node:worker_threads';
import { answerRequest } from '../emu/jit/translator.ts';
import type { FromTranslation, ToTranslation } from './translation-thread.ts';

parentPort?.on('message', ({ machine, request }: ToTranslation) => {
  const answer: FromTranslation = { machine, answer: answerRequest(request) };
  parentPort?.postMessage(answer);
});
