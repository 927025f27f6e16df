/* What a layer along time keeps between two steps. */
#ifndef HAR_SHARES_H
#define HAR_SHARES_H

#include "har.h"

#ifndef HAR_SPAN
#define HAR_SPAN(numbers) (numbers)
#endif

/* Weights of one tap of a matrix. */
static inline size_t har_tap_weights(const har_matrix *matrix)
{
#ifdef HAR_FLOAT
    return (size_t)matrix->inputs * matrix->outputs;
#else
    return (size_t)matrix->inputs * (matrix->outputs + (matrix->outputs & 1u));
#endif
}

/* Vectors that a convolution remembers. */
static inline uint16_t har_ring(const har_layer *layer)
{
    const uint32_t seen = (uint32_t)(layer->taps - 1u) * layer->dilation + 1u;
    return seen < layer->steps ? (uint16_t)seen : layer->steps;
}

/* Values of a recurrent layer's state. A GRU that resets before the product keeps room for the state it has reset. */
static inline uint32_t har_state_values(const har_layer *layer)
{
    return (uint32_t)HAR_SPAN(layer->units) * (layer->kind == HAR_GRU ? 2u : 1u);
}

/* Sums that a layer works with; one that computes two products begins the second at a whole element. */
static inline uint32_t har_scratch(const har_layer *layer)
{
    const uint8_t twice = layer->kind == HAR_GRU_RESET_AFTER || layer->kind == HAR_RESIDUAL;
    uint32_t sums = (uint32_t)HAR_SPAN(layer->kernel.outputs) * (twice ? 2u : 1u);
    if (layer->kind == HAR_ATTENTION && HAR_SPAN(layer->steps) > sums)
        sums = HAR_SPAN(layer->steps);
    if (layer->kind == HAR_ATTENTION && HAR_SPAN(layer->outputs) > sums)
        sums = HAR_SPAN(layer->outputs);
    return sums;
}

/* Values that a layer keeps between two steps; what it hands on is first. */
static inline uint32_t har_kept_values(const har_layer *layer)
{
    const uint32_t inputs = HAR_SPAN(layer->inputs), outputs = HAR_SPAN(layer->outputs);
    if (layer->merge && layer->kind < HAR_DENSE)
        return outputs + har_state_values(layer) + layer->steps * inputs + (layer->after ? layer->steps * outputs : 0u);
    switch (layer->kind) {
    case HAR_CONV:
    case HAR_RESIDUAL:
        return outputs + har_ring(layer) * inputs;
    case HAR_FORK:
        return HAR_SPAN(layer->taps) + (layer->merge == HAR_CONCAT ? layer->taps * outputs : 0u);
    case HAR_END:
        return 0;
    case HAR_GRU:
        return har_state_values(layer);
    case HAR_ATTENTION:
        return outputs + HAR_SPAN(layer->units) + layer->steps * (inputs + HAR_SPAN(2u * layer->units));
    default:
        return outputs;
    }
}

/* Sums that a layer keeps between two steps. */
static inline uint32_t har_kept_sums(const har_layer *layer)
{
    switch (layer->kind) {
    case HAR_LSTM:
    case HAR_DENSE_OVER_TIME:
        return HAR_SPAN(layer->units);
    case HAR_AVERAGE_POOL:
    case HAR_GLOBAL_AVERAGE:
        return HAR_SPAN(layer->inputs);
    case HAR_FORK:
        return layer->merge == HAR_CONCAT ? 0u : layer->taps * (uint32_t)HAR_SPAN(layer->outputs);
    default:
        return 0;
    }
}

#endif
