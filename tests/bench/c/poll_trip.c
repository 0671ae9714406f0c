/* The reference of the trip: poll registers and coils, compare, write the coil, read it back. libmodbus, CLOCK_MONOTONIC grid.
 *
 *   poll_trip PORT REGISTERS CODES PERIOD_US    register r = c in 1..CODES switches off coil r * CODES + c - 1
 *
 * Ends with its stdin.
 */
#include <modbus.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int registers = atoi(argv[2]), codes = atoi(argv[3]);
    long period = atol(argv[4]) * 1000;
    modbus_t *bus = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    uint16_t values[125];
    uint8_t coils[2000], check;
    modbus_set_slave(bus, 1);
    if (registers > 125 || registers * codes > 2000 || modbus_connect(bus)) return 1;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    struct pollfd end = {.fd = 0, .events = POLLIN};
    for (;;) {
        if (modbus_read_bits(bus, 0, registers * codes, coils) < 0) return 1;
        if (modbus_read_registers(bus, 0, registers, values) < 0) return 1;
        for (int i = 0; i < registers; i++) {
            if (!values[i] || values[i] > codes) continue;
            int coil = i * codes + values[i] - 1;
            if (!coils[coil]) continue;
            if (modbus_write_bit(bus, coil, 0) < 0 || modbus_read_bits(bus, coil, 1, &check) < 0 || check) return 1;
        }
        due.tv_nsec += period;
        while (due.tv_nsec >= 1000000000) due.tv_nsec -= 1000000000, due.tv_sec++;
        if (poll(&end, 1, 0)) return 0;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
}
