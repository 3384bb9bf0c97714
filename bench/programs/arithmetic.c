/* Long integer arithmetic: divisions of 64 and 32 bits, and a multi-precision multiply-and-add. */
#include "bench.h"
#include "benchmarks.h"

BENCHMARK(intdiv) {
    long count = scaled(8000000);
    uint64_t dividend = 0x123456789abcdefull, sum = 0;
    uint32_t divisor = 7;
    double start = now();
    for (long i = 0; i < count; i++) {
        sum += dividend / (divisor | 1) + (uint32_t)dividend % (uint32_t)(i | 3);
        dividend += sum;
        divisor = divisor * 5 + 1;
    }
    double seconds = now() - start;
    report("intdiv", (double)count * 2 / seconds / MEGA, "Mdiv/s", seconds, sum);
}

#define LIMBS 256

BENCHMARK(mpi_addmul) {
    uint64_t a[LIMBS], result[LIMBS];
    for (int i = 0; i < LIMBS; i++) {
        a[i] = next_random();
        result[i] = next_random();
    }
    long rounds = scaled(60000);
    double start = now();
    for (long round = 0; round < rounds; round++) {
        uint64_t carry = 0, multiplier = result[round % LIMBS];
        for (int i = 0; i < LIMBS; i++) {
            unsigned __int128 product = (unsigned __int128)a[i] * multiplier + result[i] + carry;
            result[i] = (uint64_t)product;
            carry = (uint64_t)(product >> 64);
        }
    }
    double seconds = now() - start;
    uint64_t checksum = 0;
    for (int i = 0; i < LIMBS; i++) checksum ^= result[i];
    report("mpi_addmul", (double)rounds * LIMBS / seconds / MEGA, "Mlimb/s", seconds, checksum);
}
