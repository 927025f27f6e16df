/* Where the layers of a blob lie along the window, and whether they fit one another: included by har_blob.c. */
#ifndef HAR_PLACE_H
#define HAR_PLACE_H

#include "har.h"

/* What kinds of layers have. */
static int har_is_recurrent(uint8_t kind)
{
    return kind < HAR_DENSE;
}

static int har_is_pool(uint8_t kind)
{
    return kind == HAR_MAX_POOL || kind == HAR_AVERAGE_POOL;
}

static int har_is_whole(uint8_t kind)
{
    return kind == HAR_GLOBAL_MAX || kind == HAR_GLOBAL_AVERAGE;
}

static int har_is_convolution(uint8_t kind)
{
    return kind == HAR_CONV || kind == HAR_RESIDUAL;
}

/* Place a filter along the steps, with the margins that its padding asks for. */
static har_status har_place_filter(har_layer *layer, uint8_t padding)
{
    const uint32_t reach = (uint32_t)(layer->taps - 1) * layer->dilation, steps = layer->steps;
    uint32_t before = 0, after = 0;
    if (padding == HAR_SAME) {
        const uint32_t wanted = ((steps + layer->stride - 1) / layer->stride - 1) * layer->stride + reach + 1;
        const uint32_t missing = wanted > steps ? wanted - steps : 0;
        before = missing / 2;
        after = missing - before;
    } else if (padding == HAR_CAUSAL) {
        before = reach;
    }
    if (steps + before + after <= reach)
        return HAR_DAMAGED_MODEL;
    layer->count = (uint16_t)((steps + before + after - reach - 1) / layer->stride + 1);
    layer->before = (uint16_t)before;
    /* A pool that the window cuts off is handed on with the last vector. */
    layer->after = har_is_pool(layer->kind) ? 0 : (uint16_t)after;
    return HAR_OK;
}

/* Place a layer along the steps it is given; ``ends`` where the window ends with it. */
static har_status har_place(har_layer *layer, uint8_t padding, uint16_t inputs, uint16_t steps, int at_end, int ends)
{
    const uint8_t kind = layer->kind;
    uint32_t outputs = kind == HAR_ATTENTION ? inputs : layer->units;
    layer->inputs = inputs;
    layer->steps = layer->count = steps;
    if (at_end && kind != HAR_DENSE)
        return HAR_DAMAGED_MODEL;
    if (har_is_whole(kind) || kind == HAR_DENSE_OVER_TIME) {
        if (!ends || (kind == HAR_DENSE_OVER_TIME && layer->taps != steps))
            return HAR_DAMAGED_MODEL;
        layer->count = 1;
    }
    if (kind == HAR_ATTENTION) {
        if (ends || layer->taps != steps)
            return HAR_DAMAGED_MODEL;
        layer->after = steps;
    } else if (har_is_pool(kind) || har_is_convolution(kind)) {
        if (ends || (har_is_pool(kind) && layer->stride < layer->taps) || har_place_filter(layer, padding) != HAR_OK)
            return HAR_DAMAGED_MODEL;
    } else if (layer->merge) {
        outputs *= layer->merge == HAR_CONCAT ? 2u : 1u;
        layer->after = ends ? 0 : steps;
    }
    if (outputs > UINT16_MAX)
        return HAR_DAMAGED_MODEL;
    layer->outputs = (uint16_t)outputs;
    return HAR_OK;
}

/* Whether a convolution hands on a vector for every one it is given, at once. */
static int har_looks_back(const har_layer *layer)
{
    return layer->stride == 1 && layer->count == layer->steps && layer->after == 0;
}

/* Hold a layer that uses what the one before it was given, or made, to that one. */
static har_status har_pair(har_layer *layers, uint8_t index)
{
    const har_layer *layer = layers + index;
    har_layer *before = index > 0 ? layers + index - 1 : NULL;
    if (layer->merge) {
        if (!before || !har_is_recurrent(before->kind) || before->merge || before->units != layer->units)
            return HAR_DAMAGED_MODEL;
    }
    if (layer->kind == HAR_RESIDUAL) {
        const har_matrix *around = &layer->recurrent;
        if (!before || before->kind != HAR_CONV || !har_looks_back(before) || !har_looks_back(layer))
            return HAR_DAMAGED_MODEL;
        if (around->outputs ? around->inputs != before->inputs || around->outputs != layer->units
                            : before->inputs != layer->units)
            return HAR_DAMAGED_MODEL;
    }
    return HAR_OK;
}

#endif
