/* AdvSIMD by intrinsics: a product of single-precision matrices, and a saturating blend of bytes. */
#include "bench.h"
#include "benchmarks.h"

#include <arm_neon.h>
#include <stdlib.h>

#define SIZE 128
#define LANES 4
/* So many columns are held in registers at once. */
#define COLUMNS 16

static float a[SIZE * SIZE], b[SIZE * SIZE], product[SIZE * SIZE];

/* One row of `a` times 16 columns of `b`. */
static inline void multiply_row(int row, int column) {
    float32x4_t sum0 = vdupq_n_f32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (int k = 0; k < SIZE; k += LANES) {
        float32x4_t factors = vld1q_f32(a + row * SIZE + k);
#define ADD_LANE(lane)                                                          \
    do {                                                                        \
        const float *from = b + (k + lane) * SIZE + column;                     \
        sum0 = vfmaq_laneq_f32(sum0, vld1q_f32(from), factors, lane);           \
        sum1 = vfmaq_laneq_f32(sum1, vld1q_f32(from + 4), factors, lane);       \
        sum2 = vfmaq_laneq_f32(sum2, vld1q_f32(from + 8), factors, lane);       \
        sum3 = vfmaq_laneq_f32(sum3, vld1q_f32(from + 12), factors, lane);      \
    } while (0)
        ADD_LANE(0);
        ADD_LANE(1);
        ADD_LANE(2);
        ADD_LANE(3);
    }
    float *to = product + row * SIZE + column;
    vst1q_f32(to, sum0);
    vst1q_f32(to + 4, sum1);
    vst1q_f32(to + 8, sum2);
    vst1q_f32(to + 12, sum3);
}

BENCHMARK(neon_sgemm128) {
    for (int i = 0; i < SIZE * SIZE; i++) {
        a[i] = (float)(i % 7 - 3);
        b[i] = (float)(i % 5 - 2);
    }
    long rounds = scaled(60);
    double start = now();
    for (long round = 0; round < rounds; round++)
        for (int row = 0; row < SIZE; row++)
            for (int column = 0; column < SIZE; column += COLUMNS) multiply_row(row, column);
    double seconds = now() - start;
    double sum = 0;
    for (int i = 0; i < SIZE * SIZE; i++) sum += product[i] * (float)(i % 3);
    double operations = (double)rounds * 2 * SIZE * SIZE * SIZE;
    report("neon_sgemm128", operations / seconds / MEGA, "MFLOP/s", seconds, (uint64_t)(int64_t)sum);
}

#define PIXELS (64 * KIB)
#define VECTOR_BYTES 16
/* Weights out of 256. */
#define WEIGHT_X 77
#define WEIGHT_Y 179

static inline uint8x16_t blend(uint8x16_t x, uint8x16_t y) {
    uint16x8_t low = vmull_u8(vget_low_u8(x), vdup_n_u8(WEIGHT_X));
    uint16x8_t high = vmull_high_u8(x, vdupq_n_u8(WEIGHT_X));
    low = vmlal_u8(low, vget_low_u8(y), vdup_n_u8(WEIGHT_Y));
    high = vmlal_high_u8(high, y, vdupq_n_u8(WEIGHT_Y));
    uint8x16_t mixed = vcombine_u8(vshrn_n_u16(low, 8), vshrn_n_u16(high, 8));
    return vqaddq_u8(mixed, vdupq_n_u8(1));
}

BENCHMARK(neon_u8blend) {
    uint8_t *x = allocate(PIXELS), *y = allocate(PIXELS);
    for (int i = 0; i < PIXELS; i++) {
        x[i] = (uint8_t)next_random();
        y[i] = (uint8_t)next_random();
    }
    long rounds = scaled(1500);
    double start = now();
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < PIXELS; i += VECTOR_BYTES) vst1q_u8(x + i, blend(vld1q_u8(x + i), vld1q_u8(y + i)));
    double seconds = now() - start;
    uint64_t checksum = 0;
    for (int i = 0; i < PIXELS; i++) checksum = checksum * 31 + x[i];
    report("neon_u8blend", (double)rounds * PIXELS / seconds / MEGA, "Mpix/s", seconds, checksum);
    free(x);
    free(y);
}
