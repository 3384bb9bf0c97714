/** The browser's translation thread: requests in, compiled modules out. */
import { answerRequest } from '../emu/jit/translator.ts';
import type { FromTranslation, ToTranslation } from './translation-thread.ts';

addEventListener('message', ({ data }: MessageEvent<ToTranslation>) => {
  const answer: FromTranslation = { machine: data.machine, answer: answerRequest(data.request) };
  postMessage(answer);
});
