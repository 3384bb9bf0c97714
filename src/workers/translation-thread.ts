/**
 * The machine's side of a translation thread. One thread serves a host for as long as it lives; each new machine
 * (after a reset) gets a translator of its own, and answers to an older one's requests are dropped.
 */
import type {
  TranslationAnswer,
  TranslationRequest,
  TranslatorEvents,
  TranslatorFactory,
} from '../emu/jit/translator.ts';

/** What browsers' workers and Node's threads have in common here. */
export interface TranslationPort {
  post(message: ToTranslation): void;
  onMessage(listener: (message: FromTranslation) => void): void;
  /** The thread did not start, or ended. */
  onFailure(listener: (reason: string) => void): void;
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
  let events: TranslatorEvents | undefined;
  return (newEvents) => {
    const current = ++machine;
    events = newEvents;
    return {
      request(request) {
        if (!port) {
          port = open();
          port.onMessage((message) => {
            if (message.machine === machine) events?.answer(message.answer);
          });
          port.onFailure((reason) => {
            port = undefined;
            events?.failed(reason);
          });
        }
        port.post({ machine: current, request });
      },
    };
  };
}
