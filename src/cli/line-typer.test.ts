import { describe, expect, it } from 'vitest';
import { LineTyper } from './line-typer.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function createTyper(prompt = /[#$] $/m) {
  const typed: string[] = [];
  const typer = new LineTyper(prompt, (bytes) => typed.push(new TextDecoder().decode(bytes)));
  return { typer, typed };
}

describe('LineTyper', () => {
  it('types one line per prompt', () => {
    const { typer, typed } = createTyper();
    typer.input(encode('ls\necho hi\n'));
    expect(typed).toEqual([]);
    typer.output('booting\n~ # ');
    expect(typed).toEqual(['ls\r']);
    typer.output('ls\nbin\n~ # ');
    expect(typed).toEqual(['ls\r', 'echo hi\r']);
  });

  it('waits for the input when the prompt comes first', () => {
    const { typer, typed } = createTyper();
    typer.output('~ # ');
    typer.input(encode('l'));
    typer.input(encode('s\n'));
    expect(typed).toEqual(['ls\r']);
  });

  it('does not take the echo of a typed line for a prompt', () => {
    const { typer, typed } = createTyper();
    typer.input(encode('# # \nsecond\n'));
    typer.output('~ # ');
    typer.output('# # ');
    expect(typed).toEqual(['# # \r']);
    typer.output('\n~ # ');
    expect(typed).toEqual(['# # \r', 'second\r']);
  });

  it('recognises a prompt that arrives character by character', () => {
    const { typer, typed } = createTyper();
    typer.input(encode('ls\n'));
    for (const character of 'a\n~ # ') typer.output(character);
    expect(typed).toEqual(['ls\r']);
  });

  it('recognises a prompt that a kernel message has run into', () => {
    const { typer, typed } = createTyper();
    typer.input(encode('ls\n'));
    typer.output('~ # [   12.345678] random: crng init done\n');
    expect(typed).toEqual(['ls\r']);
  });

  it('types what stands behind the last newline once the input has ended', () => {
    const { typer, typed } = createTyper();
    typer.output('~ # ');
    typer.input(encode('poweroff'));
    expect(typed).toEqual([]);
    typer.end();
    expect(typed).toEqual(['poweroff\r']);
  });

  it('uses the prompt it was given', () => {
    const { typer, typed } = createTyper(/login: $/);
    typer.input(encode('root\n'));
    typer.output('~ # \ndebian login: ');
    expect(typed).toEqual(['root\r']);
  });
});
