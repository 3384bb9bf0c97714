/**
 * Cryptographic instructions in the programs they are made for, against the examples of the standards: whole blocks
 * and digests, computed by guest code in both engines.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { CODE_RAM, type CodeEngine, CodeMachine } from '../../testing/code-machine.ts';
import { assemble } from '../assembler.ts';

/** Where a program finds its data; its first instructions put that into X0. */
const DATA = CODE_RAM + 0x1_0000;
const PROLOGUE = `
    ic iallu                    // another program may have stood here
    mov x1, #0x300000           // CPACR_EL1.FPEN
    msr cpacr_el1, x1
    isb
    movz x0, #${DATA >>> 16}, lsl #16
`;

const fromHex = (text: string): number[] =>
  (text.replace(/\s/g, '').match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
const wordsOf = (bytes: readonly number[]): number[] => {
  const view = new DataView(Uint8Array.from([...bytes, 0, 0, 0]).buffer);
  return Array.from({ length: Math.ceil(bytes.length / 4) }, (_, at) => view.getUint32(4 * at, true));
};
/** X registers as memory holds them. */
const hexOf = (values: readonly bigint[]): string =>
  values
    .flatMap((value) => Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn)))
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
/** The same, each the other way round: numbers as digests print them. */
const bigEndian = (values: readonly bigint[]): string =>
  values.map((value) => value.toString(16).padStart(16, '0')).join('');
const repeat = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join('\n');

/** A padded message of one block; the length in bits takes `lengthBytes` at its end. */
function paddedBlock(message: string, blockBytes: number): number[] {
  const block: number[] = new Array(blockBytes).fill(0);
  const bytes = [...new TextEncoder().encode(message)];
  block.splice(0, bytes.length + 1, ...bytes, 0x80);
  block[blockBytes - 1] = 8 * bytes.length;
  return block;
}

// ---- SHA-2's constants by their definition: bits of roots of the first primes (FIPS 180-4, 4.2 and 5.3) ----

const isPrime = (n: number) => Array.from({ length: n - 2 }, (_, i) => i + 2).every((d) => n % d !== 0);
const PRIMES = Array.from({ length: 500 }, (_, n) => n).filter((n) => n > 1 && isPrime(n));
/** The largest r with r^degree <= n. */
function integerRoot(n: bigint, degree: bigint): bigint {
  let root = 0n;
  for (let bit = 1n << (BigInt(n.toString(2).length) / degree + 1n); bit > 0n; bit >>= 1n)
    if ((root + bit) ** degree <= n) root += bit;
  return root;
}
const rootFractions = (count: number, degree: 2n | 3n, bits: bigint): bigint[] =>
  PRIMES.slice(0, count).map((prime) =>
    BigInt.asUintN(Number(bits), integerRoot(BigInt(prime) << (bits * degree), degree)),
  );
const bytesOf = (values: readonly bigint[], bytes: number): number[] =>
  values.flatMap((value) =>
    Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn)),
  );

// ---- Programs ----

/**
 * AES-128 of the block at X0 + 16 under the key at X0, and back. S-boxes of the key expansion by AESE, too: a state of
 * four equal columns is the same after ShiftRows.
 */
const AES = `
    ldr q16, [x0]
    movi v30.16b, #0
    mov w2, #1                  // round constant
    ${repeat(
      10,
      (round) => `
        mov w3, v${16 + round}.s[3]
        ror w3, w3, #8
        dup v1.4s, w3
        aese v1.16b, v30.16b
        mov w3, v1.s[0]
        eor w3, w3, w2
        ${repeat(
          4,
          (word) => `
            mov w4, v${16 + round}.s[${word}]
            eor w3, w3, w4
            mov v${17 + round}.s[${word}], w3`,
        )}
        lsl w2, w2, #1
        mov w4, #0x1b
        tst w2, #0x100
        csel w4, w4, wzr, ne
        eor w2, w2, w4
        and w2, w2, #0xff`,
    )}
    ldr q0, [x0, #16]
    ${repeat(9, (round) => `aese v0.16b, v${16 + round}.16b\n aesmc v0.16b, v0.16b`)}
    aese v0.16b, v25.16b
    eor v0.16b, v0.16b, v26.16b
    mov x10, v0.d[0]
    mov x11, v0.d[1]
    ${repeat(9, (round) => `aesimc v${17 + round}.16b, v${17 + round}.16b`)}
    aesd v0.16b, v26.16b
    aesimc v0.16b, v0.16b
    ${repeat(8, (round) => `aesd v0.16b, v${25 - round}.16b\n aesimc v0.16b, v0.16b`)}
    aesd v0.16b, v17.16b
    eor v0.16b, v0.16b, v16.16b
    mov x12, v0.d[0]
    mov x13, v0.d[1]
    wfi
`;

/** The initial hash at X0, the block behind it; a … d are in V0, e in S1. */
const SHA1_FUNCTIONS = ['c', 'p', 'm', 'p'];
const SHA1_CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];
const SHA1 = `
    ldr q0, [x0]
    ldr s1, [x0, #16]
    add x1, x0, #32
    ld1 {v4.16b-v7.16b}, [x1]
    ${repeat(4, (n) => `rev32 v${4 + n}.16b, v${4 + n}.16b`)}
    mov v30.16b, v0.16b
    mov v31.16b, v1.16b
    ${repeat(20, (step) => {
      const schedule = (ahead: number) => `v${4 + ((step + ahead) % 4)}.4s`;
      const part = Math.floor(step / 5);
      const constant = SHA1_CONSTANTS[part] ?? 0;
      return `
        movz w3, #${constant & 0xffff}
        movk w3, #${constant >>> 16}, lsl #16
        dup v3.4s, w3
        add v3.4s, v3.4s, ${schedule(0)}
        sha1h s2, s0
        sha1${SHA1_FUNCTIONS[part]} q0, s1, v3.4s
        mov v1.16b, v2.16b
        sha1su0 ${schedule(0)}, ${schedule(1)}, ${schedule(2)}
        sha1su1 ${schedule(0)}, ${schedule(3)}`;
    })}
    add v0.4s, v0.4s, v30.4s
    add v1.4s, v1.4s, v31.4s
    rev64 v0.4s, v0.4s
    mov x10, v0.d[0]
    mov x11, v0.d[1]
    mov w12, v1.s[0]
    wfi
`;

/** The initial hash at X0, the block behind it, then the constants. */
const SHA256 = `
    ldp q0, q1, [x0]
    add x1, x0, #32
    ld1 {v4.16b-v7.16b}, [x1], #64
    ${repeat(4, (n) => `rev32 v${4 + n}.16b, v${4 + n}.16b`)}
    mov v30.16b, v0.16b
    mov v31.16b, v1.16b
    ${repeat(16, (step) => {
      const schedule = (ahead: number) => `v${4 + ((step + ahead) % 4)}.4s`;
      return `
        ld1 {v3.4s}, [x1], #16
        add v3.4s, v3.4s, ${schedule(0)}
        mov v2.16b, v0.16b
        sha256h q0, q1, v3.4s
        sha256h2 q1, q2, v3.4s
        sha256su0 ${schedule(0)}, ${schedule(1)}
        sha256su1 ${schedule(0)}, ${schedule(2)}, ${schedule(3)}`;
    })}
    add v0.4s, v0.4s, v30.4s
    add v1.4s, v1.4s, v31.4s
    rev64 v0.4s, v0.4s
    rev64 v1.4s, v1.4s
    ${repeat(4, (n) => `mov x${10 + n}, v${n >> 1}.d[${n & 1}]`)}
    wfi
`;

/** As before; ab, cd, ef and gh are in V0 … V3 and move on by one after each two rounds. */
const SHA512 = `
    ld1 {v0.2d-v3.2d}, [x0], #64
    ld1 {v16.16b-v19.16b}, [x0], #64
    ld1 {v20.16b-v23.16b}, [x0], #64
    ${repeat(8, (n) => `rev64 v${16 + n}.16b, v${16 + n}.16b`)}
    ${repeat(4, (n) => `mov v${28 + n}.16b, v${n}.16b`)}
    ${repeat(40, (step) => {
      const schedule = (ahead: number) => `v${16 + ((step + ahead) % 8)}`;
      return `
        ld1 {v24.2d}, [x0], #16
        add v24.2d, v24.2d, ${schedule(0)}.2d
        ext v24.16b, v24.16b, v24.16b, #8
        ext v25.16b, v2.16b, v3.16b, #8
        ext v26.16b, v1.16b, v2.16b, #8
        add v24.2d, v3.2d, v24.2d
        sha512h q24, q25, v26.2d
        mov v3.16b, v2.16b
        add v2.2d, v1.2d, v24.2d
        sha512h2 q24, q1, v0.2d
        mov v1.16b, v0.16b
        mov v0.16b, v24.16b
        ext v25.16b, ${schedule(4)}.16b, ${schedule(5)}.16b, #8
        sha512su0 ${schedule(0)}.2d, ${schedule(1)}.2d
        sha512su1 ${schedule(0)}.2d, ${schedule(7)}.2d, v25.2d`;
    })}
    ${repeat(4, (n) => `add v${n}.2d, v${n}.2d, v${28 + n}.2d`)}
    ${repeat(8, (n) => `mov x${10 + n}, v${n >> 1}.d[${n & 1}]`)}
    wfi
`;

/**
 * GHASH (NIST SP 800-38D, 6.4) of two blocks behind the key at X0. With the bits of each byte reversed, bit n of a
 * register is the coefficient of x^n; x^128 is x^7 + x^2 + x + 1.
 */
const GHASH = `
    ldr q16, [x0]
    rbit v16.16b, v16.16b
    movi v0.16b, #0
    movi v7.16b, #0
    mov x3, #0x87
    dup v17.2d, x3
    ${repeat(
      2,
      (block) => `
        ldr q1, [x0, #${16 * (block + 1)}]
        rbit v1.16b, v1.16b
        eor v0.16b, v0.16b, v1.16b
        ext v4.16b, v0.16b, v0.16b, #8
        pmull v2.1q, v0.1d, v16.1d
        pmull2 v3.1q, v0.2d, v16.2d
        pmull v5.1q, v4.1d, v16.1d
        pmull2 v6.1q, v4.2d, v16.2d
        eor v5.16b, v5.16b, v6.16b
        ext v8.16b, v7.16b, v5.16b, #8
        ext v9.16b, v5.16b, v7.16b, #8
        eor v2.16b, v2.16b, v8.16b
        eor v3.16b, v3.16b, v9.16b
        pmull2 v5.1q, v3.2d, v17.2d
        ext v8.16b, v7.16b, v5.16b, #8
        ext v9.16b, v5.16b, v7.16b, #8
        eor v2.16b, v2.16b, v8.16b
        eor v3.16b, v3.16b, v9.16b
        pmull v5.1q, v3.1d, v17.1d
        eor v0.16b, v2.16b, v5.16b`,
    )}
    rbit v0.16b, v0.16b
    mov x10, v0.d[0]
    mov x11, v0.d[1]
    wfi
`;

// ---- Keccak-f[1600] (FIPS 202, 3.2 and 3.3): A, C, D and B in memory from X0 on, round constants at X1 ----

const LANES = Array.from({ length: 25 }, (_, at) => ({ x: at % 5, y: Math.floor(at / 5) }));
const A = (x: number, y: number) => 8 * ((x % 5) + 5 * (y % 5));
const C = (x: number) => 256 + 8 * (x % 5);
const D = (x: number) => 320 + 8 * (x % 5);
const B = (x: number, y: number) => 384 + A(x, y);
const ROUND_CONSTANTS = 640;

function rotationOffsets(): Map<number, number> {
  const offsets = new Map([[A(0, 0), 0]]);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    offsets.set(A(x, y), (((t + 1) * (t + 2)) / 2) % 64);
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return offsets;
}
/** Bits 2^j − 1 of each constant come from a shift register with x^8 + x^6 + x^5 + x^4 + 1. */
function roundConstants(): bigint[] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      if (register & 1) constant |= 1n << BigInt(2 ** j - 1);
      register <<= 1;
      if (register & 0x100) register ^= 0x171;
    }
    return constant;
  });
}

const ROTATIONS = rotationOffsets();
const KECCAK = `
    add x1, x0, #${ROUND_CONSTANTS}
    mov x2, #24
  round:
    ${repeat(
      5,
      (x) => `
        ${repeat(5, (y) => `ldr d${y}, [x0, #${A(x, y)}]`)}
        eor3 v0.16b, v0.16b, v1.16b, v2.16b
        eor3 v0.16b, v0.16b, v3.16b, v4.16b
        str d0, [x0, #${C(x)}]`,
    )}
    ${repeat(
      5,
      (x) => `
        ldr d0, [x0, #${C(x + 4)}]
        ldr d1, [x0, #${C(x + 1)}]
        rax1 v0.2d, v0.2d, v1.2d
        str d0, [x0, #${D(x)}]`,
    )}
    ${LANES.map(
      ({ x, y }) => `
        ldr d0, [x0, #${A(x, y)}]
        ldr d1, [x0, #${D(x)}]
        xar v0.2d, v0.2d, v1.2d, #${(64 - (ROTATIONS.get(A(x, y)) ?? 0)) % 64}
        str d0, [x0, #${B(y, 2 * x + 3 * y)}]`,
    ).join('\n')}
    ${LANES.map(
      ({ x, y }) => `
        ldr d0, [x0, #${B(x, y)}]
        ldr d1, [x0, #${B(x + 1, y)}]
        ldr d2, [x0, #${B(x + 2, y)}]
        bcax v0.16b, v0.16b, v2.16b, v1.16b
        str d0, [x0, #${A(x, y)}]`,
    ).join('\n')}
    ldr d0, [x0]
    ldr d1, [x1], #8
    eor v0.8b, v0.8b, v1.8b
    str d0, [x0]
    subs x2, x2, #1
    b.ne round
    ${repeat(4, (n) => `ldr x${10 + n}, [x0, #${8 * n}]`)}
    wfi
`;

/** The state of SHA3-256 with one padded block, and what lies behind it. */
function keccakData(message: string): number[] {
  const data: number[] = new Array(ROUND_CONSTANTS).fill(0);
  const bytes = [...new TextEncoder().encode(message)];
  data.splice(0, bytes.length + 1, ...bytes, 0x06);
  data[135] = 0x80;
  return [...data, ...bytesOf(roundConstants(), 8)];
}

describe.each<CodeEngine>(['interpret', 'translate at once'])('a machine that is to %s', (engine) => {
  let machine: CodeMachine;
  beforeAll(async () => {
    machine = await CodeMachine.create(engine);
  });

  /** Runs a program over its data and gives `count` registers from X10 on. */
  function run(program: string, data: readonly number[], count: number): bigint[] {
    const { bytes } = assemble(PROLOGUE + program, BigInt(CODE_RAM));
    machine.write(CODE_RAM, wordsOf([...bytes]));
    machine.write(DATA, wordsOf(data));
    expect(machine.run(CODE_RAM)).toBe(true);
    return Array.from({ length: count }, (_, at) => machine.x(10 + at));
  }

  it('encrypts and decrypts the block of FIPS 197, C.1', () => {
    const key = '000102030405060708090a0b0c0d0e0f';
    const plain = '00112233445566778899aabbccddeeff';
    const registers = run(AES, fromHex(key + plain), 4);
    expect(hexOf(registers.slice(0, 2))).toBe('69c4e0d86a7b0430d8cdb78070b4c55a');
    expect(hexOf(registers.slice(2))).toBe(plain);
  });

  it('has the GHASH of test case 2 of the GCM specification', () => {
    const key = '66e94bd4ef8a2c3b884cfa59ca342b2e';
    const blocks = '0388dace60b6a392f328c2b971b2fe78 00000000000000000000000000000080';
    expect(hexOf(run(GHASH, fromHex(key + blocks), 2))).toBe('f38cbb1ad69223dcc3457ae5b6b0f885');
  });

  it('has the SHA-1 digest of "abc"', () => {
    const initial = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n, 0n, 0n, 0n];
    const registers = run(SHA1, [...bytesOf(initial, 4), ...paddedBlock('abc', 64)], 3);
    expect(bigEndian(registers)).toBe('a9993e364706816aba3e25717850c26c000000009cd0d89d');
  });

  it('has the SHA-256 digest of "abc"', () => {
    const constants = bytesOf(rootFractions(64, 3n, 32n), 4);
    const initial = bytesOf(rootFractions(8, 2n, 32n), 4);
    const registers = run(SHA256, [...initial, ...paddedBlock('abc', 64), ...constants], 4);
    expect(bigEndian(registers)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('has the SHA-512 digest of "abc"', () => {
    const constants = bytesOf(rootFractions(80, 3n, 64n), 8);
    const initial = bytesOf(rootFractions(8, 2n, 64n), 8);
    const registers = run(SHA512, [...initial, ...paddedBlock('abc', 128), ...constants], 8);
    expect(bigEndian(registers)).toBe(
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
        '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    );
  });

  it('has the SHA3-256 digest of "abc"', () => {
    expect(hexOf(run(KECCAK, keccakData('abc'), 4))).toBe(
      '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532',
    );
  });
});
