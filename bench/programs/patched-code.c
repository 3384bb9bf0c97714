/*
 * A program that writes code and runs it at once, as just-in-time compilers do: the same two instructions
 * patched again and again, and functions of 13 instructions, each called twice, all over 64 KB.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "benchmarks.h"

#include <stddef.h>
#include <sys/mman.h>

#define CODE_BYTES (64 * KIB)
#define FUNCTION_BYTES 64
#define ADDITIONS 12

/* A64 encodings: MOVZ (Arm ARM C6.2, imm16 in bits 20:5), ADD immediate (imm12 in bits 21:10), RET. */
#define MOVZ_W0(value) (0x52800000u | (uint32_t)((value) & 0xffff) << 5)
#define ADD_W0_W0(value) (0x11000400u | (uint32_t)((value) & 15) << 10)
#define RET 0xd65f03c0u

static char *map_code(void) {
    int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
    char *memory = mmap(NULL, CODE_BYTES, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

BENCHMARK(smc_same_addr) {
    char *memory = map_code();
    if (!memory) return;
    uint32_t *code = (uint32_t *)memory;
    long rounds = scaled(20000);
    uint64_t sum = 0;
    double start = now();
    for (long i = 0; i < rounds; i++) {
        code[0] = MOVZ_W0(i);
        code[1] = RET;
        __builtin___clear_cache(memory, memory + 8);
        sum += (uint64_t)((int (*)(void))memory)();
    }
    double seconds = now() - start;
    report("smc_same_addr", seconds / (double)rounds * GIGA, "ns/patch", seconds, sum);
    munmap(memory, CODE_BYTES);
}

BENCHMARK(smc_codegen16) {
    char *memory = map_code();
    if (!memory) return;
    long rounds = scaled(20000);
    uint64_t sum = 0;
    double start = now();
    for (long i = 0; i < rounds; i++) {
        char *place = memory + (i * FUNCTION_BYTES & (CODE_BYTES - 1));
        uint32_t *code = (uint32_t *)place;
        for (int k = 0; k < ADDITIONS; k++) code[k] = ADD_W0_W0(i + k);
        code[ADDITIONS] = RET;
        __builtin___clear_cache(place, place + FUNCTION_BYTES);
        int (*function)(int) = (int (*)(int))place;
        sum += (uint64_t)function((int)i);
        sum += (uint64_t)function((int)i + 1);
    }
    double seconds = now() - start;
    report("smc_codegen16", seconds / (double)rounds * GIGA, "ns/func", seconds, sum);
    munmap(memory, CODE_BYTES);
}
