/**
 * What a Debian guest is asked to prove, as rows. Each is one command of its shell and passes with status 0; all
 * of them check their own results: suites of tests, known answers of standards, or the same computation done
 * with and without the processor's special instructions.
 */

export interface Check {
  readonly name: string;
  readonly group: 'Python' | 'stress-ng' | 'OpenSSL' | 'system';
  readonly command: string;
  /** Finds a figure worth telling in the output: how much was checked. */
  readonly figure?: RegExp;
}

/** Modules in which a wrong bit would show. */
const PYTHON_SUITES = [
  'test_float',
  'test_math',
  'test_cmath',
  'test_int',
  'test_long',
  'test_hash',
  'test_struct',
  'test_decimal',
  'test_fractions',
  'test_statistics',
  'test_array',
  'test_zlib',
  'test_hashlib',
  'test_json',
  'test_re',
] as const;

/** Stressors that verify; a number of rounds, so that slower machines check as much. */
const STRESSORS = [
  { name: 'cpu, every method', options: '--cpu 1 --cpu-method all --cpu-ops 200' },
  { name: 'vecmath', options: '--vecmath 1 --vecmath-ops 200' },
  { name: 'vecwide', options: '--vecwide 1 --vecwide-ops 100' },
  { name: 'vecshuf', options: '--vecshuf 1 --vecshuf-ops 100' },
  { name: 'fp', options: '--fp 1 --fp-ops 200' },
  { name: 'matrix', options: '--matrix 1 --matrix-ops 200' },
  { name: 'funccall', options: '--funccall 1 --funccall-ops 40' },
  { name: 'hash', options: '--hash 1 --hash-ops 200' },
  { name: 'str', options: '--str 1 --str-ops 60' },
  { name: 'atomic', options: '--atomic 1 --atomic-ops 40' },
  { name: 'qsort', options: '--qsort 1 --qsort-ops 2' },
  { name: 'crypt', options: '--crypt 1 --crypt-ops 20' },
  { name: 'memcpy', options: '--memcpy 1 --memcpy-ops 20' },
] as const;

/** Published answers: the standard's example, and what it must give. */
const KNOWN_ANSWERS = [
  {
    name: 'SHA-1 of "abc" (FIPS 180)',
    command: 'printf abc | openssl dgst -sha1 -r',
    answer: 'a9993e364706816aba3e25717850c26c9cd0d89d',
  },
  {
    name: 'SHA-256 of "abc" (FIPS 180)',
    command: 'printf abc | openssl dgst -sha256 -r',
    answer: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  },
  {
    name: 'SHA-512 of "abc" (FIPS 180)',
    command: 'printf abc | openssl dgst -sha512 -r',
    answer:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  },
  {
    name: 'SHA3-256 of "abc" (FIPS 202)',
    command: 'printf abc | openssl dgst -sha3-256 -r',
    answer: '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532',
  },
  {
    name: 'AES-128 (FIPS 197, C.1)',
    command:
      "printf '\\x00\\x11\\x22\\x33\\x44\\x55\\x66\\x77\\x88\\x99\\xaa\\xbb\\xcc\\xdd\\xee\\xff' | openssl enc -aes-128-ecb -nopad -K 000102030405060708090a0b0c0d0e0f | od -An -v -tx1 | tr -d ' \\n'",
    answer: '69c4e0d86a7b0430d8cdb78070b4c55a',
  },
  {
    name: 'AES-256 (FIPS 197, C.3)',
    command:
      "printf '\\x00\\x11\\x22\\x33\\x44\\x55\\x66\\x77\\x88\\x99\\xaa\\xbb\\xcc\\xdd\\xee\\xff' | openssl enc -aes-256-ecb -nopad -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | od -An -v -tx1 | tr -d ' \\n'",
    answer: '8ea2b7ca516745bfeafc49904b496089',
  },
] as const;

/** The same work with the processor's extensions and, by OPENSSL_armcap, without. */
const TWO_WAYS = [
  ...[
    'md5',
    'sha1',
    'sha224',
    'sha256',
    'sha384',
    'sha512',
    'sha512-256',
    'sha3-256',
    'shake256',
    'blake2b512',
  ].map((digest) => ({ name: digest, command: `openssl dgst -${digest} -r /tmp/random` })),
  ...['aes-128-ctr', 'aes-256-cbc', 'aes-192-ecb', 'chacha20', 'camellia-128-cbc', 'aria-128-ctr'].map(
    (cipher) => ({
      name: cipher,
      command: `openssl enc -${cipher} -pass pass:x -pbkdf2 -iter 10 -S 0011223344556677 -in /tmp/random | openssl dgst -md5 -r`,
    }),
  ),
  {
    name: 'HMAC-SHA256',
    command: 'openssl dgst -sha256 -hmac key -r /tmp/random',
  },
  {
    name: 'GMAC (GHASH)',
    command:
      'openssl mac -cipher AES-128-GCM -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt hexiv:000102030405060708090a0b -in /tmp/random GMAC',
  },
  {
    name: 'Poly1305',
    command:
      'openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -in /tmp/random Poly1305',
  },
] as const;

const KEYS = [
  { name: 'RSA 2048', make: '-algorithm RSA -pkeyopt rsa_keygen_bits:2048' },
  { name: 'ECDSA P-256', make: '-algorithm EC -pkeyopt ec_paramgen_curve:P-256' },
  { name: 'ECDSA P-521', make: '-algorithm EC -pkeyopt ec_paramgen_curve:P-521' },
  { name: 'Ed25519', make: '-algorithm ed25519' },
  { name: 'Ed448', make: '-algorithm ed448' },
] as const;

const SPEEDS = ['sha256', 'sha512', 'aes-128-gcm', 'aes-256-cbc', 'chacha20-poly1305', 'sha3-256'] as const;

const python = (name: (typeof PYTHON_SUITES)[number]): Check => ({
  name,
  group: 'Python',
  command: `python3 -m test -v ${name} >/tmp/log 2>&1; status=$?; grep -aE '^(FAIL|ERROR|Ran [0-9])' /tmp/log; (exit $status)`,
  figure: /Ran (\d+ tests)/g,
});

const stress = ({ name, options }: (typeof STRESSORS)[number]): Check => ({
  name,
  group: 'stress-ng',
  command: `stress-ng ${options} --verify --metrics-brief >/tmp/log 2>&1; status=$?; grep -aE 'fail|error|passed|skipped|metrc|unrecog' /tmp/log; grep -q 'successful run' /tmp/log && (exit $status)`,
});

const knownAnswer = ({ name, command, answer }: (typeof KNOWN_ANSWERS)[number]): Check => ({
  name,
  group: 'OpenSSL',
  command: `answer=$(${command}); echo "$answer"; [ "\${answer%% *}" = ${answer} ]`,
});

const twoWays = ({ name, command }: (typeof TWO_WAYS)[number]): Check => ({
  name: `${name}: accelerated and portable agree`,
  group: 'OpenSSL',
  command: [
    'set -o pipefail',
    `one=$(${command}) && other=$(export OPENSSL_armcap=0; ${command}) && echo "$one | $other" && [ -n "$one" ] && [ "$one" = "$other" ]`,
  ].join('; '),
});

const keyPair = ({ name, make }: (typeof KEYS)[number]): Check => ({
  name: `${name}: make, sign, verify, refuse a changed text`,
  group: 'OpenSSL',
  command: [
    `openssl genpkey ${make} -out /tmp/key -quiet`,
    'openssl pkey -in /tmp/key -pubout -out /tmp/public',
    'head -c 2000 /tmp/random >/tmp/text',
    `openssl pkeyutl -sign -rawin -inkey /tmp/key -in /tmp/text -out /tmp/signature`,
    `openssl pkeyutl -verify -rawin -pubin -inkey /tmp/public -in /tmp/text -sigfile /tmp/signature`,
    'echo x >>/tmp/text',
    `! openssl pkeyutl -verify -rawin -pubin -inkey /tmp/public -in /tmp/text -sigfile /tmp/signature`,
  ].join(' && '),
});

const speed = (algorithm: (typeof SPEEDS)[number]): Check => ({
  name: `openssl speed ${algorithm}, 8 kB`,
  group: 'OpenSSL',
  command: `openssl speed -mr -seconds 1 -bytes 8192 -evp ${algorithm} 2>/dev/null | awk -F: '/^[+]F/ { printf "%.1f MB/s\\n", $4 / 1e6; found = 1 } END { exit !found }'`,
  figure: /([\d.]+ MB\/s)/,
});

const SYSTEM: readonly Check[] = [
  {
    name: 'features that the kernel sees',
    group: 'system',
    command: 'grep Features /proc/cpuinfo',
    figure: /Features\s*: (.*\S)/,
  },
  {
    name: 'apt-get --version',
    group: 'system',
    command: 'apt-get --version',
    figure: /(apt [\d.]+)/,
  },
  {
    name: 'dpkg finds every package in order',
    group: 'system',
    command: '[ -z "$(dpkg --audit)" ] && dpkg --list | grep -c ^ii',
    figure: /^(\d+)/m,
  },
  {
    name: 'SQLite: squares of a million rows add up',
    group: 'system',
    command:
      '[ "$(sqlite3 :memory: \'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) select sum(i * i) from n\')" = 333333833333500000 ]',
  },
];

/** Data for the digests: the same in every machine, and not trivial. */
export const PREPARATION =
  "python3 -c \"import random; random.seed(1); open('/tmp/random', 'wb').write(random.randbytes(1 << 20))\"";

export const CHECKS: readonly Check[] = [
  ...SYSTEM,
  ...PYTHON_SUITES.map(python),
  ...KNOWN_ANSWERS.map(knownAnswer),
  ...TWO_WAYS.map(twoWays),
  ...KEYS.map(keyPair),
  ...SPEEDS.map(speed),
  ...STRESSORS.map(stress),
];
