/* Processes: two that pass a byte back and forth, fork, fork and exec; and timing any other program. */
#define _GNU_SOURCE
#include "bench.h"
#include "benchmarks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_RUN 127

static void echo_bytes(int from, int to) {
    char byte;
    while (read(from, &byte, 1) == 1)
        if (write(to, &byte, 1) != 1) break;
    _exit(EXIT_SUCCESS);
}

BENCHMARK(pipe_pingpong) {
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) return;
    long rounds = scaled(10000);
    char byte = 0;
    pid_t child = fork();
    if (child == 0) echo_bytes(there[0], back[1]);
    double start = now();
    for (long i = 0; i < rounds; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) return;
    double seconds = now() - start;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    for (int end = 0; end < 2; end++) {
        close(there[end]);
        close(back[end]);
    }
    report("pipe_pingpong", seconds / (double)rounds * MEGA, "us/roundtrip", seconds, 0);
}

BENCHMARK(fork_exit) {
    long rounds = scaled(200);
    double start = now();
    for (long i = 0; i < rounds; i++) {
        pid_t child = fork();
        if (child == 0) _exit(EXIT_SUCCESS);
        waitpid(child, NULL, 0);
    }
    double seconds = now() - start;
    report("fork_exit", seconds / (double)rounds * MEGA, "us", seconds, 0);
}

BENCHMARK(fork_exec) {
    extern char **environ;
    char *arguments[] = {"bramble-bench", DO_NOTHING, NULL};
    long rounds = scaled(200);
    double start = now();
    for (long i = 0; i < rounds; i++) {
        pid_t child = fork();
        if (child == 0) {
            execve("/proc/self/exe", arguments, environ);
            _exit(EXIT_NOT_RUN);
        }
        waitpid(child, NULL, 0);
    }
    double seconds = now() - start;
    report("fork_exec", seconds / (double)rounds * MEGA, "us", seconds, 0);
}

/* FNV-1a, 64 bits. */
#define HASH_START 0xcbf29ce484222325ull
#define HASH_FACTOR 0x100000001b3ull

int time_command(const char *name, char **command) {
    int output[2];
    if (pipe(output) != 0) return EXIT_FAILURE;
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        dup2(output[1], STDOUT_FILENO);
        close(output[0]);
        close(output[1]);
        execvp(command[0], command);
        _exit(EXIT_NOT_RUN);
    }
    close(output[1]);
    static uint8_t buffer[64 * KIB];
    uint64_t hash = HASH_START;
    ssize_t count;
    while ((count = read(output[0], buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < count; i++) hash = (hash ^ buffer[i]) * HASH_FACTOR;
    close(output[0]);
    int status;
    waitpid(child, &status, 0);
    double seconds = now() - start;
    if (status != 0) {
        fprintf(stderr, "bramble-bench: %s failed\n", name);
        return EXIT_FAILURE;
    }
    report(name, seconds, "s", seconds, hash);
    return EXIT_SUCCESS;
}
