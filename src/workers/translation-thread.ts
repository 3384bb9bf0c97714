/**
 * The machine's side of a translation thread. One thread serves a host for as long as it lives; each new machine
 * (after a reset) gets a translator of its own, and answers to an older one's requests are dropped.
 */
import type { TranslationAnswer, TranslationRequest, TranslatorFactory } from '../emu/jit/translator.ts';

/** What browsers' workers and Node's threads have in common here. */
export interface TranslationPort {
  post(message: ToTranslation): void;
  onMessage(listener: (message: FromTranslation) => void): void;
}

export interface ToTranslation {
  readonly machine: number;
  readonly request: TranslationRequest;
}
export interface FromTranslation {
  readonly machine: number;
  readonly answer: TranslationAnswer;
}

/** Opens the thread when a machine first asks for something. */
export function translatorOver(open: () => TranslationPort): TranslatorFactory {
  let port: TranslationPort | undefined;
  let machine = 0;
  let deliver: (answer: TranslationAnswer) => void = () => {};
  return (answer) => {
    const current = ++machine;
    deliver = answer;
    return {
      request(request) {
        if (!port) {
          port = open();
          port.onMessage((message) => {
            if (message.machine === machine) deliver(message.answer);
          });
        }
        port.post({ machine: current, request });
      },
    };
  };
}
