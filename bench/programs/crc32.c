/* CRC-32 of random bytes: by a table of 256 words, and by the CRC32X instruction (another word order). */
#include "bench.h"
#include "benchmarks.h"

#include <stdlib.h>

#define BUFFER_BYTES MIB
#define POLYNOMIAL 0xedb88320u

static uint32_t table[256];

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? POLYNOMIAL ^ (crc >> 1) : crc >> 1;
        table[i] = crc;
    }
}

BENCHMARK(crc32_table) {
    make_table();
    uint8_t *buffer = random_bytes(BUFFER_BYTES);
    long rounds = scaled(40);
    uint32_t crc = ~0u;
    double start = now();
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < BUFFER_BYTES; i++) crc = table[(crc ^ buffer[i]) & 255] ^ (crc >> 8);
    double seconds = now() - start;
    report("crc32_table", (double)rounds * BUFFER_BYTES / seconds / MEGA, "MB/s", seconds, crc);
    free(buffer);
}

__attribute__((target("arch=armv8-a+crc"))) static APART uint32_t crc_of_words(uint32_t crc,
                                                                              const uint64_t *words,
                                                                              int count) {
    for (int i = 0; i < count; i++) __asm__("crc32x %w0, %w0, %x1" : "+r"(crc) : "r"(words[i]));
    return crc;
}

BENCHMARK(crc32_hw) {
    if (!has_crc32()) return;
    int count = BUFFER_BYTES / (int)sizeof(uint64_t);
    uint64_t *words = allocate(BUFFER_BYTES);
    for (int i = 0; i < count; i++) words[i] = next_random();
    long rounds = scaled(200);
    uint32_t crc = ~0u;
    double start = now();
    for (long round = 0; round < rounds; round++) crc = crc_of_words(crc, words, count);
    double seconds = now() - start;
    report("crc32_hw", (double)rounds * BUFFER_BYTES / seconds / MEGA, "MB/s", seconds, crc);
    free(words);
}
