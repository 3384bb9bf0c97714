/* The Mandelbrot set in double precision: short loops whose length the data decides. */
#include "bench.h"
#include "benchmarks.h"

#define WIDTH 320
#define HEIGHT 240
#define LIMIT 200

BENCHMARK(mandelbrot) {
    long width = scaled(WIDTH);
    uint64_t iterations = 0;
    double start = now();
    for (long y = 0; y < HEIGHT; y++)
        for (long x = 0; x < width; x++) {
            double real = -2 + 3.0 * x / width, imaginary = -1 + 2.0 * y / HEIGHT;
            double a = 0, b = 0;
            int i = 0;
            for (; i < LIMIT && a * a + b * b < 4; i++) {
                double next = a * a - b * b + real;
                b = 2 * a * b + imaginary;
                a = next;
            }
            iterations += (uint64_t)i;
        }
    double seconds = now() - start;
    report("mandelbrot", (double)iterations / seconds / MEGA, "Miter/s", seconds, iterations);
}
