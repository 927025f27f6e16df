/* One engine begins at every hop. When its window is full it waits until it is the first to begin again. */
#include "har_slide.h"

#include "har_port.h"

uint16_t har_slide_phases(const har_model *model, uint16_t hop)
{
    HAR_VIEW(har_model, own, model);
    return hop == 0 ? 0 : (uint16_t)((own->window + hop - 1u) / hop);
}

har_status har_slide_open(har_slide *slide, const har_model *model, har_engine *engines, uint16_t phases, uint16_t hop,
                          har_sum *sums, size_t sum_count, har_value *values, size_t value_count)
{
    uint16_t k;
    if (!slide || !model || !engines || !sums || !values || hop == 0)
        return HAR_BAD_ARGUMENT;
    HAR_VIEW(har_model, own, model);
    if (phases < har_slide_phases(model, hop) || value_count < (size_t)phases * own->kept_values ||
        sum_count < own->scratch_sums + (size_t)phases * own->kept_sums)
        return HAR_SMALL_MEMORY;
    for (k = 0; k < phases; k++) {
        engines[k].model = model;
        engines[k].scratch = sums;
        engines[k].sums = sums + own->scratch_sums + (size_t)k * own->kept_sums;
        engines[k].values = values + (size_t)k * own->kept_values;
    }
    slide->engines = engines;
    slide->phases = phases;
    slide->hop = hop;
    return har_slide_reset(slide);
}

har_status har_slide_reset(har_slide *slide)
{
    uint16_t k;
    if (!slide)
        return HAR_BAD_ARGUMENT;
    for (k = 0; k < slide->phases; k++) {
        HAR_VIEW(har_model, model, slide->engines[k].model);
        slide->engines[k].steps = model->window; /* full: it waits to begin */
    }
    slide->since = (uint16_t)(slide->hop - 1);
    slide->next = 0;
    return HAR_OK;
}

har_status har_slide_step(har_slide *slide, const har_sample *sample, const har_engine **complete)
{
    uint16_t k;
    if (!slide || !sample || !complete)
        return HAR_BAD_ARGUMENT;
    *complete = NULL;
    if (++slide->since >= slide->hop) {
        slide->since = 0;
        har_reset(slide->engines + slide->next);
        slide->next = (uint16_t)(slide->next + 1u < slide->phases ? slide->next + 1u : 0u);
    }
    for (k = 0; k < slide->phases; k++) {
        har_engine *engine = slide->engines + k;
        HAR_VIEW(har_model, model, engine->model);
        if (engine->steps < model->window) {
            const har_status status = har_step(engine, sample);
            if (status != HAR_OK)
                return status;
            if (engine->steps == model->window)
                *complete = engine;
        }
    }
    return HAR_OK;
}
