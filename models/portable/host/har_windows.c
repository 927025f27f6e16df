/* The engine with windows in the lanes, for many of them. */
#define HAR_LANES_OF_WINDOWS
#define HAR_NUMBERS_HEADER "har_lanes.h"
#define HAR_ARITHMETIC_HEADER "har_windows.h"
#define har_open har_windows_open
#define har_reset har_windows_reset
#define har_step har_windows_step
#define har_finish har_windows_finish
#define har_finish_numbers har_windows_finish_numbers
#include "../engine/har_engine.c"

#include "har_fast.h"

/* Sums that an engine asks for. */
static size_t har_sum_count(const har_model *model)
{
    return (size_t)model->scratch_sums + model->kept_sums;
}

size_t har_windows_memory(const har_model *model)
{
    const size_t vectors =
        har_sum_count(model) + model->kept_values + (size_t)model->channels + (size_t)model->classes + 4;
    return vectors * sizeof(har_lanes);
}

har_status har_windows_predict(const har_model *model, void *memory, const float *windows, size_t count,
                               float *outputs, size_t *done)
{
    /* Each window is masked where it is: those of a masked model are run one by one. */
    const size_t room = model->is_masked ? 1 : HAR_LANES, lanes = count < room ? count : room;
    const size_t window = (size_t)model->window * model->channels;
    har_lanes *sums = memory, *values = sums + har_sum_count(model), *sample = values + model->kept_values,
              *classes = sample + model->channels;
    har_engine engine;
    har_status status = har_open(&engine, model, sums, har_sum_count(model), values, model->kept_values);
    size_t lane, at;
    /* Lanes without a window of their own repeat the first one. */
    for (at = 0; status == HAR_OK && at < window; at += model->channels) {
        uint16_t channel;
        for (channel = 0; channel < model->channels; channel++)
            for (lane = 0; lane < HAR_LANES; lane++)
                sample[channel][lane] = windows[(lane < lanes ? lane : 0) * window + at + channel];
        status = har_step(&engine, sample);
    }
    if (status == HAR_OK)
        status = model->head == HAR_LINEAR_HEAD ? har_finish_numbers(&engine, classes) : har_finish(&engine, classes);
    for (lane = 0; status == HAR_OK && lane < lanes; lane++)
        for (at = 0; at < model->classes; at++)
            *outputs++ = classes[at][lane];
    *done = lanes;
    return status;
}
