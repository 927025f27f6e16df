/* Runs models and windows from stdin through the engine, for machines that have a stdin.
 *
 * In, as often as wanted: u32 bytes of the model, the model, u32 windows, u32 numbers in them, these; u32 0 ends.
 * Out, for each: u32 status, and if it is 0: u32 number of outputs, u32 bytes of one, the outputs. A window is fed twice, the
 * first time after another one was broken off, to show that nothing outlives a reset. */
#include "har_blob.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef LAYERS
#define LAYERS 48
#endif

static void *take(size_t bytes)
{
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (!memory || fread(memory, 1, bytes, stdin) != bytes)
        exit(2);
    return memory;
}

static uint32_t take_number(void)
{
    uint32_t *memory = take(sizeof *memory), number = *memory;
    free(memory);
    return number;
}

static void give_number(uint32_t number)
{
    fwrite(&number, sizeof number, 1, stdout);
}

static int gives_numbers(const har_model *model)
{
    return model->head == HAR_LINEAR_HEAD;
}

static har_status finish(const har_engine *engine, void *outputs)
{
    if (engine->model->needs_whole_windows && engine->steps < engine->model->window) {
        if (har_finish(engine, outputs) != HAR_WINDOW_EMPTY || har_finish_numbers(engine, outputs) != HAR_WINDOW_EMPTY)
            exit(5);
        return HAR_OK;
    }
    if (!gives_numbers(engine->model))
        return har_finish(engine, outputs);
    if (har_finish(engine, outputs) != HAR_OTHER_HEAD)
        exit(4);
    return har_finish_numbers(engine, outputs);
}

static har_status run(har_engine *engine, const har_sample *window, uint16_t steps, void *outputs)
{
    const har_model *model = engine->model;
    har_status status = har_reset(engine);
    uint16_t step;
    for (step = 0; step < steps && status == HAR_OK; step++)
        status = har_step(engine, window + (size_t)step * model->channels);
    return status == HAR_OK ? finish(engine, outputs) : status;
}

static void run_all(const har_model *model, const har_sample *windows, uint32_t count)
{
    /* Exactly what the model asks for, so that a sanitizer sees the first byte beyond. */
    const size_t sum_count = (size_t)model->scratch_sums + model->kept_sums;
    har_sum *sums = malloc(sum_count * sizeof *sums);
    har_value *values = malloc(model->kept_values * sizeof *values);
    const size_t size = gives_numbers(model) ? sizeof(har_number) : sizeof(har_probability);
    void *outputs = malloc(model->classes * size);
    har_engine engine;
    har_status status = HAR_SMALL_MEMORY;
    if (sums && values && outputs)
        status = har_open(&engine, model, sums, sum_count, values, model->kept_values);
    give_number(status);
    if (status == HAR_OK) {
        give_number(count * model->classes);
        give_number((uint32_t)size);
    }
    for (; status == HAR_OK && count > 0; count--, windows += (size_t)model->window * model->channels) {
        run(&engine, windows, (uint16_t)(model->window / 2 + 1), outputs);
        status = run(&engine, windows, model->window, outputs);
        if (status == HAR_OK && har_step(&engine, windows) != HAR_WINDOW_FULL)
            exit(3);
        fwrite(outputs, size, model->classes, stdout);
    }
    free(sums);
    free(values);
    free(outputs);
}

int main(void)
{
    uint32_t bytes;
    while ((bytes = take_number()) > 0) {
        void *blob = take(bytes);
        const uint32_t count = take_number(), samples = take_number();
        har_sample *windows = take(samples * sizeof *windows);
        har_layer layers[LAYERS];
        har_model model;
        const har_status status = har_load(&model, layers, LAYERS, blob, bytes);
        if (status == HAR_OK && (size_t)count * model.window * model.channels == samples)
            run_all(&model, windows, count);
        else
            give_number(status == HAR_OK ? 100 : status);
        free(windows);
        free(blob);
    }
    return 0;
}
