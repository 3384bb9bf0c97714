/** Which requests get a region of their own. */
import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/assembler.ts';
import { DECODED_AREA } from '../layout/memory-map.ts';
import { type TranslationRequest, TranslationService } from './translator.ts';

const NEST = `
  outer:
    mov x1, #100
  inner:
    sub x1, x1, #1
    cbnz x1, inner
    sub x0, x0, #1
    cbnz x0, outer
    ret
`;
const WORD = 4;
const OUTER = 0;
const INNER = 4;

function words(source: string): Int32Array {
  const { bytes } = assemble(source, 0n);
  return new Int32Array(bytes.slice().buffer);
}

let lastId = 0;
function requestFor(entry: number, code: Int32Array, answersSeen = 0): TranslationRequest {
  const pages = [{ delta: 0, records: DECODED_AREA, words: code }];
  return { id: ++lastId, answersSeen, entry, pages, jumps: [] };
}

function kinds(service: TranslationService, requests: readonly TranslationRequest[]): string[] {
  const { entries } = service.answer(requests);
  expect(entries.map(({ id }) => id)).toEqual(requests.slice(0, entries.length).map(({ id }) => id));
  return entries.map(({ entry }) => (typeof entry === 'string' ? entry : 'region'));
}

const newService = () => new TranslationService({ shape: { shared: false, tailCalls: true } });

describe('TranslationService', () => {
  const nest = words(NEST);

  it('makes one region of a loop nest that is asked for at each head', () => {
    expect(kinds(newService(), [requestFor(INNER, nest), requestFor(OUTER, nest)])).toEqual([
      'region',
      'covered',
    ]);
  });

  it('remembers regions that the asker could not know of', () => {
    const service = newService();
    expect(kinds(service, [requestFor(INNER, nest)])).toEqual(['region']);
    expect(kinds(service, [requestFor(OUTER, nest)])).toEqual(['covered']);
  });

  it('makes a further region for who knows of the first one', () => {
    const service = newService();
    expect(kinds(service, [requestFor(INNER, nest)])).toEqual(['region']);
    expect(kinds(service, [requestFor(OUTER, nest, 1)])).toEqual(['region']);
  });

  it('says when there is nothing to translate', () => {
    expect(kinds(newService(), [requestFor(OUTER, words('.word 0'))])).toEqual(['untranslatable']);
  });

  it('leaves requests for the next answer when the module is big enough', () => {
    const long = words(`${'ldr x1, [x0], #8\n'.repeat(200)}ret`);
    const behind = long.length * WORD;
    const requests = [requestFor(0, long), requestFor(behind, new Int32Array([...long, ...nest]))];
    expect(kinds(newService(), requests)).toEqual(['region']);
    expect(kinds(newService(), requests.slice(1))).toEqual(['region']);
  });

  it('answers requests from before and after an answer apart', () => {
    const service = newService();
    kinds(service, [requestFor(INNER, nest)]);
    const requests = [requestFor(OUTER, nest, 0), requestFor(OUTER, nest, 1)];
    expect(kinds(service, requests)).toEqual(['covered']);
    expect(kinds(service, requests.slice(1))).toEqual(['region']);
  });
});
