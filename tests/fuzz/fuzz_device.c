/* libFuzzer: any bytes on the line of a device, as they are or as the bodies of whole frames, between samples of a sensor.
 * tools/fuzz_c_engine.sh builds it with a generated project of an Arduino, which senses. */
#include "har_board.h"
#include "har_device.h"
#include "har_model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static har_device device;
static uint32_t now_us;
static size_t sent; /* bytes since the last 00 */

/* A device sends no frame that a host would take for damage: at most 254 bytes and a code between two zeros. */
void har_board_put(uint8_t byte)
{
    sent = byte == 0 ? 0 : sent + 1;
    if (sent > HAR_MOST_BODY + HAR_CRC_BYTES + 1)
        abort();
}

uint32_t har_board_micros(void)
{
    return now_us;
}

uint32_t har_board_ticks(void)
{
    return now_us;
}

uint8_t har_board_tick_unit(void)
{
    return HAR_MICROSECONDS;
}

static void hear(uint8_t byte)
{
    now_us += 87;
    har_device_receive(&device, byte);
}

static void start(uint8_t boot)
{
    static har_sum sums[HAR_MODEL_SUMS];
    static har_value values[HAR_MODEL_VALUES];
    har_engine engine;
    if (har_open(&engine, &har_model_tables, sums, HAR_MODEL_SUMS, values, HAR_MODEL_VALUES) != HAR_OK)
        abort();
    now_us = sent = 0;
    har_device_open(&device, &engine, boot);
}

/* What a byte asks for: a frame of the bytes behind it, a sample, missed samples, a remark, a pause, or itself. */
static size_t act(const uint8_t *data, size_t size)
{
    const int16_t counts[3] = {INT16_MIN, INT16_MAX, (int16_t)size};
    size_t length = size > 1 ? data[1] : 0;
    switch (data[0]) {
    case 1: {
        uint8_t *body = malloc(length + HAR_CRC_BYTES);
        if (length > size - 1)
            length = size - 1;
        if (!body)
            abort();
        memcpy(body, data + 1, length);
        har_send(body, (uint8_t)length, hear);
        free(body);
        return length + 1;
    }
    case 2:
        har_device_sense(&device, counts, now_us);
        return 1;
    case 3:
        har_device_miss(&device, (uint16_t)(length * 255u));
        return 1;
    case 4:
        har_device_log(&device, 2, "a remark that is longer than a frame of samples has room for, as a sketch may make it");
        return 1;
    case 5:
        now_us += 60000u;
        return 1;
    default:
        hear(data[0]);
        return 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;
    start((uint8_t)size);
    while (at < size)
        at += act(data + at, size - at);
    return 0;
}
