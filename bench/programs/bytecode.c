/* An interpreter of byte codes that jumps from one operation to the next through a table of addresses. */
#include "bench.h"
#include "benchmarks.h"

#define PROGRAM_LENGTH 12

BENCHMARK(interp_goto) {
    static const uint8_t PROGRAM[PROGRAM_LENGTH] = {0, 1, 2, 3, 1, 4, 0, 2, 5, 3, 1, 6};
    const void *operations[] = {&&add, &&mix, &&mask, &&rotate, &&subtract, &&scramble, &&again};
    long rounds = scaled(2500000);
    uint64_t a = 1, b = 2, c = 3;
    const uint8_t *next = PROGRAM;
    long round = 0;
    double start = now();
#define DISPATCH() goto *operations[*next++]
    DISPATCH();
add:
    a += b;
    DISPATCH();
mix:
    b ^= a << 3;
    DISPATCH();
mask:
    c += a & b;
    DISPATCH();
rotate:
    a = a >> 1 | a << 63;
    DISPATCH();
subtract:
    b -= c;
    DISPATCH();
scramble:
    c = c * 5 + 1;
    DISPATCH();
again:
    if (++round < rounds) {
        next = PROGRAM;
        DISPATCH();
    }
    double seconds = now() - start;
    report("interp_goto", (double)rounds * PROGRAM_LENGTH / seconds / MEGA, "Mop/s", seconds, a ^ b ^ c);
}
