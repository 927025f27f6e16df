/* Everything a sketch needs: a sensor's samples in frames (docs/protocol.md), the labels that the board finds
 * itself, and the answers to what the bridge asks. Include it in one file only, the sketch.
 *
 *     #define HAR_HOP 100 // samples from one window to the next; without it, the length of a window
 *     #include <EdgeHAR.h>
 *
 *     void said(const char *label, uint8_t percent) { digitalWrite(LED_BUILTIN, percent >= 80); }
 *     void setup() { HAR.onLabel(said); HAR.begin(); }
 *     void loop() { HAR.update(); }
 *
 * The bundle's decoder makes labels of posteriors: it smooths, holds back, tells elevators apart. HAR_RAW, defined, labels
 * every window alone; HAR_LAG_MS lets a label wait for what comes after its window, where the decoder gains from that.
 *
 * Windows overlap if HAR_HOP is less than the window. Each part of the window that a hop makes needs an engine of its own:
 * memory for its state, and time for a step of each within one sample. A model that was trained to carry its state
 * (har train --streaming) has one engine for any hop: HAR_STREAMING, 1 or 0, decides otherwise than `har firmware` did. */
#ifndef EDGEHAR_H
#define EDGEHAR_H

#include "har.h"
#include "har_board.h"
#include "har_decoding.h"
#include "har_device.h"
#include "har_gyroscope.h"
#include "har_identity.h"
#include "har_model.h"
#include "har_rate.h"
#include "har_sensor.h"
#include "har_slide.h"
#include "har_stream.h"

#if defined(__cplusplus) && defined(ARDUINO)
#include <Arduino.h>
#include <Wire.h>
#include <string.h>

#ifndef HAR_HOP
#define HAR_HOP HAR_MODEL_WINDOW
#endif
#if HAR_HOP < 1 || HAR_HOP > 65535
#error "HAR_HOP: a number of samples, 1 to 65535"
#endif
#ifndef HAR_LAG_MS
#define HAR_LAG_MS 0
#endif
#if HAR_LAG_MS < 0 || HAR_LAG_MS > 10000
#error "HAR_LAG_MS: milliseconds that a label may wait, 0 to 10000"
#endif
#if HAR_DECODES && !defined(HAR_RAW)
#define HAR_DECODING 1
#define HAR_LAG ((1ul * HAR_LAG_MS * HAR_MODEL_RATE_HUNDRED_S + 50000ul * HAR_HOP) / (100000ul * HAR_HOP))
#define HAR_DECODER_FLOATS                                                                                         \
    HAR_DECODER_ROOM(HAR_MODEL_CLASSES, HAR_DECODER_IS_MARKOV, HAR_DECODER_SMOOTHING, HAR_DECODER_HOP, HAR_HOP, HAR_LAG)
#else
#define HAR_DECODING 0
#endif
/* Acceleration, and the turning rate. */
#define HAR_VECTORS (HAR_MODEL_CHANNELS / 3)
#ifndef HAR_STREAMING
#define HAR_STREAMING HAR_CARRIES_STATE
#endif
#if HAR_STREAMING
#define HAR_PHASES 1
#else
#define HAR_PHASES ((HAR_MODEL_WINDOW + HAR_HOP - 1) / HAR_HOP)
#endif
#if HAR_CLASSIFIES && HAR_STEP_US * HAR_PHASES >= 1000000000ul / HAR_RATE_MHZ
#error "HAR_HOP: this board is too slow for so many windows at a time, take a larger hop or a smaller model"
#endif

/* The bus: register by register, 0 for success. */
static uint8_t har_wire_write(uint8_t to, uint8_t reg, uint8_t value)
{
    Wire.beginTransmission(to);
    Wire.write(reg);
    Wire.write(value);
    return Wire.endTransmission();
}

/* Read ``count`` registers from ``reg`` on. */
static uint8_t har_wire_read(uint8_t from, uint8_t reg, uint8_t *bytes, uint8_t count)
{
    Wire.beginTransmission(from);
    Wire.write(reg);
    if (Wire.endTransmission(false) != 0 || Wire.requestFrom(from, count) != count)
        return 1;
    while (count-- > 0)
        *bytes++ = (uint8_t)Wire.read();
    return 0;
}

/* Wait for the sensor. */
static void har_wire_wait(uint16_t milliseconds)
{
    delay(milliseconds);
}

static const har_bus har_wire_bus = {har_wire_write, har_wire_read, har_wire_wait};

/* Set the sensor up, ask it for a sample, and read one: of the accelerometer, or of the gyroscope beside it as well. */
static har_sensor_status har_begin_sensing(uint8_t *address)
{
#ifdef HAR_GYROSCOPE
    return har_motion_start(&HAR_SENSOR, &HAR_GYROSCOPE, &har_wire_bus, address);
#else
    return har_sensor_start(&HAR_SENSOR, &har_wire_bus, address);
#endif
}

static har_sensor_status har_ask_sensor(uint8_t address, uint8_t *ready)
{
#ifdef HAR_GYROSCOPE
    return har_motion_poll(&HAR_SENSOR, &HAR_GYROSCOPE, &har_wire_bus, address, ready);
#else
    return har_sensor_poll(&HAR_SENSOR, &har_wire_bus, address, ready);
#endif
}

static har_sensor_status har_read_sensor(uint8_t address, int16_t counts[HAR_MODEL_CHANNELS])
{
#ifdef HAR_GYROSCOPE
    return har_motion_read(&HAR_SENSOR, &HAR_GYROSCOPE, &har_wire_bus, address, counts);
#else
    return har_sensor_read(&HAR_SENSOR, &har_wire_bus, address, counts);
#endif
}

extern "C" void har_board_put(uint8_t byte)
{
    Serial.write(byte);
}

extern "C" uint32_t har_board_micros(void)
{
    return micros();
}

extern "C" uint32_t har_board_ticks(void)
{
    return micros();
}

extern "C" uint8_t har_board_tick_unit(void)
{
    return HAR_MICROSECONDS;
}

class EdgeHAR
{
  public:
    typedef void (*LabelHandler)(const char *label, uint8_t percent);

    /* Call ``handler`` with every label the board finds, and how sure the model is of it, in percent. The label is valid
     * during the call. What takes longer than a sample loses samples; they are counted, and no window spans them. */
    void onLabel(LabelHandler handler)
    {
        handler_ = handler;
    }

    /* Start the line, the bus and the engines. */
    void begin(unsigned long baud = 115200)
    {
        static har_engine asked; // for windows that the bridge sends
        static har_sum sums[HAR_MODEL_SUMS];
        static har_value values[HAR_MODEL_VALUES];
        Serial.begin(baud);
        Wire.begin();
        Wire.setClock(400000);
        har_open(&asked, &har_model_tables, sums, HAR_MODEL_SUMS, values, HAR_MODEL_VALUES);
        begin_live();
        // An analog input that nothing is connected to is noise enough to tell one start from another. A0 is on every board.
        uint16_t boot_id = (uint16_t)micros();
        for (uint8_t k = 0; k < 8; k++)
            boot_id = (uint16_t)(boot_id << 3 ^ boot_id >> 13 ^ analogRead(A0));
        har_device_open(&device_, &asked, boot_id);
    }

    /* Answer the line and take a sample if there is one; to be called as often as can be. */
    void update()
    {
        while (Serial.available() > 0)
            har_device_receive(&device_, (uint8_t)Serial.read());
        senses_ = senses_ ? take_sample() : start_sensor();
    }

    /* Send a remark for a person. Serial.print would damage the frames. */
    void say(const char *text)
    {
        har_device_log(&device_, 2, text);
    }

  private:
    bool start_sensor()
    {
        switch (har_begin_sensing(&address_)) {
        case HAR_SENSOR_OK:
            taken_us_ = micros();
            return true;
        case HAR_SENSOR_ABSENT:
            complain("no sensor answers: check its wires and power");
            return false;
        case HAR_SENSOR_OTHER:
            complain("another sensor is there: build with its --sensor");
            return false;
        default:
            complain("the sensor has stopped answering");
            return false;
        }
    }

    /* Send a remark once a second while there is no sensor. */
    void complain(const char *sentence)
    {
        if (millis() - said_ms_ >= 1000) {
            said_ms_ = millis();
            har_device_log(&device_, 4, sentence);
        }
    }

    bool take_sample()
    {
        int16_t counts[HAR_MODEL_CHANNELS];
        uint8_t ready;
        if (har_ask_sensor(address_, &ready) != HAR_SENSOR_OK)
            return false;
        if (!ready)
            return true;
        const uint32_t now_us = micros();
        if (har_read_sensor(address_, counts) != HAR_SENSOR_OK)
            return false;
        count_missed(now_us);
        har_device_sense(&device_, counts, now_us);
        classify(counts);
        return true;
    }

    /* Count the samples that were not fetched in time, by the clock: sensors keep only the last one. */
    void count_missed(uint32_t now_us)
    {
        const uint32_t period_us = 100000000ul / HAR_SENSOR.samples_per_hundred_s;
        const uint32_t passed = (now_us - taken_us_ + period_us / 2) / period_us;
        if (passed > 1) {
            har_device_miss(&device_, (uint16_t)(passed - 1));
            forget(); // no window spans a gap
        }
        taken_us_ = now_us;
    }

#if HAR_CLASSIFIES
    void begin_live()
    {
        static har_engine engines[HAR_PHASES];
        static har_sum sums[HAR_MODEL_SCRATCH_SUMS + HAR_PHASES * HAR_MODEL_KEPT_SUMS];
        static har_value values[HAR_PHASES * HAR_MODEL_VALUES];
#if HAR_STREAMING
        live_ = engines;
        har_open(live_, &har_model_tables, sums, sizeof sums / sizeof *sums, values, sizeof values / sizeof *values);
#else
        har_slide_open(&live_, &har_model_tables, engines, HAR_PHASES, HAR_HOP, sums, sizeof sums / sizeof *sums, values,
                       sizeof values / sizeof *values);
#endif
#if HAR_DECODING
        static float remembered[HAR_DECODER_FLOATS];
        har_decoder_open(&decoder_, &har_decoding, HAR_HOP, HAR_LAG, remembered, HAR_DECODER_FLOATS);
#endif
        forget();
    }

    void forget()
    {
        for (uint8_t k = 0; k < HAR_VECTORS; k++)
            har_rate_open(rate_ + k, HAR_SENSOR.samples_per_hundred_s, HAR_MODEL_RATE_HUNDRED_S);
#if HAR_STREAMING
        har_reset(live_);
        until_ = HAR_MODEL_WINDOW;
#else
        har_slide_reset(&live_);
#endif
#if HAR_DECODING
        float row[HAR_MODEL_CLASSES];
        har_decoded decoded;
        while (har_decoder_finish(&decoder_, row, &decoded))
            say_label(decoded.label, decoded.probability); // those that still wait for their lag
#endif
    }

    void classify(const int16_t counts[HAR_MODEL_CHANNELS])
    {
        int16_t values[HAR_MODEL_CHANNELS];
        har_sample sample[HAR_MODEL_CHANNELS];
        bool due = true;
        memcpy(values, counts, sizeof values);
        for (uint8_t k = 0; k < HAR_VECTORS; k++) // all of them are due at the same samples
            due = har_rate_convert(rate_ + k, values + 3 * k) && due;
        if (!due)
            return;
        for (uint8_t axis = 0; axis < 3; axis++) {
#ifdef HAR_FLOAT
            sample[axis] = values[axis] / HAR_SENSOR.counts_per_g;
#else
            sample[axis] = har_sensor_to_model(values[axis], HAR_ACCELERATION_MULTIPLIER, HAR_ACCELERATION_SHIFT);
#endif
        }
#ifdef HAR_GYROSCOPE
        for (uint8_t axis = 3; axis < 6; axis++) {
#ifdef HAR_FLOAT
            sample[axis] = values[axis] / HAR_GYROSCOPE.counts_per_deg_s;
#else
            sample[axis] = har_sensor_to_model(values[axis], HAR_TURNING_MULTIPLIER, HAR_TURNING_SHIFT);
#endif
        }
#endif
#if HAR_DECODING
#ifdef HAR_FLOAT
        direction_ = har_decoder_watch(&decoder_, sample);
#else
        const float sample_g[3] = {sample[0] / HAR_SAMPLE_ONE, sample[1] / HAR_SAMPLE_ONE, sample[2] / HAR_SAMPLE_ONE};
        direction_ = har_decoder_watch(&decoder_, sample_g);
#endif
#endif
#if HAR_STREAMING
        if (har_stream_step(live_, sample) == HAR_OK && --until_ == 0) {
            until_ = HAR_HOP;
            decode(live_);
        }
#else
        const har_engine *complete;
        if (har_slide_step(&live_, sample, &complete) == HAR_OK && complete)
            decode(complete);
#endif
    }

    void decode(const har_engine *engine)
    {
        har_probability probabilities[HAR_MODEL_CLASSES];
        uint8_t k;
        har_finish(engine, probabilities);
#if HAR_DECODING
        float row[HAR_MODEL_CLASSES];
        har_decoded decoded;
        for (k = 0; k < HAR_MODEL_CLASSES; k++)
            row[k] = (float)probabilities[k] / HAR_ONE;
        if (har_decoder_feed(&decoder_, row, direction_, &decoded))
            say_label(decoded.label, decoded.probability);
#else
        uint8_t best = 0;
        for (k = 1; k < HAR_MODEL_CLASSES; k++)
            best = probabilities[k] > probabilities[best] ? k : best;
        say_label(best, (float)probabilities[best] / HAR_ONE);
#endif
    }

    /* Tell the sketch; then the host that listens, or else a person at the serial monitor. */
    void say_label(int16_t label, float probability)
    {
        char text[48];
        const uint8_t percent = (uint8_t)(100.0f * probability);
        uint8_t length;
        if (label < 0) {
            strcpy(text, "unknown");
            length = 7;
        } else {
            length = har_label((uint8_t)label, text, sizeof text - 6);
        }
        if (handler_)
            handler_(text, percent);
        if (har_device_streams(&device_)) {
            har_device_label(&device_, label, (uint16_t)(32768.0f * probability));
            return;
        }
        write_percent(text + length, percent);
        say(text);
    }

    /* " 97 %" and a zero, in six bytes at most. */
    static void write_percent(char *text, uint8_t percent)
    {
        *text++ = ' ';
        if (percent >= 100)
            *text++ = (char)('0' + percent / 100);
        if (percent >= 10)
            *text++ = (char)('0' + percent / 10 % 10);
        *text++ = (char)('0' + percent % 10);
        strcpy(text, " %");
    }

#if HAR_STREAMING
    har_engine *live_;
    uint16_t until_; // samples to the next label
#else
    har_slide live_;
#endif
    har_rate rate_[HAR_VECTORS];
#if HAR_DECODING
    har_decoder decoder_;
    int8_t direction_;
#endif
#else
    /* The board does not keep up with its sensor: it streams, and a host classifies. */
    void begin_live() {}
    void forget() {}
    void classify(const int16_t *) {}
#endif

    har_device device_;
    LabelHandler handler_;
    uint32_t taken_us_;
    uint32_t said_ms_;
    uint8_t address_;
    bool senses_;
};

static EdgeHAR HAR;

#endif

#endif
