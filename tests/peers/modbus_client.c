/* The reference of the Modbus benchmarks: what a C program does with libmodbus.
 *
 *   rate PORT CONNECTIONS SECONDS turn|threads   reads of 100 registers; prints requests per second
 *   poll PORT FLOATS PERIOD_MS SECONDS           reads and decodes floats on a grid; prints points per second, CPU %
 */
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double until;
static int port;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static modbus_t *open_bus(void) {
    modbus_t *bus = modbus_new_tcp("127.0.0.1", port);
    modbus_set_slave(bus, 1);
    if (modbus_connect(bus)) exit(1);
    return bus;
}

static void *one(void *done) {
    modbus_t *bus = open_bus();
    uint16_t registers[125];
    while (now() < until) {
        if (modbus_read_registers(bus, 0, 100, registers) != 100) exit(1);
        ++*(long *)done;
    }
    return NULL;
}

static int rate(int connections, double seconds, int threads) {
    long done[64] = {0}, all = 0;
    pthread_t thread[64];
    modbus_t *bus[64];
    uint16_t registers[125];
    double begun = now();
    until = begun + seconds;
    if (threads) {
        for (int i = 0; i < connections; i++) pthread_create(&thread[i], NULL, one, &done[i]);
        for (int i = 0; i < connections; i++) pthread_join(thread[i], NULL), all += done[i];
    } else {
        for (int i = 0; i < connections; i++) bus[i] = open_bus();
        while (now() < until)
            for (int i = 0; i < connections; i++, all++)
                if (modbus_read_registers(bus[i], 0, 100, registers) != 100) return 1;
    }
    printf("%.0f\n", all / (now() - begun));
    return 0;
}

static int poll_floats(int floats, double period, double seconds) {
    modbus_t *bus = open_bus();
    uint16_t registers[125];
    double *values = calloc(floats, sizeof *values), begun = now();
    long points = 0;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (long tick = 1; now() < begun + seconds; tick++) {
        for (int first = 0; first < floats; first += 62) {
            int n = floats - first < 62 ? floats - first : 62;
            if (modbus_read_registers(bus, 2 * first, 2 * n, registers) != 2 * n) return 1;
            for (int i = 0; i < n; i++) values[first + i] = modbus_get_float_abcd(registers + 2 * i);
        }
        points += floats;
        double due = begun + tick * period;
        struct timespec t = {(time_t)due, (long)((due - (time_t)due) * 1e9)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    getrusage(RUSAGE_SELF, &after);
    double took = now() - begun, cpu = 0;
    cpu += after.ru_utime.tv_sec - before.ru_utime.tv_sec + (after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6;
    cpu += after.ru_stime.tv_sec - before.ru_stime.tv_sec + (after.ru_stime.tv_usec - before.ru_stime.tv_usec) * 1e-6;
    printf("%.0f %.3f\n", points / took, 100 * cpu / took);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    port = atoi(argv[2]);
    if (!strcmp(argv[1], "rate")) return rate(atoi(argv[3]), atof(argv[4]), !strcmp(argv[5], "threads"));
    return poll_floats(atoi(argv[3]), atof(argv[4]) / 1000, atof(argv[5]));
}
