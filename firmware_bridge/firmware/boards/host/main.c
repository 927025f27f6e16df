/* A device without hardware: frames on standard input and output. */
#define _POSIX_C_SOURCE 199309L
#include "har_board.h"
#include "har_device.h"
#include "har_model.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

uint32_t har_board_micros(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}

uint32_t har_board_ticks(void)
{
    return har_board_micros();
}

uint8_t har_board_tick_unit(void)
{
    return HAR_MICROSECONDS;
}

void har_board_put(uint8_t byte)
{
    putchar(byte);
    if (byte == 0)
        fflush(stdout);
}

int main(void)
{
    static har_sum sums[HAR_MODEL_SUMS];
    static har_value values[HAR_MODEL_VALUES];
    static har_device device;
    har_engine engine;
    uint8_t bytes[256];
    ssize_t count;
    if (har_open(&engine, &har_model_tables, sums, HAR_MODEL_SUMS, values, HAR_MODEL_VALUES) != HAR_OK)
        return 1;
    har_device_open(&device, &engine, (uint16_t)har_board_micros());
    while ((count = read(STDIN_FILENO, bytes, sizeof bytes)) > 0) {
        ssize_t at;
        for (at = 0; at < count; at++)
            har_device_receive(&device, bytes[at]);
    }
    return 0;
}
