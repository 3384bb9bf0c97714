/** Bytes that a storage thread sends through a port, as a stream. */
import type { ExportMessage, ExportRequest } from '../workers/storage-protocol.ts';
import { DiskError, type ImportOptions } from './disk-library.ts';

/** A stream over the pieces that come out of a port, one for each time somebody wants more. */
export function pulledStream(
  port: MessagePort,
  { signal, onProgress }: Pick<ImportOptions, 'signal' | 'onProgress'>,
  totalBytes: number | undefined,
  end: () => void,
): ReadableStream<Uint8Array> {
  const ask = (request: ExportRequest): void => port.postMessage(request);
  const total = totalBytes === undefined ? {} : { totalBytes };
  let doneBytes = 0;
  return new ReadableStream({
    start(controller) {
      signal?.addEventListener('abort', () => {
        ask({ kind: 'cancel' });
        end();
        controller.error(new DiskError('cancelled', 'The export was cancelled.'));
      });
    },
    pull(controller) {
      return new Promise((resolve) => {
        port.onmessage = ({ data }: MessageEvent<ExportMessage>) => {
          if (data.kind === 'bytes') {
            controller.enqueue(data.bytes);
            doneBytes += data.bytes.length;
            onProgress?.({ stage: 'export', doneBytes, ...total });
          } else {
            end();
            if (data.kind === 'end') controller.close();
            else controller.error(new DiskError(data.error, data.message));
          }
          resolve();
        };
        ask({ kind: 'pull' });
      });
    },
    cancel() {
      ask({ kind: 'cancel' });
      end();
    },
  });
}
