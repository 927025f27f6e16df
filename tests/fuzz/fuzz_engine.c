/* libFuzzer: any bytes as a model blob, and what is taken as a model is run. tools/fuzz_c_engine.sh builds it, with
 * HAR_FLOAT or without, and with FUZZ_NATIVE for the forms of the engine that a desktop uses. */
#include "har_blob.h"

#include <stdlib.h>
#include <string.h>

#define MOST_LAYERS 255
#define MOST_STEPS 6
#define MOST_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t crc32_of(const uint8_t *at, size_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (; count > 0; count--) {
        int bit;
        crc ^= *at++;
        for (bit = 0; bit < 8; bit++)
            crc = crc & 1u ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

static void put32(uint8_t *at, uint32_t value)
{
    int byte;
    for (byte = 0; byte < 4; byte++, value >>= 8)
        at[byte] = (uint8_t)value;
}

/* Mark, length and checksum right, so that what is behind them is looked at; exactly as many bytes as the blob has. */
static uint8_t *seal(const uint8_t *data, size_t size)
{
    uint8_t *blob = malloc(size);
    if (!blob)
        abort();
    memcpy(blob, data, size);
    memcpy(blob, "HARC", 4);
    put32(blob + 8, (uint32_t)size);
    put32(blob + 4, crc32_of(blob + 8, size - 8));
    return blob;
}

/* Samples of all sizes: silence, the least and the most there are. */
static void fill(har_sample *samples, size_t count, unsigned seed)
{
    size_t k;
    for (k = 0; k < count; k++) {
        seed = seed * 1103515245u + 12345u;
#ifdef HAR_FLOAT
        samples[k] = seed & 0x10000u ? (har_sample)((int)(seed >> 20) - 2048) : 3.0e38f;
#else
        samples[k] = (har_sample)(seed & 0x10000u ? (int)(seed >> 16) - 32768 : (seed & 0x20000u ? 32767 : -32768));
#endif
    }
}

#ifdef FUZZ_NATIVE
#include "har_native.h"

static void run(const uint8_t *blob, size_t size)
{
    static har_native native;
    if (har_native_open(&native, blob, size) == HAR_OK) {
        /* More windows than a vector has lanes, at least one alone. */
        const size_t numbers = (size_t)native.model.window * native.model.channels, count = 19;
        const size_t memory_bytes = (har_native_memory(&native) + 63u) / 64u * 64u;
        har_sample *windows = malloc(count * numbers * sizeof *windows);
        har_number *found = malloc(count * native.model.classes * sizeof *found);
        void *memory = aligned_alloc(64, memory_bytes > 0 ? memory_bytes : 64);
        if (!windows || !found || !memory)
            abort();
        memset(memory, 0, memory_bytes);
        fill(windows, count * numbers, (unsigned)size);
        if (native.model.window <= MOST_STEPS) {
            if (har_native_predict(&native, memory, windows, count, found) != HAR_OK)
                abort();
            if (har_native_predict(&native, memory, windows, 1, found) != HAR_OK)
                abort();
        }
        free(windows);
        free(found);
        free(memory);
    }
}
#else
static void walk(har_engine *engine, const har_model *model, const har_sample *samples, har_number *found)
{
    uint16_t step;
    for (step = 0; step < MOST_STEPS && step < model->window; step++)
        if (har_step(engine, samples + (size_t)step * model->channels) != HAR_OK)
            abort();
    if (model->needs_whole_windows && step < model->window) {
        if (har_finish_numbers(engine, found) != HAR_WINDOW_EMPTY)
            abort();
        return;
    }
    if (har_finish(engine, (har_probability *)(void *)found) != (model->head == HAR_LINEAR_HEAD ? HAR_OTHER_HEAD : HAR_OK))
        abort();
    if (model->head == HAR_LINEAR_HEAD && har_finish_numbers(engine, found) != HAR_OK)
        abort();
}

static void run(const uint8_t *blob, size_t size)
{
    static har_layer layers[MOST_LAYERS];
    har_model model;
    if (har_load(&model, layers, MOST_LAYERS, blob, size) == HAR_OK) {
        /* Exactly what the model asks for, so that the first byte beyond is seen. */
        const size_t sum_count = (size_t)model.scratch_sums + model.kept_sums;
        har_sum *sums = malloc(sum_count * sizeof *sums);
        har_value *values = malloc(model.kept_values * sizeof *values);
        har_sample *samples = malloc((size_t)MOST_STEPS * model.channels * sizeof *samples);
        har_number *first = calloc(model.classes, sizeof *first), *again = calloc(model.classes, sizeof *again);
        har_engine engine;
        if (!sums || !values || !samples || !first || !again)
            abort();
        fill(samples, (size_t)MOST_STEPS * model.channels, (unsigned)size);
        if (har_open(&engine, &model, sums, sum_count, values, model.kept_values) != HAR_OK)
            abort();
        walk(&engine, &model, samples, first);
        if (har_reset(&engine) != HAR_OK)
            abort();
        walk(&engine, &model, samples, again);
        if (memcmp(first, again, model.classes * sizeof *first) != 0)
            abort(); /* something outlived the reset */
        free(sums);
        free(values);
        free(samples);
        free(first);
        free(again);
    }
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *blob;
    if (size < 12 || size > MOST_BYTES)
        return -1;
    blob = seal(data, size);
    run(blob, size);
    free(blob);
    return 0;
}
