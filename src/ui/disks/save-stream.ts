/**
 * Where an export goes: a file that the user chose, written as the bytes come, or, in browsers without the
 * File System Access API, a download that is put together first.
 */

export interface FileTarget {
  /** Rejects when the stream fails or `signal` aborts; the file is then left out. */
  write(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void>;
}

/** The part of the API that is used here; TypeScript's library does not have it yet. */
interface FilePickerWindow {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

/** Beyond this a download without a file to stream to may exhaust memory or the browser's scratch space. */
const COMFORTABLE_DOWNLOAD_BYTES = 2 ** 30;

export function canStreamToFile(): boolean {
  return 'showSaveFilePicker' in globalThis;
}

/** Whether a download of so many bytes needs a warning here. */
export function isUnwiseDownload(sizeBytes: number): boolean {
  return !canStreamToFile() && sizeBytes > COMFORTABLE_DOWNLOAD_BYTES;
}

/** Asks where to write, as long as a click counts; undefined when the user changed their mind. */
export async function chooseTarget(fileName: string): Promise<FileTarget | undefined> {
  const { showSaveFilePicker } = globalThis as FilePickerWindow;
  if (showSaveFilePicker === undefined)
    return { write: (stream, signal) => download(stream, signal, fileName) };
  try {
    const handle = await showSaveFilePicker.call(globalThis, { suggestedName: fileName });
    return { write: (stream, signal) => writeFile(stream, signal, handle) };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    // Forbidden, in a frame of another site for example: what other browsers do is left.
    return { write: (stream, signal) => download(stream, signal, fileName) };
  }
}

async function writeFile(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  handle: FileSystemFileHandle,
): Promise<void> {
  // What was there is replaced only when the stream has come to its end.
  const file = await handle.createWritable();
  await stream.pipeTo(file, { signal });
}

async function download(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  fileName: string,
): Promise<void> {
  const parts: Blob[] = [];
  // Blobs may leave memory for the disk; a single array may not.
  await stream.pipeTo(
    new WritableStream({
      write: (bytes) => {
        parts.push(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      },
    }),
    { signal },
  );
  const url = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}

/** The browser must have begun to save by then. */
const REVOKE_AFTER_MS = 60_000;
