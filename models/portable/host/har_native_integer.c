/* The engine as it runs on a microcontroller, over one window after another: of integers, and of floats in a page. */
#include "har_native.h"

size_t har_native_size(void)
{
    return sizeof(har_native);
}

har_status har_native_open(har_native *native, const void *blob, size_t bytes)
{
    return native ? har_load(&native->model, native->layers, HAR_NATIVE_LAYERS, blob, bytes) : HAR_BAD_ARGUMENT;
}

/* Sums that an engine asks for. */
static size_t har_sum_count(const har_model *model)
{
    return (size_t)model->scratch_sums + model->kept_sums;
}

size_t har_native_memory(const har_native *native)
{
    return har_sum_count(&native->model) * sizeof(har_sum) + native->model.kept_values * sizeof(har_value);
}

har_status har_native_predict(const har_native *native, void *memory, const har_sample *windows, size_t count,
                              void *outputs)
{
    har_probability *probabilities = outputs;
    har_number *numbers = outputs;
    const har_model *model = &native->model;
    har_sum *sums = memory;
    har_value *values = (har_value *)(void *)(sums + har_sum_count(model));
    har_engine engine;
    har_status status = har_open(&engine, model, sums, har_sum_count(model), values, model->kept_values);
    for (; status == HAR_OK && count > 0; count--, probabilities += model->classes, numbers += model->classes) {
        uint16_t step;
        status = har_reset(&engine);
        for (step = 0; status == HAR_OK && step < model->window; step++, windows += model->channels)
            status = har_step(&engine, windows);
        if (status == HAR_OK)
            status = model->head == HAR_LINEAR_HEAD ? har_finish_numbers(&engine, numbers)
                                                    : har_finish(&engine, probabilities);
    }
    return status;
}
