// Streams an accelerometer's samples in frames (docs/protocol.md), classifies them on the board, and answers what the
// bridge asks. Made by `har firmware --board arduino`; the sensor and the model are in src/har_identity.h.
#include <EdgeHAR.h>
#include <Wire.h>

// Samples from one window to the next. Less than a window needs an engine more for every part of it: memory for its
// values, and time for a step of each within one sample.
#define HOP HAR_MODEL_WINDOW
#define PHASES ((HAR_MODEL_WINDOW + HOP - 1) / HOP)

static const har_sensor *const sensor = &HAR_SENSOR;
static uint8_t address;
static uint32_t taken_us;

static har_sum asked_sums[HAR_MODEL_SUMS];
static har_value asked_values[HAR_MODEL_VALUES];
static har_engine asked; // for windows that the bridge sends
static har_device device;

#if HAR_CLASSIFIES
static har_sum live_sums[HAR_MODEL_SCRATCH_SUMS + PHASES * HAR_MODEL_KEPT_SUMS];
static har_value live_values[PHASES * HAR_MODEL_VALUES];
static har_engine live_engines[PHASES];
static har_slide live;
static har_rate rate;
#endif

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

static uint8_t bus_write(uint8_t to, uint8_t reg, uint8_t value)
{
    Wire.beginTransmission(to);
    Wire.write(reg);
    Wire.write(value);
    return Wire.endTransmission();
}

static uint8_t bus_read(uint8_t from, uint8_t reg, uint8_t *bytes, uint8_t count)
{
    Wire.beginTransmission(from);
    Wire.write(reg);
    if (Wire.endTransmission(false) != 0 || Wire.requestFrom(from, count) != count)
        return 1;
    while (count-- > 0)
        *bytes++ = (uint8_t)Wire.read();
    return 0;
}

static void bus_wait(uint16_t milliseconds)
{
    delay(milliseconds);
}

static const har_bus bus = {bus_write, bus_read, bus_wait};

// Nothing can be sensed: say so every second, to whoever listens.
static void complain(const char *sentence)
{
    static uint32_t said_ms;
    if (millis() - said_ms >= 1000) {
        said_ms = millis();
        har_device_log(&device, 4, sentence);
    }
}

static bool start_sensor(void)
{
    switch (har_sensor_start(sensor, &bus, &address)) {
    case HAR_SENSOR_OK:
        taken_us = micros();
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

#if HAR_CLASSIFIES
static void say_label(const har_engine *engine)
{
    har_probability probabilities[HAR_MODEL_CLASSES];
    char text[48];
    uint8_t best = 0, k, length;
    har_finish(engine, probabilities);
    for (k = 1; k < HAR_MODEL_CLASSES; k++)
        best = probabilities[k] > probabilities[best] ? k : best;
    const uint8_t percent = (uint8_t)(100.0f * probabilities[best] / HAR_ONE);
    length = har_label(best, text, sizeof text - 6);
    text[length] = ' ';
    itoa(percent, text + length + 1, 10);
    strcat(text, " %");
    har_device_log(&device, 2, text);
}

static void classify(const int16_t counts[3])
{
    int16_t values[3] = {counts[0], counts[1], counts[2]};
    har_sample sample[3];
    const har_engine *complete;
    if (!har_rate_convert(&rate, values))
        return;
    for (uint8_t axis = 0; axis < 3; axis++) {
#ifdef HAR_FLOAT
        sample[axis] = values[axis] / sensor->counts_per_g;
#else
        sample[axis] = har_sensor_to_model(sensor, values[axis]);
#endif
    }
    if (har_slide_step(&live, sample, &complete) == HAR_OK && complete)
        say_label(complete);
}

static void forget(void)
{
    har_rate_open(&rate, sensor->samples_per_hundred_s, HAR_MODEL_RATE_HUNDRED_S);
    har_slide_reset(&live);
}
#endif

// What the sensor took and nobody fetched, told by the clock: sensors keep the last sample only.
static void count_missed(uint32_t now_us)
{
    const uint32_t period_us = 100000000ul / sensor->samples_per_hundred_s;
    const uint32_t passed = (now_us - taken_us + period_us / 2) / period_us;
    if (passed > 1) {
        har_device_miss(&device, (uint16_t)(passed - 1));
#if HAR_CLASSIFIES
        forget(); // no window spans a gap
#endif
    }
    taken_us = now_us;
}

static bool take_sample(void)
{
    int16_t counts[3];
    uint8_t ready;
    if (har_sensor_poll(sensor, &bus, address, &ready) != HAR_SENSOR_OK)
        return false;
    if (!ready)
        return true;
    const uint32_t now_us = micros();
    if (har_sensor_read(sensor, &bus, address, counts) != HAR_SENSOR_OK)
        return false;
    count_missed(now_us);
    har_device_sense(&device, counts, now_us);
#if HAR_CLASSIFIES
    classify(counts);
#endif
    return true;
}

void setup()
{
    Serial.begin(115200);
    Wire.begin();
    Wire.setClock(400000);
    har_open(&asked, &har_model_tables, asked_sums, HAR_MODEL_SUMS, asked_values, HAR_MODEL_VALUES);
#if HAR_CLASSIFIES
    har_slide_open(&live, &har_model_tables, live_engines, PHASES, HOP, live_sums, sizeof live_sums / sizeof *live_sums,
                   live_values, sizeof live_values / sizeof *live_values);
    forget();
#endif
    // An analog input that nothing is connected to is noise enough to tell one start from another.
    har_device_open(&device, &asked, (uint16_t)(analogRead(A0) << 8 ^ analogRead(A1) << 4 ^ micros()));
}

void loop()
{
    static bool senses = false;
    while (Serial.available() > 0)
        har_device_receive(&device, (uint8_t)Serial.read());
    if (!senses)
        senses = start_sensor();
    else
        senses = take_sample();
}
