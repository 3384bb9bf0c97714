/** The clipboard and downloads, with what can go wrong said in a short note at the foot of the page. */

const TOAST_MS = 2600;

/** Shows a short note; screen readers hear it. */
export function toast(message: string): void {
  document.querySelector('.toast')?.remove();
  const note = document.createElement('div');
  note.className = 'toast';
  note.setAttribute('role', 'status');
  note.textContent = message;
  note.popover = 'manual';
  document.body.append(note);
  // Above everything, also above an open dialog.
  note.showPopover();
  setTimeout(() => note.remove(), TOAST_MS);
}

export async function copyText(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    toast('The browser did not allow copying.');
  }
}

/** The clipboard's text, or undefined where the browser or the user refuses. */
export async function readClipboard(): Promise<string | undefined> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    toast('The browser did not allow reading the clipboard. Use its own paste key.');
    return undefined;
  }
}

export function saveText(text: string, fileName: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
