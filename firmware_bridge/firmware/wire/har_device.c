/* The messages of docs/protocol.md, on the device's side. */
#include "har_device.h"

#include "har_board.h"
#include "har_port.h"

enum har_message {
    HAR_HELLO = 0x01,
    HAR_SAMPLES = 0x02,
    HAR_STATS = 0x03,
    HAR_LOG = 0x04,
    HAR_ERROR = 0x05,
    HAR_ACK = 0x06,
    HAR_RESULT = 0x07,
    HAR_WHO = 0x81,
    HAR_START = 0x82,
    HAR_STOP = 0x83,
    HAR_ASK = 0x84,
    HAR_INFER = 0x90
};

enum har_error_code { HAR_UNKNOWN_TYPE = 1, HAR_BAD_LENGTH = 2, HAR_BAD_VALUE = 3, HAR_OUT_OF_ORDER = 4, HAR_OTHER_MAJOR = 8 };

#define HAR_STREAMS 2
#define HAR_IDLE_US 2000000ul
#define HAR_INFER_HEAD 6
#define HAR_RESULT_HEAD 14
#define HAR_STATS_BYTES 23
#define HAR_NO_LABEL 255
#ifdef HAR_FLOAT
#define HAR_NUMBERS_CODE 1
#define HAR_PROBABILITY_BYTES 4
#else
#define HAR_NUMBERS_CODE 0
#define HAR_PROBABILITY_BYTES 2
#endif

/* Everything a device says has to fit into its body; `har firmware` refuses what does not, before this does. */
#if HAR_LONGEST_BODY > HAR_MOST_BODY
#error "HAR_LONGEST_BODY: a frame holds no longer body than HAR_MOST_BODY"
#endif
#if HAR_IDENTITY_BYTES > HAR_LONGEST_BODY || HAR_STATS_BYTES > HAR_LONGEST_BODY
#error "HAR_LONGEST_BODY: HELLO and STATS need a longer body"
#endif
#if HAR_MODEL_CLASSES < 1 || HAR_RESULT_HEAD + HAR_PROBABILITY_BYTES * HAR_MODEL_CLASSES > HAR_LONGEST_BODY
#error "HAR_MODEL_CLASSES: RESULT needs a longer body for so many labels"
#endif
#if HAR_DEVICE_SENSES
#if HAR_STREAM_SAMPLES < 1 || HAR_STREAM_HEAD + HAR_SAMPLE_BYTES * HAR_STREAM_SAMPLES > HAR_MOST_BODY
#error "HAR_STREAM_SAMPLES: a frame holds at least one sample, and at most 39 of three channels or 19 of six"
#endif
#endif

/* Writing and reading bodies: little-endian, at any address. */
static uint8_t *har_write(uint8_t *at, uint32_t value, uint8_t bytes)
{
    for (; bytes > 0; bytes--, value >>= 8)
        *at++ = (uint8_t)value;
    return at;
}

/* Read 16 bits. */
static uint16_t har_read16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (uint16_t)(at[1] << 8));
}

/* Send what was written into the body, up to ``end``. */
static void har_send_body(har_device *device, const uint8_t *end)
{
    har_send(device->body, (uint8_t)(end - device->body), har_board_put);
}

/* Send ERROR in answer to a message of a type. */
static void har_send_error(har_device *device, uint8_t code, uint8_t type)
{
    uint8_t *at = device->body;
    *at++ = HAR_ERROR;
    at = har_write(at, code, 2);
    *at++ = type;
    har_send_body(device, at);
}

/* Send HELLO: the constant identity, with the numbers that change in their places. */
static void har_send_hello(har_device *device)
{
    HAR_COPY(device->body, har_identity, HAR_IDENTITY_BYTES);
    har_write(device->body + 3, device->boot_id, 2);
#if HAR_DEVICE_SENSES
    if (device->streaming)
        device->body[5] |= HAR_STREAMS;
    har_write(device->body + 22, device->dropped, 4);
    device->heard_us = har_board_micros();
#endif
    har_send_body(device, device->body + HAR_IDENTITY_BYTES);
}

/* Send STATS. */
static void har_send_stats(har_device *device)
{
    uint32_t counts[5] = {0};
    uint8_t *at = device->body;
    uint8_t k;
#if HAR_DEVICE_SENSES
    counts[0] = device->sequence;
    counts[2] = device->dropped;
#endif
    counts[1] = har_board_micros();
    counts[3] = device->frames;
    counts[4] = device->damaged;
    *at++ = HAR_STATS;
    at = har_write(at, device->boot_id, 2);
    for (k = 0; k < 5; k++)
        at = har_write(at, counts[k], 4);
    har_send_body(device, at);
}

/* Finish the window and send its RESULT. */
static void har_send_result(har_device *device)
{
    har_probability probabilities[HAR_MODEL_CLASSES];
    uint8_t *at = device->body;
    uint8_t k;
    const uint32_t began = har_board_ticks();
    har_finish(&device->engine, probabilities);
    *at++ = HAR_RESULT;
    at = har_write(at, device->window_id, 2);
    *at++ = HAR_NUMBERS_CODE;
    at = har_write(at, ~device->window_crc, 4);
    at = har_write(at, device->duration + (har_board_ticks() - began), 4);
    *at++ = har_board_tick_unit();
    *at++ = HAR_MODEL_CLASSES;
    for (k = 0; k < HAR_MODEL_CLASSES; k++) {
#ifdef HAR_FLOAT
        memcpy(at, probabilities + k, 4);
        at += 4;
#else
        at = har_write(at, probabilities[k], 2);
#endif
    }
    har_send_body(device, at);
}

/* Send the RESULT of a window that is complete, or else which sample is wanted next. */
static void har_send_next(har_device *device)
{
    uint8_t *at = device->body;
    if (device->next == HAR_MODEL_WINDOW) {
        har_send_result(device);
        return;
    }
    *at++ = HAR_ACK;
    *at++ = HAR_INFER;
    at = har_write(at, device->window_id, 2);
    at = har_write(at, device->next, 4);
    har_send_body(device, at);
}

/* Step through the samples of a chunk. */
static void har_step_through(har_device *device, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        har_sample sample[HAR_MODEL_CHANNELS];
        const uint8_t *byte = at;
        uint32_t began;
        for (; byte < at + sizeof sample; byte++)
            device->window_crc = har_crc32_add(device->window_crc, *byte);
        memcpy(sample, at, sizeof sample);
        at = byte;
        began = har_board_ticks();
        har_step(&device->engine, sample);
        device->duration += har_board_ticks() - began;
        device->next++;
    }
}

/* Take a chunk of a window; what to do with it is the table of docs/protocol.md. */
static void har_infer(har_device *device, uint8_t length)
{
    const uint8_t *samples = device->body + HAR_INFER_HEAD;
    const uint16_t id = har_read16(device->body + 1), first = har_read16(device->body + 4);
    const uint8_t bytes = (uint8_t)(length - HAR_INFER_HEAD), count = (uint8_t)(bytes / (HAR_MODEL_CHANNELS * sizeof(har_sample)));
    const uint8_t known = device->begun && id == device->window_id;
    if (length < HAR_INFER_HEAD || count == 0 || bytes % (HAR_MODEL_CHANNELS * sizeof(har_sample)) != 0) {
        har_send_error(device, HAR_BAD_LENGTH, HAR_INFER);
        return;
    }
    if (device->body[3] != HAR_NUMBERS_CODE || first > HAR_MODEL_WINDOW || count > HAR_MODEL_WINDOW - first) {
        har_send_error(device, HAR_BAD_VALUE, HAR_INFER);
        return;
    }
    if (first == 0 && !known) {
        har_reset(&device->engine);
        device->window_id = id;
        device->next = 0;
        device->begun = 1;
        device->window_crc = 0xFFFFFFFFul;
        device->duration = 0;
    }
    if (device->begun && id == device->window_id && first == device->next) {
        har_step_through(device, samples, samples + bytes);
    } else if (!known || first + count > device->next) {
        har_send_error(device, HAR_OUT_OF_ORDER, HAR_INFER);
        return;
    }
    har_send_next(device);
}

#if HAR_DEVICE_SENSES
/* Send the samples that wait for their frame to be full. */
static void har_flush(har_device *device)
{
    uint8_t *at = device->samples;
    if (device->held == 0)
        return;
    har_write(har_write(at + 1, device->boot_id, 2), device->sequence - device->held, 4);
    har_write(at + 11, device->dropped, 2);
    at[0] = HAR_SAMPLES;
    har_send(at, (uint8_t)(HAR_STREAM_HEAD + HAR_SAMPLE_BYTES * device->held), har_board_put);
    device->held = 0;
}

/* Say HELLO after two seconds without a word, unless the buffer that it needs holds the beginning of a frame. */
static void har_greet_if_idle(har_device *device)
{
    const uint32_t now_us = har_board_micros();
    const har_receiver *receiver = &device->receiver;
    if (now_us - device->heard_us >= HAR_IDLE_US && (!receiver->begun || now_us - receiver->last_us > HAR_PAUSE_US))
        har_send_hello(device);
}

void har_device_sense(har_device *device, const int16_t counts[HAR_MODEL_CHANNELS], uint32_t taken_us)
{
    uint8_t *at = device->samples + HAR_STREAM_HEAD + HAR_SAMPLE_BYTES * device->held;
    uint8_t channel;
    device->sequence++;
    if (!device->streaming) {
        har_greet_if_idle(device);
        return;
    }
    if (device->held == 0)
        har_write(device->samples + 7, taken_us, 4);
    for (channel = 0; channel < HAR_MODEL_CHANNELS; channel++)
        at = har_write(at, (uint16_t)counts[channel], 2);
    if (++device->held == device->per_frame)
        har_flush(device);
}

void har_device_miss(har_device *device, uint16_t samples)
{
    har_flush(device);
    device->sequence += samples;
    device->dropped += samples;
}

void har_device_log(har_device *device, uint8_t level, const char *text)
{
    uint8_t *const head = device->samples, *const end = head + sizeof device->samples - HAR_CRC_BYTES;
    uint8_t *at = head;
    har_flush(device);
    *at++ = HAR_LOG;
    *at++ = level;
    while (*text && at < end)
        *at++ = (uint8_t)*text++;
    har_send(head, (uint8_t)(at - head), har_board_put);
}

uint8_t har_device_streams(const har_device *device)
{
    return device->streaming;
}

void har_device_label(har_device *device, int16_t label, uint16_t probability)
{
    uint8_t *const head = device->samples;
    uint8_t *at = head;
    har_flush(device);
    memset(head, 0, HAR_RESULT_HEAD);
    *at = HAR_RESULT;
    har_write(at + 4, device->sequence, 4);
    at[12] = har_board_tick_unit();
    at[HAR_RESULT_HEAD] = label < 0 ? HAR_NO_LABEL : (uint8_t)label;
    at = har_write(at + HAR_RESULT_HEAD + 1, probability, 2);
    har_send(head, (uint8_t)(at - head), har_board_put);
}

/* START: send samples, if the rate and the frame are possible. */
static void har_start_stream(har_device *device)
{
    const uint8_t per_frame = device->body[5];
    uint32_t rate = 0;
    uint8_t k;
    for (k = 4; k > 0; k--)
        rate = rate << 8 | device->body[k];
    if ((rate != 0 && rate != HAR_RATE_MHZ) || per_frame > HAR_STREAM_SAMPLES) {
        har_send_error(device, HAR_BAD_VALUE, HAR_START);
        return;
    }
    device->per_frame = per_frame ? per_frame : HAR_STREAM_SAMPLES;
    device->streaming = 1;
}

/* STOP: send what is left, then STATS. */
static void har_stop_stream(har_device *device)
{
    har_flush(device);
    device->streaming = 0;
    har_send_stats(device);
}
#endif

/* Lengths of the messages a host sends, INFER aside; 0 for types that are not known. */
static uint8_t har_length_of(uint8_t type)
{
    switch (type) {
    case HAR_WHO:
        return 3;
#if HAR_DEVICE_SENSES
    case HAR_START:
        return 6;
    case HAR_STOP:
#endif
    case HAR_ASK:
        return 1;
    default:
        return 0;
    }
}

/* Do what a whole frame asks for, or say why not. */
static void har_answer(har_device *device, uint8_t length)
{
    const uint8_t type = device->body[0];
    if (type == HAR_INFER) {
        har_infer(device, length);
    } else if (har_length_of(type) == 0) {
        har_send_error(device, HAR_UNKNOWN_TYPE, type);
    } else if (length != har_length_of(type)) {
        har_send_error(device, HAR_BAD_LENGTH, type);
    } else if (type == HAR_WHO) {
        device->begun = 0;
        har_send_hello(device);
#if HAR_DEVICE_SENSES
    } else if (type == HAR_START) {
        har_start_stream(device);
    } else if (type == HAR_STOP) {
        har_stop_stream(device);
#endif
    } else {
        har_send_stats(device);
    }
}

void har_device_open(har_device *device, const har_engine *engine, uint16_t boot_id)
{
    memset(device, 0, sizeof *device);
    har_receive_into(&device->receiver, device->body, sizeof device->body);
    device->engine = *engine;
    device->boot_id = boot_id;
    har_send_hello(device);
}

void har_device_receive(har_device *device, uint8_t byte)
{
    switch (har_receive(&device->receiver, byte, har_board_micros())) {
    case HAR_FRAME:
        device->frames++;
#if HAR_DEVICE_SENSES
        device->heard_us = har_board_micros();
#endif
        har_answer(device, device->receiver.length);
        break;
    case HAR_DAMAGE:
        device->damaged++;
        break;
    default:
        break;
    }
}
