/* Layers along time, and the walk through them: included by har_engine.c where a model has such layers.
 *
 * A layer is given one vector after another, each with its number in the window. Most hand on a vector for each, with the
 * same number. A convolution or a pool hands on a vector where one of its places ends, numbered by the place. What needs
 * the steps after it hands on when the window has ended: it is given its vectors' numbers again, from `steps` on, without
 * vectors. So a layer keeps what its filters still need, and no counter: everything follows from a vector's number. */
#ifndef HAR_TIME_H
#define HAR_TIME_H

#include "har_shares.h"

/* Bytes of numbers that lie side by side. */
#ifndef HAR_NUMBERS_BYTES
#define HAR_NUMBERS_BYTES(numbers) ((numbers) * sizeof(har_value))
#endif

/* A number of a value and of a sum: elements of the engine's memory, unless these hold several. */
#ifndef HAR_ELEMENTS_OF_THEIR_OWN
typedef har_value har_element;
typedef har_sum har_total;
#define HAR_NARROW_ELEMENT(sum, bits) har_narrow((sum), (bits))
#endif

/* What a layer is given: a vector, its number, and what goes around the layer before it. */
typedef struct har_given {
    const har_value *vector;
    const har_value *around;
    uint16_t number;
#if HAR_USE_MASK
    uint8_t is_masked; /* whether steps may have been left out, and how many were not */
    uint16_t taken;
#endif
} har_given;

#if HAR_USE_CONV || HAR_USE_DENSE_OVER_TIME
/* What all units hand on. */
HAR_SELDOM void har_activate_each(const har_layer *layer, const har_sum *sums, har_value *values)
{
    uint16_t unit;
    for (unit = 0; unit < HAR_SPAN(layer->units); unit++)
        values[unit] = har_activate(layer, sums[unit]);
}

/* A matrix at one of its taps. */
static har_matrix har_tap(const har_matrix *matrix, uint16_t tap)
{
    har_matrix own = *matrix;
    own.weights += (size_t)tap * har_tap_weights(matrix);
    return own;
}
#endif

#if HAR_USE_CONV
/* Remember a vector in the ring of the last ones, and where a place of the filters ends, compute its sums. Zeros stand
 * outside of the window: taps there add nothing. */
HAR_SELDOM uint8_t har_convolve(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const uint16_t reach = (uint16_t)((layer->taps - 1) * layer->dilation), ring = har_ring(layer);
    const uint16_t size = HAR_SPAN(layer->inputs), seen = (uint16_t)(given->number + layer->before);
    har_value *slots = at->values + HAR_SPAN(layer->units);
    uint16_t tap;
    if (given->number < layer->steps)
        memcpy(slots + (size_t)(given->number % ring) * size, given->vector, HAR_NUMBERS_BYTES(layer->inputs));
    if (seen < reach || (seen - reach) % layer->stride != 0)
        return 0;
    har_start(&layer->kernel, at->scratch);
    for (tap = 0; tap < layer->taps; tap++) {
        const int32_t step = (int32_t)given->number - reach + (int32_t)tap * layer->dilation;
        if (step >= 0 && step < layer->steps) {
            const har_matrix own = har_tap(&layer->kernel, tap);
            har_add_rows(&own, 0, own.outputs, slots + (size_t)(step % ring) * size, at->scratch);
        }
    }
    given->number = (uint16_t)((seen - reach) / layer->stride);
    return 1;
}

/* activation(sum over k of x[t + k dilation] W[k] + b) */
HAR_SELDOM uint8_t har_conv(const har_layer *layer, har_given *given, const har_cursor *at)
{
    if (!har_convolve(layer, given, at))
        return 0;
    har_activate_each(layer, at->scratch, at->values);
    return 1;
}
#endif

#if HAR_USE_RESIDUAL
/* relu(relu(conv) + what goes around): itself, or a linear map of it */
HAR_SELDOM uint8_t har_residual(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const uint16_t units = HAR_SPAN(layer->units);
    har_sum *around = at->scratch + units;
    uint16_t unit;
    if (!har_convolve(layer, given, at))
        return 0;
    if (layer->recurrent.outputs > 0)
        har_affine(&layer->recurrent, given->around, around);
    for (unit = 0; unit < units; unit++) {
        const har_sum other =
            layer->recurrent.outputs > 0 ? around[unit] : har_widen(given->around[unit], layer->around_bits);
        at->values[unit] = har_narrow(har_positive(har_positive(at->scratch[unit]) + other), layer->fraction);
    }
    return 1;
}
#endif

#if HAR_USE_POOL
/* The largest or the mean of every pool, of what of it is inside the window. */
HAR_SELDOM uint8_t har_pool(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const uint16_t place = (uint16_t)(given->number + layer->before);
    const uint16_t into = (uint16_t)(place % layer->stride), pool = (uint16_t)(place / layer->stride);
    const uint8_t is_average = layer->kind == HAR_AVERAGE_POOL, begins = into == 0 || given->number == 0;
    const uint16_t inside = (uint16_t)(into + 1 - (pool == 0 ? layer->before : 0));
    uint16_t k;
    if (into >= layer->taps || pool >= layer->count)
        return 0;
    for (k = 0; k < HAR_SPAN(layer->inputs); k++) {
        if (!is_average)
            at->values[k] = begins ? given->vector[k] : har_larger(at->values[k], given->vector[k]);
        else if (begins)
            at->sums[k] = har_value_sum(given->vector[k]);
        else
            at->sums[k] += har_value_sum(given->vector[k]);
    }
    if (into + 1 < layer->taps && given->number + 1 < layer->steps)
        return 0;
    for (k = 0; is_average && k < HAR_SPAN(layer->inputs); k++)
        at->values[k] = har_mean(at->sums[k], inside);
    given->number = pool;
    return 1;
}
#endif

/* Whether a layer that makes one vector of all steps hands it on: where there are branches, to layers behind it. */
static inline uint8_t har_hands_whole(const har_layer *layer, har_given *given)
{
#if HAR_USE_BRANCHES
    if (given->number + 1 < layer->steps)
        return 0;
    given->number = 0;
    return 1;
#else
    (void)layer;
    (void)given;
    return 0;
#endif
}

#if HAR_USE_WHOLE
/* The largest or the mean of all steps. */
HAR_SELDOM uint8_t har_whole(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const uint8_t is_average = layer->kind == HAR_GLOBAL_AVERAGE, begins = given->number == 0;
    uint16_t k;
    for (k = 0; k < HAR_SPAN(layer->inputs); k++) {
        if (!is_average)
            at->values[k] = begins ? given->vector[k] : har_larger(at->values[k], given->vector[k]);
        else if (begins)
            at->sums[k] = har_value_sum(given->vector[k]);
        else
            at->sums[k] += har_value_sum(given->vector[k]);
        if (is_average && given->number + 1 == layer->steps)
            at->values[k] = har_mean(at->sums[k], layer->steps);
    }
    return har_hands_whole(layer, given);
}
#endif

#if HAR_USE_DENSE_OVER_TIME
/* activation(sum over t of x[t] W[t] + b) */
HAR_SELDOM uint8_t har_dense_over_time(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const har_matrix own = har_tap(&layer->kernel, given->number);
    if (given->number == 0)
        har_start(&own, at->sums);
    har_add_rows(&own, 0, own.outputs, given->vector, at->sums);
    if (given->number + 1 == layer->steps)
        har_activate_each(layer, at->sums, at->values);
    return har_hands_whole(layer, given);
}
#endif

#if HAR_USE_ATTENTION
#include "har_attention.h"
#endif

#if HAR_USE_BACKWARD
/* Join what runs backward to what ran forward, which stands in ``joined`` already. */
HAR_SELDOM void har_join(const har_layer *layer, const har_value *backward, har_value *joined)
{
    const uint16_t units = HAR_SPAN(layer->units);
    uint16_t unit;
    if (layer->merge == HAR_CONCAT) {
        memcpy(joined + units, backward, HAR_NUMBERS_BYTES(layer->units));
        return;
    }
    for (unit = 0; unit < units; unit++) {
        if (layer->merge == HAR_MUL)
            joined[unit] = har_join_product(joined[unit], backward[unit]);
        else if (layer->merge == HAR_SUM)
            joined[unit] = har_join_sum(joined[unit], backward[unit]);
        else
            joined[unit] = har_join_mean(joined[unit], backward[unit]);
    }
}

/* Run over ``count`` vectors from the last to the first, and join what comes of them to what ran forward. */
HAR_SELDOM void har_walk_back(const har_layer *layer, const har_cursor *at, uint16_t count)
{
    const uint16_t size = HAR_SPAN(layer->inputs), width = HAR_SPAN(layer->outputs);
    har_value *vectors = at->values + width + har_state_values(layer);
    har_value *joined = vectors + (size_t)layer->steps * size;
    har_cursor own = *at;
    own.values += width;
    while (count-- > 0) {
        har_step_layer(layer, vectors + (size_t)count * size, &own);
        if (layer->after > 0)
            har_join(layer, own.values, joined + (size_t)count * width);
    }
    if (layer->after == 0)
        har_join(layer, own.values, at->values);
}

/* Remember vectors, and when the window has ended, run over them backward. The memory: what is handed on, the state, the
 * vectors, and of a layer that hands on every step what the steps are joined to. */
HAR_SELDOM uint8_t har_backward(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const uint16_t size = HAR_SPAN(layer->inputs), width = HAR_SPAN(layer->outputs), number = given->number;
    har_value *vectors = at->values + width + har_state_values(layer);
    har_value *joined = vectors + (size_t)layer->steps * size;
    uint16_t count = layer->steps;
#if HAR_USE_MASK
    /* The last vector is not known before the window has ended. */
    if (given->is_masked)
        count = given->taken;
    if (given->is_masked && number == layer->steps)
        har_walk_back(layer, at, count);
#endif
    if (number >= layer->steps) {
        given->number = (uint16_t)(number - layer->steps);
        if (layer->after == 0 || given->number >= count)
            return 0;
        memcpy(at->values, joined + (size_t)given->number * width, width * sizeof *joined);
        return 1;
    }
    memcpy(vectors + (size_t)number * size, given->vector, HAR_NUMBERS_BYTES(layer->inputs));
    memcpy(layer->after > 0 ? joined + (size_t)number * width : at->values, given->around,
           HAR_NUMBERS_BYTES(layer->units));
#if HAR_USE_MASK
    if (given->is_masked)
        return 0;
#endif
    if (number + 1 < layer->steps)
        return 0;
    har_walk_back(layer, at, count);
    return layer->after > 0 ? 0 : har_hands_whole(layer, given);
}
#endif

/* Give a layer a vector. Returns whether it hands one on, which then stands at the beginning of its values. */
static uint8_t har_cells(const har_layer *layer, har_given *given, const har_cursor *at)
{
#if HAR_USE_BACKWARD
    if (layer->merge)
        return har_backward(layer, given, at);
#endif
    switch (layer->kind) {
#if HAR_USE_CONV
    case HAR_CONV:
        return har_conv(layer, given, at);
#endif
#if HAR_USE_RESIDUAL
    case HAR_RESIDUAL:
        return har_residual(layer, given, at);
#endif
#if HAR_USE_POOL
    case HAR_MAX_POOL:
    case HAR_AVERAGE_POOL:
        return har_pool(layer, given, at);
#endif
#if HAR_USE_WHOLE
    case HAR_GLOBAL_MAX:
    case HAR_GLOBAL_AVERAGE:
        return har_whole(layer, given, at);
#endif
#if HAR_USE_DENSE_OVER_TIME
    case HAR_DENSE_OVER_TIME:
        return har_dense_over_time(layer, given, at);
#endif
#if HAR_USE_ATTENTION
    case HAR_ATTENTION:
        return har_attention(layer, given, at);
#endif
    default:
        har_step_layer(layer, given->vector, at);
#if HAR_USE_BRANCHES
        return layer->hands_last ? har_hands_whole(layer, given) : 1;
#else
        return 1;
#endif
    }
}

#if HAR_USE_BRANCHES
#include "har_branches.h"
#endif

/* Give layer ``first`` a vector, and run on as far as one is handed on, before layer ``last``. */
HAR_SELDOM void har_run_along(const har_engine *engine, const har_model *model, uint8_t first, uint8_t last,
                          const har_sample *sample, uint16_t number)
{
    har_cursor at;
    har_given given;
    uint8_t index, is_given = 0;
#if HAR_USE_BRANCHES
    har_fork forks[HAR_FORKS], *fork = forks;
#endif
    given.vector = (const void *)sample;
    given.around = NULL;
    given.number = number;
#if HAR_USE_MASK
    given.is_masked = model->is_masked;
    given.taken = engine->taken;
#endif
    at.scratch = engine->scratch;
    at.sums = engine->sums;
    at.values = engine->values;
    for (index = 0; index < last; index++) {
        HAR_VIEW(har_layer, layer, model->layers + index);
        if (index == first)
            is_given = 1;
#if HAR_USE_BRANCHES
        if (layer->kind >= HAR_FORK) {
            har_branch(layer, &fork, &given, &is_given, &at);
        } else
#endif
        {
            if (is_given && !har_cells(layer, &given, &at))
                is_given = 0;
            if (layer->is_first_of_two) {
                given.around = at.values;
            } else {
                given.around = given.vector;
                given.vector = at.values;
            }
        }
#if HAR_USE_BRANCHES
        if (fork == forks)
#endif
            if (index >= first && !is_given)
                return;
        at.sums += har_kept_sums(layer);
        at.values += har_kept_values(layer);
    }
}

/* What is handed on after the last sample: of each layer after those below it. */
static void har_run_out(const har_engine *engine, const har_model *model)
{
    uint8_t index;
    for (index = 0; index < model->step_layers; index++) {
        HAR_VIEW(har_layer, layer, model->layers + index);
        uint16_t late, count = layer->after;
#if HAR_USE_MASK
        /* What runs backward over masked steps does so now, if it hands on none as well. */
        if (model->is_masked && layer->merge && count == 0)
            count = 1;
#endif
        for (late = 0; late < count; late++)
            har_run_along(engine, model, index, model->step_layers, NULL, (uint16_t)(layer->steps + late));
    }
}

#endif
