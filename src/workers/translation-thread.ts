/**
 * Both sides of a translation thread. One thread serves a host for as long as it lives; each new machine
 * (after a reset) gets a translator of its own, and answers to an older one's requests are dropped.
 */
import { Rehearsal } from '../emu/jit/rehearsal.ts';
import {
  type TranslatedMachine,
  type TranslationAnswer,
  type TranslationRequest,
  TranslationService,
  type TranslatorEvents,
  type TranslatorFactory,
} from '../emu/jit/translator.ts';

/** What browsers' workers and Node's threads have in common here. */
export interface TranslationPort {
  post(message: ToTranslation): void;
  onMessage(listener: (message: FromTranslation) => void): void;
  /** The thread did not start, or ended. */
  onFailure(listener: (reason: string) => void): void;
}

export type ToTranslation =
  /** Requests from now on come from this machine. */
  | { readonly machine: number; readonly setup: TranslatedMachine }
  | { readonly machine: number; readonly requests: readonly TranslationRequest[] };

export interface FromTranslation {
  readonly machine: number;
  readonly answer: TranslationAnswer;
}

/** Opens the thread with the first machine, so that it has started when that asks for something. */
export function translatorOver(open: () => TranslationPort): TranslatorFactory {
  let port: TranslationPort | undefined;
  let machine = 0;
  let events: TranslatorEvents | undefined;
  const connect = (): TranslationPort => {
    const opened = open();
    opened.onMessage((message) => {
      if (message.machine === machine) events?.answer(message.answer);
    });
    opened.onFailure((reason) => {
      port = undefined;
      events?.failed(reason);
    });
    return opened;
  };
  return (newEvents, setup) => {
    const current = ++machine;
    events = newEvents;
    let known: TranslationPort | undefined;
    const introduced = (): TranslationPort => {
      port ??= connect();
      if (port !== known) port.post({ machine: current, setup });
      known = port;
      return port;
    };
    introduced();
    return { request: (requests) => introduced().post({ machine: current, requests }) };
  };
}

/** After so long without requests the thread rehearses. */
const QUIET_MS = 1000;

/** The thread's own side: answers the requests that have come, in their order, some at a time. */
export class TranslationQueue {
  private readonly post: (answer: FromTranslation) => void;
  private readonly schedule: (callback: () => void) => void;
  private machine = 0;
  private service: TranslationService | undefined;
  private waiting: TranslationRequest[] = [];
  private rehearsal: Rehearsal | undefined;
  private isRehearsed = false;
  private quiet: ReturnType<typeof setTimeout> | undefined;

  /** `schedule` calls back after messages that have come by then. */
  constructor(post: (answer: FromTranslation) => void, schedule: (callback: () => void) => void) {
    this.post = post;
    this.schedule = schedule;
  }

  receive(message: ToTranslation): void {
    if ('setup' in message) {
      this.machine = message.machine;
      this.service = new TranslationService(message.setup);
      this.rehearsal ??= new Rehearsal(message.setup.shape);
      this.waiting = [];
    } else if (message.machine === this.machine) {
      if (this.waiting.length === 0) this.schedule(() => this.answer());
      this.waiting.push(...message.requests);
    }
  }

  private answer(): void {
    const { service, machine } = this;
    if (!service || this.waiting.length === 0) return;
    const answer = service.answer(this.waiting);
    this.post({ machine, answer });
    service.announce();
    this.waiting = this.waiting.slice(answer.entries.length);
    if (this.waiting.length > 0) this.schedule(() => this.answer());
    else this.rehearseLater();
  }

  private rehearseLater(): void {
    clearTimeout(this.quiet);
    if (this.isRehearsed) return;
    this.quiet = setTimeout(() => this.rehearse(), QUIET_MS);
  }

  private rehearse(): void {
    if (this.waiting.length > 0) return;
    this.isRehearsed = !this.rehearsal?.step();
    if (!this.isRehearsed) this.schedule(() => this.rehearse());
  }
}
