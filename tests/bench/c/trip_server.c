/* A Modbus TCP server that is its own stopwatch: it changes a register and says when a coil was written because of it.
 *
 *   set REGISTER VALUE       changes a holding register; prints the instant in ns of CLOCK_MONOTONIC
 *   trip REGISTER VALUE COIL changes a holding register; prints the ns until COIL is written 0, or "late" after 2 s
 *   coil N VALUE             sets a coil itself
 *
 * Prints its port first, ends with its stdin. Functions 1, 3, 5, 6, 16.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 16
#define WAIT_NS 2000000000LL
typedef unsigned char byte;
static unsigned short registers[65536];
static byte coils[65536], held[CLIENTS][4096];
static int filled[CLIENTS];
static struct pollfd watched[CLIENTS + 2];
static int awaited = -1;
static long long changed;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void put_coil(int at, int on) {
    coils[at] = on;
    if (at != awaited || on) return;
    printf("%lld\n", now() - changed);
    fflush(stdout);
    awaited = -1;
}

static int reply(const byte *in, byte *to) {
    int function = in[7], start = in[8] << 8 | in[9], count = in[10] << 8 | in[11], size = 5;
    memcpy(to, in, 12);
    if (function == 1) {
        to[8] = (count + 7) / 8;
        memset(to + 9, 0, to[8]);
        for (int i = 0; i < count; i++) to[9 + i / 8] |= (coils[(start + i) & 65535] & 1) << i % 8;
        size = 2 + to[8] + 1;
    } else if (function == 3) {
        to[8] = 2 * count;
        for (int i = 0; i < count; i++) {
            unsigned v = registers[(start + i) & 65535];
            to[9 + 2 * i] = v >> 8, to[10 + 2 * i] = v & 255;
        }
        size = 2 + 2 * count + 1;
    } else if (function == 5) {
        put_coil(start, count != 0);
        size = 6;
    } else if (function == 6) {
        registers[start] = count;
        size = 6;
    } else if (function == 16) {
        for (int i = 0; i < count; i++) registers[(start + i) & 65535] = in[13 + 2 * i] << 8 | in[14 + 2 * i];
        size = 6;
    } else {
        to[7] |= 0x80, to[8] = 1, size = 3;
    }
    to[4] = size >> 8, to[5] = size & 255;
    return 6 + size;
}

static int answer(int at) {
    byte out[65536], *q = held[at];
    int size = 0, begin = 0, got = read(watched[at + 2].fd, q + filled[at], sizeof held[at] - filled[at]);
    if (got <= 0) return -1;
    filled[at] += got;
    while (filled[at] - begin >= 12 && size < (int)sizeof out - 300) {
        int whole = 6 + (q[begin + 4] << 8 | q[begin + 5]);
        if (filled[at] - begin < whole) break;
        size += reply(q + begin, out + size);
        begin += whole;
    }
    memmove(q, q + begin, filled[at] -= begin);
    return write(watched[at + 2].fd, out, size) == size ? 0 : -1;
}

static void command(const char *line) {
    int at = 0, value = 0, coil = 0;
    if (sscanf(line, "trip %d %d %d", &at, &value, &coil) == 3) {
        awaited = coil;
        changed = now();
        registers[at] = value;
        return;
    }
    if (sscanf(line, "set %d %d", &at, &value) == 2) {
        registers[at] = value;
        printf("%lld\n", now());
    } else if (sscanf(line, "coil %d %d", &at, &value) == 2) {
        coils[at] = value;
        puts("ok");
    } else {
        puts("?");
    }
    fflush(stdout);
}

static void take(int listener, int *count) {
    int yes = 1, fd = accept(listener, NULL, NULL);
    if (fd < 0 || *count == CLIENTS) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    filled[*count] = 0;
    watched[2 + (*count)++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

int main(void) {
    int count = 0;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    watched[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    watched[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        int n = poll(watched, 2 + count, awaited < 0 ? -1 : 100);
        if (awaited >= 0 && now() - changed > WAIT_NS) awaited = -1, puts("late"), fflush(stdout);
        if (n <= 0) continue;
        for (int i = 0; i < count; i++) {
            if (!watched[2 + i].revents || !answer(i)) continue;
            close(watched[2 + i].fd);
            count--;
            watched[2 + i] = watched[2 + count];
            memcpy(held[i], held[count], sizeof held[i]);
            filled[i] = filled[count];
            i--;
        }
        if (watched[1].revents) take(listener, &count);
        if (watched[0].revents) {
            char line[256];
            if (!fgets(line, sizeof line, stdin)) return 0;
            command(line);
        }
    }
}
