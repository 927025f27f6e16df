/* Float windows: many at once in the lanes of vectors, the rest one by one, by whatever form of the engine is fastest. */
#include "har_native.h"

#include "har_fast.h"

size_t har_native_size(void)
{
    return sizeof(har_native);
}

har_status har_native_open(har_native *native, const void *blob, size_t bytes)
{
    return native ? har_load(&native->model, native->layers, HAR_NATIVE_LAYERS, blob, bytes) : HAR_BAD_ARGUMENT;
}

size_t har_native_memory(const har_native *native)
{
    const size_t units = har_units_memory(&native->model), windows = har_windows_memory(&native->model);
    return units > windows ? units : windows;
}

har_status har_native_predict(const har_native *native, void *memory, const har_sample *windows, size_t count,
                              void *found)
{
    float *outputs = found;
    const har_model *model = &native->model;
    const size_t window = (size_t)model->window * model->channels;
    /* A few windows are sooner done one by one than in half-empty vectors. */
    const size_t fitting = model->is_masked ? count : har_lane_count() / 2;
    const size_t alone = har_units_fit(model) ? fitting : 0;
    while (count > 0) {
        size_t done = 1;
        har_status status;
        if (count > alone)
            status = har_windows_predict(model, memory, windows, count, outputs, &done);
        else
            status = har_units_predict(model, memory, windows, outputs);
        if (status != HAR_OK)
            return status;
        windows += done * window;
        outputs += done * model->classes;
        count -= done;
    }
    return HAR_OK;
}
