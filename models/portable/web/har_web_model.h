/* One engine behind the module's interface; the names of the native library stay within this file. */
#include "har_native.h"
#include "har_web_engine.h"

static har_native har_model_here;

static uint32_t har_open_here(const void *blob, uint32_t bytes, har_web_shape *shape)
{
    const har_status status = har_native_open(&har_model_here, blob, bytes);
    if (status == HAR_OK) {
        shape->window = har_model_here.model.window;
        shape->channels = har_model_here.model.channels;
        shape->classes = har_model_here.model.classes;
        shape->gives_numbers = har_model_here.model.head == HAR_LINEAR_HEAD;
        shape->sample_bits = har_model_here.model.sample_bits;
        shape->memory = (uint32_t)har_native_memory(&har_model_here);
    }
    return (uint32_t)status;
}

static uint32_t har_predict_here(void *memory, const void *window, void *outputs)
{
    return (uint32_t)har_native_predict(&har_model_here, memory, window, 1, outputs);
}
