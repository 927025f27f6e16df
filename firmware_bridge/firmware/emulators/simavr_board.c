/* An ATmega328P in simavr with its UART on a TCP port of this machine.
 *
 *   simavr_board firmware.elf [samples of an MPU-6050 [channels, 3 or 6]]
 *
 * Prints "port N" when it listens. A client's bytes reach the UART at 115200 baud of simulated time, as fast as the
 * simulation runs; what the UART sends goes to the client. Ends when standard input does, and then prints how deep the
 * stack was and how many cycles passed. */
#include "simavr_mpu6050.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_HZ 16000000u
#define BYTE_CYCLES (CLOCK_HZ / 11520u)
#define PAINT 0xA5
#define RAM_BEGIN 0x100
#define RAM_END 0x8FF
#define UNTOUCHED 32

static int client = -1;

/* A byte that the board sends goes to whoever is connected. */
static void from_uart(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    const uint8_t byte = (uint8_t)value;
    (void)irq;
    (void)unused;
    if (client >= 0 && send(client, &byte, 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
        close(client);
        client = -1;
    }
}

/* Listen on a free port of this machine, and say which one. */
static int listen_here(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof address) < 0 || listen(server, 1) < 0 ||
        getsockname(server, (struct sockaddr *)&address, &size) < 0) {
        perror("simavr_board");
        exit(1);
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return server;
}

/* Take a connection if there is a new one, in the place of the one before. */
static void welcome(int server)
{
    const int found = accept(server, NULL, NULL), yes = 1;
    if (found < 0)
        return;
    if (client >= 0)
        close(client);
    client = found;
    fcntl(client, F_SETFL, O_NONBLOCK);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* A byte for the UART, or -1. */
static int next_byte(void)
{
    static uint8_t bytes[256];
    static ssize_t count, at;
    if (at == count && client >= 0) {
        at = 0;
        count = recv(client, bytes, sizeof bytes, 0);
        if (count == 0) {
            close(client);
            client = -1;
        }
        count = count < 0 ? 0 : count;
    }
    return at < count ? bytes[at++] : -1;
}

/* Simulated time runs no faster than this machine's, where somebody listens to a sensor. */
static void keep_time(const avr_t *avr)
{
    static double begun;
    struct timespec now;
    double ahead;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (begun == 0.0)
        begun = now.tv_sec + now.tv_nsec * 1e-9 - avr->cycle / (double)CLOCK_HZ;
    ahead = avr->cycle / (double)CLOCK_HZ - (now.tv_sec + now.tv_nsec * 1e-9 - begun);
    if (ahead > 0.002)
        usleep((useconds_t)(ahead * 1e6));
}

/* Whether standard input has ended: whoever started the simulation wants no more of it. */
static int is_over(void)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    char byte;
    return poll(&in, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

/* The stack grows down from the end of memory; below what it reached lies paint. */
static int stack_depth(const avr_t *avr)
{
    int at, clean = 0;
    for (at = RAM_END; at > RAM_BEGIN && clean < UNTOUCHED; at--)
        clean = avr->data[at] == PAINT ? clean + 1 : 0;
    return RAM_END - at - clean;
}

/* Make an ATmega328P with a program in its flash. */
static avr_t *make_board(const char *path)
{
    static elf_firmware_t firmware;
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    uint32_t flags = 0;
    if (!avr || elf_read_firmware(path, &firmware)) {
        fprintf(stderr, "simavr_board: expected an AVR program, got %s\n", path);
        exit(1);
    }
    firmware.frequency = CLOCK_HZ;
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr->log = LOG_ERROR;
    memset(avr->data + RAM_BEGIN, PAINT, RAM_END - RAM_BEGIN + 1);
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), from_uart, NULL);
    return avr;
}

int main(int count, char **arguments)
{
    avr_t *avr;
    avr_irq_t *to_uart;
    uint64_t next_cycle = 0, looks = 0;
    int server;
    if (count < 2 || count > 4) {
        fprintf(stderr, "usage: simavr_board firmware.elf [samples of an MPU-6050 [channels, 3 or 6]]\n");
        return 2;
    }
    avr = make_board(arguments[1]);
    if (count >= 3 && mpu6050_attach(avr, arguments[2], count == 4 && !strcmp(arguments[3], "6") ? 6 : 3) != 0) {
        fprintf(stderr, "simavr_board: expected samples of int16 in %s\n", arguments[2]);
        return 1;
    }
    to_uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    server = listen_here();
    for (;;) {
        const int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed) {
            fprintf(stderr, "simavr_board: the processor has %s\n", state == cpu_Done ? "stopped" : "crashed");
            return 1;
        }
        if (avr->cycle < next_cycle)
            continue;
        next_cycle = avr->cycle + BYTE_CYCLES;
        if (looks++ % 64 == 0) {
            welcome(server);
            if (is_over())
                break;
            if (count >= 3)
                keep_time(avr);
        }
        const int byte = next_byte();
        if (byte >= 0)
            avr_raise_irq(to_uart, (uint32_t)byte);
    }
    printf("stack %d\ncycles %llu\n", stack_depth(avr), (unsigned long long)avr->cycle);
    return 0;
}
