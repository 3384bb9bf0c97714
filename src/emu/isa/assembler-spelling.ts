/**
 * What programmers write and a disassembler does not print: other names of registers and conditions, immediates
 * without `#`, offsets and immediates that only a sister instruction can hold. GNU as takes all of these.
 */
import { systemRegisterName } from './system-register-names.ts';

const REGISTER_NAMES: Readonly<Record<string, string>> = { fp: 'x29', lr: 'x30', ip0: 'x16', ip1: 'x17' };
const CONDITION_NAMES: Readonly<Record<string, string>> = { hs: 'cs', lo: 'cc' };
const OLD_BRANCH = /^b(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al) /i;
/** A number where an operand starts: not a local label, nor a floating-point number's continuation. */
const BARE_NUMBER =
  /((?:^(?:svc|hvc|smc|brk|hlt|udf|hint|isb|dsb|dmb)|,|\b(?:lsl|lsr|asr|ror|msl|[su]xt[bhwx])) |\[)(?=[-+~(']|\d(?!\d*[bf]\b))/gi;

/** A system register by its encoding: op0, op1, CRn, CRm, op2, as in the word from bit 14 down. */
const ENCODED_REGISTER = /(?<=[ ,])s([23])_([0-7])_c(\d\d?)_c(\d\d?)_([0-7])\b/i;
const ENCODING_SHIFTS = [14, 11, 7, 3, 0] as const;

function named(encoded: string, isRead: boolean): string {
  const parts = ENCODED_REGISTER.exec(` ${encoded}`)?.slice(1) ?? [];
  const key = parts.reduce((all, part, i) => all | (Number(part) << (ENCODING_SHIFTS[i] ?? 0)), 0);
  return systemRegisterName(key, !isRead);
}

/** One space after a comma and between words, none at brackets. */
export function canonicalSpaces(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ ?, ?/g, ', ')
    .replace(/([[{]) /g, '$1')
    .replace(/ ([\]}])/g, '$1')
    .replace(/# /g, '#');
}

/** The text as it stands, and once more with the names and signs that a disassembler prints. */
export function spellings(text: string): readonly string[] {
  const other = text
    .replace(
      /(?<=[ [,{])(fp|lr|ip0|ip1)(?=[\],} ]|$)/gi,
      (name) => REGISTER_NAMES[name.toLowerCase()] ?? name,
    )
    .replace(/(?<=^b\.|, )(hs|lo)(?= |$)/gi, (name) => CONDITION_NAMES[name.toLowerCase()] ?? name)
    .replace(ENCODED_REGISTER, (encoded) => named(encoded, /^mrs /i.test(text)))
    .replace(
      OLD_BRANCH,
      (_, condition: string) => `b.${CONDITION_NAMES[condition.toLowerCase()] ?? condition} `,
    )
    .replace(BARE_NUMBER, '$1#');
  return other === text ? [text] : [text, other];
}

/** The instruction that does the same with the immediate's other sign. */
const OF_OTHER_SIGN: Readonly<Record<string, string>> = {
  add: 'sub',
  sub: 'add',
  adds: 'subs',
  subs: 'adds',
  cmp: 'cmn',
  cmn: 'cmp',
};

/** `add x0, x1, #-4` as `sub x0, x1, #4`; the immediate has been evaluated. */
export function withOtherSign(text: string): string | undefined {
  const [, name = '', operands, number] = /^(\w+)( .*#)-(\d+)$/.exec(text) ?? [];
  const other = OF_OTHER_SIGN[name.toLowerCase()];
  return other && `${other}${operands}${number}`;
}

/** LDUR, STUR and PRFUM under the names of the scaled forms: `ldr x0, [x1, #-8]`. */
export function scaledSyntax(syntax: string): string | undefined {
  const scaled = syntax.replace(/^(ld|st)ur(?=(?:b|h|sb|sh|sw)? <)/, '$1r').replace(/^prfum /, 'prfm ');
  return scaled === syntax ? undefined : scaled;
}
