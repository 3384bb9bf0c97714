/**
 * The page that runs a machine for `--in chromium`: the library and its worker, and a few functions for
 * the command line outside. Bytes cross in base64, the only form that both sides of the bridge know.
 */
import type { Machine, MachineEvents, MachineOptions, MachineStats } from '../embed/api.ts';
import { createMachine } from '../embed/create-machine.ts';

/** What the page tells the command line. */
export type PageEvent =
  | { readonly kind: 'console'; readonly base64: string }
  | { readonly kind: 'exit'; readonly value: MachineEvents['exit'] }
  | { readonly kind: 'error'; readonly value: MachineEvents['error'] }
  | { readonly kind: 'log'; readonly value: MachineEvents['log'] };

/** What the command line asks of the page. */
export interface PageCommands {
  start(options: MachineOptions): Promise<void>;
  type(base64: string): void;
  resizeConsole(columns: number, rows: number): void;
  pressPowerKey(): Promise<void>;
  stats(): Promise<MachineStats>;
}

declare global {
  interface Window {
    /** Put there by the command line. */
    brambleEvent(event: PageEvent): Promise<void>;
    bramble: PageCommands;
  }
}

let machine: Machine | undefined;

function required(): Machine {
  if (!machine) throw new Error('the machine has not been started');
  return machine;
}

window.bramble = {
  async start(options) {
    machine = await createMachine({ ...options, autostart: false });
    machine.on('console', (bytes) => void window.brambleEvent({ kind: 'console', base64: toBase64(bytes) }));
    machine.on('exit', (value) => void window.brambleEvent({ kind: 'exit', value }));
    machine.on('error', (value) => void window.brambleEvent({ kind: 'error', value }));
    machine.on('log', (value) => void window.brambleEvent({ kind: 'log', value }));
    await machine.start();
  },
  type: (base64) => required().type(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))),
  resizeConsole: (columns, rows) => required().resizeConsole(columns, rows),
  pressPowerKey: () => required().pressPowerKey(),
  stats: () => required().stats(),
};

function toBase64(bytes: Uint8Array): string {
  // Arguments of a call are limited to some ten thousands.
  const CHUNK = 8192;
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}
