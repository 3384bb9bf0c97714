/* The compression function of SHA-256 (FIPS 180-4, 6.2.2) over random blocks, from a made-up initial state. */
#include "bench.h"
#include "benchmarks.h"

#include <stdlib.h>

#define BUFFER_BYTES (256 * KIB)
#define BLOCK_BYTES 64
#define ROUNDS 64

/* FIPS 180-4, 4.2.2. */
static const uint32_t ROUND_CONSTANTS[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define ROTATE_RIGHT(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
/* The functions of FIPS 180-4, 4.1.2, by their names there. */
#define SMALL_SIGMA_0(x) (ROTATE_RIGHT(x, 7) ^ ROTATE_RIGHT(x, 18) ^ (x) >> 3)
#define SMALL_SIGMA_1(x) (ROTATE_RIGHT(x, 17) ^ ROTATE_RIGHT(x, 19) ^ (x) >> 10)
#define BIG_SIGMA_0(x) (ROTATE_RIGHT(x, 2) ^ ROTATE_RIGHT(x, 13) ^ ROTATE_RIGHT(x, 22))
#define BIG_SIGMA_1(x) (ROTATE_RIGHT(x, 6) ^ ROTATE_RIGHT(x, 11) ^ ROTATE_RIGHT(x, 25))
#define CHOOSE(x, y, z) (((x) & (y)) ^ (~(x) & (z)))
#define MAJORITY(x, y, z) (((x) & (y)) ^ ((x) & (z)) ^ ((y) & (z)))

static APART void compress(uint32_t *hash, const uint8_t *block) {
    uint32_t w[ROUNDS];
    for (int i = 0; i < 16; i++) {
        const uint8_t *p = block + 4 * i;
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int i = 16; i < ROUNDS; i++)
        w[i] = w[i - 16] + w[i - 7] + SMALL_SIGMA_0(w[i - 15]) + SMALL_SIGMA_1(w[i - 2]);
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t t1 = h + BIG_SIGMA_1(e) + CHOOSE(e, f, g) + ROUND_CONSTANTS[i] + w[i];
        uint32_t t2 = BIG_SIGMA_0(a) + MAJORITY(a, b, c);
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
}

BENCHMARK(sha256_c) {
    uint32_t hash[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t *buffer = random_bytes(BUFFER_BYTES);
    long rounds = scaled(40);
    double start = now();
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < BUFFER_BYTES; i += BLOCK_BYTES) compress(hash, buffer + i);
    double seconds = now() - start;
    uint64_t checksum = (uint64_t)hash[0] << 32 | hash[7];
    report("sha256_c", (double)rounds * BUFFER_BYTES / seconds / MEGA, "MB/s", seconds, checksum);
    free(buffer);
}
