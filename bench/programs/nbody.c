/* The planets' motion in double precision: the inner loop has a square root and a division. */
#include "bench.h"
#include "benchmarks.h"

#include <math.h>
#include <string.h>

#define BODIES 5
#define TIME_STEP 0.001

struct body {
    double position[3], velocity[3], mass;
};

/* The sun, Jupiter, Saturn, Uranus and Neptune; astronomical units, years, solar mass times 4 pi squared. */
static const struct body START[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 39.47841760435743},
    {{4.841431442464721, -1.1603200440274284, -0.10362204447112311},
     {0.606326392995832, 2.81198684491626, -0.02521836165988763},
     0.03769367487038949},
    {{8.34336671824458, 4.124798564124305, -0.4035234171143214},
     {-1.0107743461787924, 1.8256623712304119, 0.008415761376584154},
     0.011286326131968767},
    {{12.894369562139131, -15.111151401698631, -0.22330757889265573},
     {1.0827910064415354, 0.8687130181696082, -0.010832637401363636},
     0.0017237240570597112},
    {{15.379697114850917, -25.919314609987964, 0.17925877295037118},
     {0.979090732243898, 0.5946989986476762, -0.034755955504078104},
     0.0020336868699246304},
};

BENCHMARK(nbody) {
    struct body bodies[BODIES];
    memcpy(bodies, START, sizeof bodies);
    long steps = scaled(250000);
    double start = now();
    for (long step = 0; step < steps; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                double distance[3], square = 0;
                for (int axis = 0; axis < 3; axis++) {
                    distance[axis] = bodies[i].position[axis] - bodies[j].position[axis];
                    square += distance[axis] * distance[axis];
                }
                double pull = TIME_STEP / (square * sqrt(square));
                for (int axis = 0; axis < 3; axis++) {
                    bodies[i].velocity[axis] -= distance[axis] * bodies[j].mass * pull;
                    bodies[j].velocity[axis] += distance[axis] * bodies[i].mass * pull;
                }
            }
        for (int i = 0; i < BODIES; i++)
            for (int axis = 0; axis < 3; axis++)
                bodies[i].position[axis] += TIME_STEP * bodies[i].velocity[axis];
    }
    double seconds = now() - start;
    uint64_t checksum;
    memcpy(&checksum, &bodies[0].position[0], sizeof checksum);
    report("nbody", (double)steps / seconds / MEGA, "Mstep/s", seconds, checksum);
}
