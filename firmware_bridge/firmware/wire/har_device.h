/* A device that speaks docs/protocol.md: says what it is, classifies the windows it is sent, streams a sensor's samples.
 *
 * A board brings the three functions of har_board.h, a main loop that hands over bytes and samples, and a har_identity
 * that `har firmware` generates. Nothing is allocated; everything a device remembers is in its har_device. */
#ifndef HAR_DEVICE_H
#define HAR_DEVICE_H

#include "har.h"
#include "har_frame.h"
#include "har_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HAR_STREAM_HEAD 13
/* Of a sample in counts: two for every channel. */
#define HAR_SAMPLE_BYTES (2 * HAR_MODEL_CHANNELS)

typedef struct har_device {
    har_receiver receiver;
    har_engine engine;
    uint32_t frames;
    uint32_t damaged;
    uint16_t boot_id;

    /* the window that is being classified */
    uint16_t window_id;
    uint16_t next; /* sample wanted next; the model's window when the result is ready */
    uint8_t begun;
    uint32_t window_crc;
    uint32_t duration;

#if HAR_DEVICE_SENSES
    /* the stream */
    uint8_t streaming;
    uint8_t per_frame;
    uint8_t held; /* samples waiting for their frame */
    uint32_t sequence;
    uint32_t dropped;
    uint32_t heard_us; /* when it last said HELLO or heard a frame */
    uint8_t samples[HAR_STREAM_HEAD + HAR_SAMPLE_BYTES * HAR_STREAM_SAMPLES + HAR_CRC_BYTES];
#endif
    uint8_t body[HAR_LONGEST_BODY + HAR_CRC_BYTES];
} har_device;

/* Begin, with an engine that is open, and say hello. */
void har_device_open(har_device *device, const har_engine *engine, uint16_t boot_id);

/* Take a byte from the line. When it completes a frame, do what the frame asks for. */
void har_device_receive(har_device *device, uint8_t byte);

#if HAR_DEVICE_SENSES
/* Take a sample in the sensor's counts; send it, with those before it, when a frame is full. A device that does not
 * stream and hears nothing says HELLO every two seconds instead: a host that writes nothing first finds it. */
void har_device_sense(har_device *device, const int16_t counts[HAR_MODEL_CHANNELS], uint32_t taken_us);

/* Count samples that the sensor took and that were not fetched in time. */
void har_device_miss(har_device *device, uint16_t samples);

/* Tell whether a host listens to the stream: it understands labels in frames. */
uint8_t har_device_streams(const har_device *device);

/* Send a label that the device has found in its own samples, as RESULT of window 0; ``label`` counts from 0 and is
 * negative for none, of ``probability`` 32768 is one. */
void har_device_label(har_device *device, int16_t label, uint16_t probability);

/* Send a remark for a person, cut to a frame of samples; level 1 debug, 2 info, 3 warning, 4 error. */
void har_device_log(har_device *device, uint8_t level, const char *text);
#endif

#ifdef __cplusplus
}
#endif

#endif
