/* The float engine in the module, with the names it shares with the other one made its own. A page classifies a window at
 * a time: units are in vectors where they fill them; where they do not, the plain engine takes as long for a single window
 * as one with windows in the lanes, in far fewer bytes. */
#ifndef HAR_FLOAT
#error "compile this file with HAR_FLOAT"
#endif
#define har_load har_float_load
#define har_open har_plain_open
#define har_reset har_plain_reset
#define har_step har_plain_step
#define har_finish har_plain_finish
#define har_finish_numbers har_plain_finish_numbers
#define har_native_size har_float_size
#define har_native_open har_float_open
#define har_native_memory har_plain_memory
#define har_native_predict har_plain_predict
/* A model is loaded once: small, not fast. So are the layers that few models have. */
#define HAR_SMALLEST 1
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "../engine/har_blob.c"
#pragma clang attribute pop
#include "../engine/har_engine.c"
#include "../host/har_native_integer.c"
#undef har_native_memory
#undef har_native_predict

#include "har_fast.h"

static size_t har_native_memory(const har_native *native)
{
    return har_units_fit(&native->model) ? har_units_memory(&native->model) : har_plain_memory(native);
}

static har_status har_native_predict(const har_native *native, void *memory, const har_sample *window, size_t count,
                                     void *outputs)
{
    if (har_units_fit(&native->model))
        return har_units_predict(&native->model, memory, window, outputs);
    return har_plain_predict(native, memory, window, count, outputs);
}

#include "har_web_model.h"

const har_web_engine har_web_float = {har_open_here, har_predict_here};
