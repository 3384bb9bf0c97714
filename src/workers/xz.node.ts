/** A thread of Node that decodes blocks of .xz files. */
import { parentPort } from 'node:worker_threads';
import { answerXzJob, type ToXzThread, transferOf } from './xz-threads.ts';

parentPort?.on('message', (job: ToXzThread) => {
  const answer = answerXzJob(job);
  parentPort?.postMessage(answer, transferOf(answer));
});
