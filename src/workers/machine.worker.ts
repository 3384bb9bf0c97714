/** The browser's worker: a machine of its own per worker, with a translation thread of its own. */
import { expose } from 'comlink';
import { createVirtualMachine } from '../emu/machine/virtual-machine.ts';
import { MachineHost } from './machine-host.ts';
import { type TranslationPort, translatorOver } from './translation-thread.ts';

function openTranslation(): TranslationPort {
  const worker = new Worker(new URL('./translation.worker.ts', import.meta.url), { type: 'module' });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data)),
    onFailure: (listener) => worker.addEventListener('error', ({ message }) => listener(message)),
  };
}

const translator = translatorOver(openTranslation);
expose(
  new MachineHost(
    (config, ports) => createVirtualMachine(config, { ...ports, translator }),
    globalThis.crossOriginIsolated,
  ),
);
