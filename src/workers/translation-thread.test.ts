/** The translation thread's queue: answers in order, rehearses when it is quiet. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { assemble } from '../emu/isa/assembler.ts';
import { Rehearsal } from '../emu/jit/rehearsal.ts';
import type { TranslationRequest } from '../emu/jit/translator.ts';
import { DECODED_AREA } from '../emu/layout/memory-map.ts';
import { type FromTranslation, TranslationQueue } from './translation-thread.ts';

const MACHINE = 1;
const LOOP = new Int32Array(assemble('again: subs x0, x0, #1\nb.ne again\nret', 0n).bytes.slice().buffer);
const QUIET_MS = 1000;

function requestOf(id: number): TranslationRequest {
  const pages = [{ delta: 0, records: DECODED_AREA, words: LOOP }];
  return { id, answersSeen: id, entry: 0, pages, jumps: [] };
}

describe('TranslationQueue', () => {
  let answers: FromTranslation[];
  let turns: (() => void)[];
  let queue: TranslationQueue;
  const nextTurn = () => turns.shift()?.();

  beforeEach(() => {
    vi.useFakeTimers();
    answers = [];
    turns = [];
    queue = new TranslationQueue(
      (answer) => answers.push(answer),
      (callback) => turns.push(callback),
    );
    queue.receive({ machine: MACHINE, setup: { shape: { shared: false, tailCalls: true } } });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('answers what has come by its turn', () => {
    queue.receive({ machine: MACHINE, requests: [requestOf(0)] });
    expect(answers).toEqual([]);
    nextTurn();
    expect(answers.map(({ answer }) => answer.entries.map(({ id }) => id))).toEqual([[0]]);
  });

  it('leaves out requests of a machine that is gone', () => {
    queue.receive({ machine: MACHINE + 1, requests: [requestOf(0)] });
    expect(turns).toEqual([]);
  });

  it('rehearses once after a second without requests, and answers requests meanwhile', () => {
    const step = vi.spyOn(Rehearsal.prototype, 'step').mockImplementation(() => step.mock.calls.length < 3);
    queue.receive({ machine: MACHINE, requests: [requestOf(0)] });
    nextTurn();
    vi.advanceTimersByTime(QUIET_MS - 1);
    expect(step).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(step).toHaveBeenCalledTimes(1);
    queue.receive({ machine: MACHINE, requests: [requestOf(1)] });
    nextTurn();
    expect(step).toHaveBeenCalledTimes(1);
    nextTurn();
    expect(answers).toHaveLength(2);
    vi.advanceTimersByTime(QUIET_MS);
    expect(step).toHaveBeenCalledTimes(2);
    nextTurn();
    expect(step).toHaveBeenCalledTimes(3);
    expect(turns).toEqual([]);
    queue.receive({ machine: MACHINE, requests: [requestOf(2)] });
    nextTurn();
    vi.advanceTimersByTime(10 * QUIET_MS);
    expect(step).toHaveBeenCalledTimes(3);
  });
});
