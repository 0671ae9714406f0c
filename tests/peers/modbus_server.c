/* A Modbus device made with libmodbus, driven by lines on stdin. Prints its port, then "ok" or a number per line.
 *
 *   modbus_server [PORT]               over TCP
 *   modbus_server rtu PATH UNIT        RTU on the serial line PATH, 19200 8N1; prints 0 for a port
 *
 *   set TABLE N VALUE     get TABLE N        TABLE: coil discrete holding input
 *   bad TABLE N           reads and writes that touch it get "illegal data address"
 *   writes normal|ignore|wrong|MS            obey, acknowledge and ignore, write one address further, obey after MS ms
 *   connections           how many are open now
 *   accepted              how many were accepted in all
 *   drop                  closes every connection
 */
#include <errno.h>
#include <modbus.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE 65536
#define CLIENTS 64
#define BADS 64

static modbus_mapping_t *map;
static int bad_function[BADS], bad_address[BADS], bads;
static char writes[16] = "normal";
static int accepted, count;
static struct pollfd watched[CLIENTS + 2];

static int function_of(const char *table) {
    if (!strcmp(table, "coil")) return 1;
    if (!strcmp(table, "discrete")) return 2;
    if (!strcmp(table, "holding")) return 3;
    return 4;
}

static int value(int function, int n, int set, int v) {
    switch (function) {
    case 1: return set ? (map->tab_bits[n] = v) : map->tab_bits[n];
    case 2: return set ? (map->tab_input_bits[n] = v) : map->tab_input_bits[n];
    case 3: return set ? (map->tab_registers[n] = v) : map->tab_registers[n];
    default: return set ? (map->tab_input_registers[n] = v) : map->tab_input_registers[n];
    }
}

static void drop_all(void) {
    for (int i = 2; i < 2 + count; i++) close(watched[i].fd);
    count = 0;
}

static void command(char *line) {
    char a[32] = "", b[32] = "";
    int n = 0, v = 0;
    if (sscanf(line, "set %31s %d %d", a, &n, &v) == 3) {
        value(function_of(a), n, 1, v);
        puts("ok");
    } else if (sscanf(line, "get %31s %d", a, &n) == 2) {
        printf("%d\n", value(function_of(a), n, 0, 0));
    } else if (sscanf(line, "bad %31s %d", a, &n) == 2 && bads < BADS) {
        bad_function[bads] = function_of(a);
        bad_address[bads++] = n;
        puts("ok");
    } else if (sscanf(line, "writes %15s", b) == 1) {
        strcpy(writes, b);
        puts("ok");
    } else if (!strncmp(line, "connections", 11)) {
        printf("%d\n", count);
    } else if (!strncmp(line, "accepted", 8)) {
        printf("%d\n", accepted);
    } else if (!strncmp(line, "drop", 4)) {
        drop_all();
        puts("ok");
    } else {
        puts("?");
    }
    fflush(stdout);
}

static int is_bad(int function, int address, int quantity) {
    int table = function == 5 || function == 15 ? 1 : function == 6 || function == 16 ? 3 : function;
    for (int i = 0; i < bads; i++)
        if (bad_function[i] == table && bad_address[i] >= address && bad_address[i] < address + quantity) return 1;
    return 0;
}

static int answer(modbus_t *bus, int fd) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(bus, fd);
    int size = modbus_receive(bus, query);
    if (size <= 0) return size;
    int at = modbus_get_header_length(bus);
    int function = query[at], address = query[at + 1] << 8 | query[at + 2];
    int writing = function == 5 || function == 6 || function == 15 || function == 16;
    int quantity = function == 5 || function == 6 ? 1 : query[at + 3] << 8 | query[at + 4];
    if (is_bad(function, address, quantity))
        return modbus_reply_exception(bus, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    if (!writing || !strcmp(writes, "normal")) return modbus_reply(bus, query, size, map);
    if (atoi(writes) > 0) {
        usleep(atoi(writes) * 1000);
        return modbus_reply(bus, query, size, map);
    }
    int table = function == 5 || function == 15 ? 1 : 3, kept[128];
    for (int i = 0; i <= quantity; i++) kept[i] = value(table, address + i, 0, 0);
    int sent = modbus_reply(bus, query, size, map); /* acknowledges as if it had obeyed */
    for (int i = quantity; i >= 0; i--) {
        int now = value(table, address + i, 0, 0);
        value(table, address + i, 1, kept[i]);
        if (!strcmp(writes, "wrong") && i < quantity) value(table, address + i + 1, 1, now);
    }
    return sent;
}

/* RTU: one line, no connections; what is not for this unit, or has a wrong CRC, is ignored by the library. */
static int serve_line(const char *path, int unit) {
    modbus_t *bus = modbus_new_rtu(path, 19200, 'N', 8, 1);
    map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    if (!bus || modbus_set_slave(bus, unit) || modbus_connect(bus)) return perror(path), 1;
    puts("0");
    fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    struct pollfd line[2] = {{.fd = 0, .events = POLLIN}, {.fd = modbus_get_socket(bus), .events = POLLIN}};
    while (poll(line, 2, -1) >= 0) {
        if (line[1].revents && answer(bus, modbus_get_socket(bus)) < 0) modbus_flush(bus);
        if (line[0].revents) {
            char text[256];
            if (!fgets(text, sizeof text, stdin)) return 0;
            command(text);
        }
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc > 3 && !strcmp(argv[1], "rtu")) return serve_line(argv[2], atoi(argv[3]));
    int port = argc > 1 ? atoi(argv[1]) : 0, yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = argc > 2 ? inet_addr(argv[2]) : htonl(INADDR_LOOPBACK);
    map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    modbus_t *bus = modbus_new_tcp("127.0.0.1", 1502);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) return perror("bind"), 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    watched[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    watched[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        if (poll(watched, 2 + count, -1) < 0) return 1;
        for (int i = 2; i < 2 + count; i++) {
            if (!watched[i].revents) continue;
            if (answer(bus, watched[i].fd) < 0) {
                close(watched[i].fd);
                watched[i--] = watched[1 + count--];
            }
        }
        if (watched[1].revents && count < CLIENTS) {
            watched[2 + count++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
            watched[1 + count].revents = 0;
            accepted++;
        }
        if (watched[0].revents) {
            char line[256];
            if (!fgets(line, sizeof line, stdin)) return 0;
            command(line);
        }
    }
}
