/** Each pass on bodies as text, and what they promise together. On random bodies: codegen/emit-body.test.ts. */
import { describe, expect, it } from 'vitest';
import { parseBody } from '../parser.ts';
import { printBody } from '../printer.ts';
import { foldConstants } from './fold-constants.ts';
import { optimise, PASS_NAMES } from './optimise.ts';
import { removeUnused } from './remove-unused.ts';
import { sinkValues } from './sink-values.ts';

const lines = (...text: string[]) => text.join('\n');

describe('foldConstants', () => {
  const folded = (...text: string[]) => printBody(foldConstants(parseBody(lines(...text))));
  const operation = (name: string, a: string, b: string, type = name.slice(0, 3)) => {
    const text = folded(
      `%0:${type} = const value=${a}`,
      `%1:${type} = const value=${b}`,
      `%2:${name.includes('.eq') ? 'i32' : type} = numeric name=${name} %0 %1`,
      `state.store store=${name.includes('.eq') ? 'i32' : type} offset=0 %2`,
    );
    return /%2:\w+ = const value=(\S+)/.exec(text)?.[1];
  };

  it.each([
    ['i32.add', '2147483647', '1', '-2147483648'],
    ['i32.sub', '0', '1', '-1'],
    ['i32.shl', '1', '33', '2'],
    ['i32.shr_s', '-8', '1', '-4'],
    ['i32.shr_u', '-8', '1', '2147483644'],
    ['i32.rotr', '1', '1', '-2147483648'],
    ['i64.mul', '-3', '5', '-15'],
    ['i64.shr_s', '-9223372036854775808', '63', '-1'],
    ['i64.rotr', '1', '64', '1'],
    ['i64.eq', '7', '7', '1'],
  ])('works out %s', (name, a, b, result) => {
    expect(operation(name, a, b)).toBe(result);
  });

  it('drops an operation that changes nothing', () => {
    expect(
      folded(
        '%0:i64 = state.load load=i64 offset=8',
        '%1:i64 = const value=0',
        '%2:i64 = numeric name=i64.add %1 %0',
        '%3:i64 = numeric name=i64.sub %2 %1',
        'state.store store=i64 offset=0 %3',
      ),
    ).toBe(
      lines(
        '%0:i64 = state.load load=i64 offset=8',
        '%1:i64 = const value=0',
        'state.store store=i64 offset=0 %0',
      ),
    );
  });

  it('keeps a difference from zero', () => {
    const text = lines(
      '%0:i64 = const value=0',
      '%1:i64 = state.load load=i64 offset=8',
      '%2:i64 = numeric name=i64.sub %0 %1',
      'state.store store=i64 offset=0 %2',
    );
    expect(folded(text)).toBe(text);
  });

  it('folds on both sides of a conditional, and what they give', () => {
    expect(
      folded(
        '%0:i32 = flags.get',
        '%1:i32 = const value=6',
        '%2:i32 = if %0 {',
        '  %3:i32 = numeric name=i32.and %1 %1',
        '  => %3',
        '} else {',
        '  %4:i32 = const value=0',
        '  %5:i32 = numeric name=i32.or %0 %4',
        '  => %5',
        '}',
        'flags.put %2',
      ),
    ).toBe(
      lines(
        '%0:i32 = flags.get',
        '%1:i32 = const value=6',
        '%2:i32 = if %0 {',
        '  %3:i32 = const value=6',
        '  => %3',
        '} else {',
        '  %4:i32 = const value=0',
        '  => %0',
        '}',
        'flags.put %2',
      ),
    );
  });

  it('makes choices whose condition is known', () => {
    expect(
      folded('%0:i32 = flags.get', '%1:i32 = const value=0', '%2:i32 = select %1 %0 %1', 'flags.put %2'),
    ).toBe(lines('%0:i32 = flags.get', '%1:i32 = const value=0', 'flags.put %0'));
  });
});

describe('sinkValues', () => {
  const sunk = (...text: string[]) => printBody(sinkValues(parseBody(lines(...text))));

  it('moves a value, and what only it needs, to the one side that uses it', () => {
    expect(
      sunk(
        '%0:i32 = flags.get',
        '%1:i64 = state.load load=i64 offset=8',
        '%2:i32 = numeric name=i32.wrap_i64 %1',
        'if %0 {',
        '  flags.put %2',
        '} else {',
        '  flags.put %0',
        '}',
      ),
    ).toBe(
      lines(
        '%0:i32 = flags.get',
        'if %0 {',
        '  %1:i64 = state.load load=i64 offset=8',
        '  %2:i32 = numeric name=i32.wrap_i64 %1',
        '  flags.put %2',
        '} else {',
        '  flags.put %0',
        '}',
      ),
    );
  });

  it('moves into conditionals inside conditionals', () => {
    expect(
      sunk(
        '%0:i32 = flags.get',
        '%1:i32 = flags.carry',
        'if %0 {',
        '  if %0 {',
        '    state.store store=i32 offset=0 %1',
        '  }',
        '}',
      ),
    ).toBe(
      lines(
        '%0:i32 = flags.get',
        'if %0 {',
        '  if %0 {',
        '    %1:i32 = flags.carry',
        '    state.store store=i32 offset=0 %1',
        '  }',
        '}',
      ),
    );
  });

  it.each([
    [
      'both sides use',
      [
        '%0:i32 = flags.get',
        'if %0 {',
        '  flags.put %0',
        '} else {',
        '  state.store store=i32 offset=0 %0',
        '}',
      ],
    ],
    [
      'an effect in between may change',
      [
        '%0:i32 = flags.get',
        '%1:i32 = state.load load=i32 offset=0',
        'state.store store=i32 offset=0 %0',
        'if %0 {',
        '  flags.put %1',
        '}',
      ],
    ],
    [
      'an effect computes',
      ['%0:i32 = flags.get', '%1:i32 = call helper=h result=true %0', 'if %0 {', '  flags.put %1', '}'],
    ],
  ])('leaves a value where it is that %s', (_, text) => {
    expect(sunk(...text)).toBe(lines(...text));
  });
});

describe('removeUnused', () => {
  it('removes values that nothing uses, and what only they use; not calls', () => {
    expect(
      printBody(
        removeUnused(
          parseBody(
            lines(
              '%0:i64 = state.load load=i64 offset=8',
              '%1:i32 = numeric name=i32.wrap_i64 %0',
              '%2:i32 = call helper=h result=true',
              '%3:i32 = const value=1',
              'if %3 {',
              '  %4:i64 = pc',
              '  %5:i64 = state.load load=i64 offset=16',
              '  state.store store=i64 offset=0 %4',
              '}',
            ),
          ),
        ),
      ),
    ).toBe(
      lines(
        '%2:i32 = call helper=h result=true',
        '%3:i32 = const value=1',
        'if %3 {',
        '  %4:i64 = pc',
        '  state.store store=i64 offset=0 %4',
        '}',
      ),
    );
  });
});

describe('optimise', () => {
  const text = lines(
    '%0:i64 = state.load load=i64 offset=8',
    '%1:i64 = const value=0',
    '%2:i64 = numeric name=i64.add %0 %1',
    'state.store store=i64 offset=0 %2',
  );

  it('runs the passes one after the other', () => {
    expect(printBody(optimise(parseBody(text)))).toBe(
      lines('%0:i64 = state.load load=i64 offset=8', 'state.store store=i64 offset=0 %0'),
    );
  });

  it.each(PASS_NAMES)('leaves out %s on demand', (name) => {
    const without = printBody(optimise(parseBody(text), new Set([name])));
    if (name === 'fold-constants') expect(without).toContain('numeric name=i64.add');
    else if (name === 'remove-unused') expect(without).toContain('const value=0');
    else expect(without).toBe(printBody(optimise(parseBody(text))));
  });

  it('does nothing when all are left out', () => {
    expect(printBody(optimise(parseBody(text), new Set(PASS_NAMES)))).toBe(text);
  });
});
