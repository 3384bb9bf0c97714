/** A browser's thread that decodes blocks of .xz files. */
import { answerXzJob, type ToXzThread, transferOf } from './xz-threads.ts';

addEventListener('message', ({ data }: MessageEvent<ToXzThread>) => {
  const answer = answerXzJob(data);
  postMessage(answer, { transfer: transferOf(answer) });
});
