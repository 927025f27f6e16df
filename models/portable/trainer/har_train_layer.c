/* SimpleRNN, LSTM and GRU over a whole window: forwards with everything kept, backwards with the gradient. */
#include "har_train_layer.h"

#include "har_train.h"
#include "har_train_products.h"

#include <string.h>

/* Steps whose gradients are summed while they are in the cache. */
#ifndef HAR_STRETCH
#define HAR_STRETCH 16
#endif

size_t har_train_gates(int32_t kind)
{
    return kind == HAR_TRAIN_LSTM ? 4 : (kind == HAR_TRAIN_GRU ? 3 : 1);
}

size_t har_train_biases(int32_t kind)
{
    return kind == HAR_TRAIN_GRU ? 6 : har_train_gates(kind);
}

size_t har_train_kept(int32_t kind)
{
    return kind == HAR_TRAIN_SIMPLE_RNN ? 1 : 4;
}

static void simple_rnn_step(const har_train_layer *layer, const har_product *input, const har_product *entered,
                            har_lanes *states)
{
    size_t k;
    har_sums(layer->units, layer->bias, input, entered, states);
    for (k = 0; k < layer->state; k++)
        states[k] = har_tanh(states[k]);
}

static void lstm_step(const har_train_layer *layer, const har_product *input, const har_product *entered,
                      har_lanes *gates, har_lanes *cells, har_lanes *states)
{
    const size_t state = layer->state;
    const har_lanes *before = cells - layer->stride;
    size_t k;
    har_sums(layer->width, layer->bias, input, entered, gates);
    for (k = 0; k < state; k++) {
        const har_lanes i = har_sigmoid(gates[k]), f = har_sigmoid(gates[state + k]);
        const har_lanes g = har_tanh(gates[2 * state + k]), o = har_sigmoid(gates[3 * state + k]);
        cells[k] = f * before[k] + i * g;
        states[k] = o * har_tanh(cells[k]);
        gates[k] = i;
        gates[state + k] = f;
        gates[2 * state + k] = g;
        gates[3 * state + k] = o;
    }
}

/* Kept: z, r, the candidate, and what of the state the reset gate lets through. */
static void gru_step(const har_train_layer *layer, const har_product *input, const har_product *entered,
                     har_lanes *gates, har_lanes *states)
{
    const size_t units = layer->units, state = layer->state;
    const har_lanes *before = states - layer->stride;
    har_product input_of_candidate = *input, entered_of_candidate = *entered;
    size_t k;
    input_of_candidate.weights += 2 * units;
    entered_of_candidate.weights += 2 * units;
    har_sums(2 * units, layer->joint_bias, input, entered, gates);
    har_sums(units, layer->bias + 2 * units, &input_of_candidate, NULL, gates + 2 * state);
    har_sums(units, layer->bias + 5 * units, &entered_of_candidate, NULL, gates + 3 * state);
    for (k = 0; k < state; k++) {
        const har_lanes z = har_sigmoid(gates[k]), r = har_sigmoid(gates[state + k]);
        const har_lanes candidate = har_tanh(gates[2 * state + k] + r * gates[3 * state + k]);
        states[k] = candidate + z * (before[k] - candidate);
        gates[k] = z;
        gates[state + k] = r;
        gates[2 * state + k] = candidate;
    }
}

void har_train_layer_forward(har_train_layer *layer, size_t steps, const har_lanes *inputs)
{
    const size_t state = layer->state, stride = layer->stride;
    size_t step, k;
    for (step = 0; step < steps; step++) {
        har_lanes *states = layer->states + (step + 1) * stride, *gates = layer->gates + step * layer->kept;
        const har_lanes *before = layer->entered + step * stride;
        const har_product input = {layer->kernel, layer->width, layer->inputs, inputs + step * layer->input};
        const har_product entered = {layer->recurrent, layer->width, layer->units, before};
        if (layer->kind == HAR_TRAIN_LSTM)
            lstm_step(layer, &input, &entered, gates, layer->cells + (step + 1) * stride, states);
        else if (layer->kind == HAR_TRAIN_GRU)
            gru_step(layer, &input, &entered, gates, states);
        else
            simple_rnn_step(layer, &input, &entered, states);
        if (layer->mask)
            for (k = 0; k < state; k++)
                layer->entered[(step + 1) * stride + k] = states[k] * layer->mask[k];
    }
}

/* In the following, ``carried`` comes as the gradient at the state of the step, without what later layers add. The
 * gates become the gradients of their sums; ``carried`` what reaches the state before on a way without weights. */

static void simple_rnn_back(har_train_layer *layer, const har_lanes *states, const har_lanes *upstream,
                            har_lanes *gates)
{
    size_t k;
    for (k = 0; k < layer->state; k++) {
        gates[k] = (layer->carried[k] + upstream[k]) * (1.0f - states[k] * states[k]);
        layer->carried[k] = har_all(0.0f);
    }
}

static void lstm_back(har_train_layer *layer, const har_lanes *cells, const har_lanes *upstream, har_lanes *gates)
{
    const size_t state = layer->state;
    const har_lanes *before = cells - layer->stride;
    size_t k;
    for (k = 0; k < state; k++) {
        const har_lanes i = gates[k], f = gates[state + k], g = gates[2 * state + k], o = gates[3 * state + k];
        const har_lanes shown = har_tanh(cells[k]), above = layer->carried[k] + upstream[k];
        const har_lanes cell = above * o * (1.0f - shown * shown) + layer->carried_cells[k];
        layer->carried_cells[k] = cell * f;
        layer->carried[k] = har_all(0.0f);
        gates[k] = cell * g * (i * (1.0f - i));
        gates[state + k] = cell * before[k] * (f * (1.0f - f));
        gates[2 * state + k] = cell * i * (1.0f - g * g);
        gates[3 * state + k] = above * shown * (o * (1.0f - o));
    }
}

/* The kernels' gradients are of z, r and the candidate; the recurrent ones of z, r and what stands fourth. */
static void gru_back(har_train_layer *layer, const har_lanes *states, const har_lanes *upstream, har_lanes *gates)
{
    const size_t state = layer->state;
    const har_lanes *before = states - layer->stride;
    size_t k;
    for (k = 0; k < state; k++) {
        const har_lanes z = gates[k], r = gates[state + k], candidate = gates[2 * state + k];
        const har_lanes above = layer->carried[k] + upstream[k];
        const har_lanes sum = above * (1.0f - z) * (1.0f - candidate * candidate);
        gates[k] = above * (before[k] - candidate) * (z * (1.0f - z));
        gates[state + k] = sum * gates[3 * state + k] * (r * (1.0f - r));
        gates[2 * state + k] = sum;
        gates[3 * state + k] = sum * r;
        layer->carried[k] = above * z;
    }
}

/* Add to ``carried`` what reaches the state before through the recurrent kernel. */
static void carry_back(har_train_layer *layer, const har_lanes *gates)
{
    const size_t units = layer->units, gru = layer->kind == HAR_TRAIN_GRU;
    const har_product plain = {layer->recurrent_transposed, units, layer->width - (gru ? units : 0), gates};
    const float *of_candidate = layer->recurrent_transposed + 2 * units * units;
    const har_product candidate = {of_candidate, units, units, gates + 3 * layer->state};
    size_t k;
    har_sums(units, NULL, &plain, gru ? &candidate : NULL, layer->through);
    for (k = 0; k < layer->state; k++)
        layer->carried[k] += layer->mask ? layer->through[k] * layer->mask[k] : layer->through[k];
}

/* Add the gradients of kernel, recurrent kernel and bias over some steps, the first of which is ``first``. */
static void add_gradients(const har_train_layer *layer, size_t first, size_t steps, const har_lanes *inputs,
                          float *flat)
{
    const size_t units = layer->units, width = layer->width, gru = layer->kind == HAR_TRAIN_GRU;
    const size_t plain = width - (gru ? units : 0);
    const har_series sums = {layer->gates + first * layer->kept, layer->kept};
    const har_series fourth = {sums.values + 3 * layer->state, layer->kept};
    const har_series input = {inputs + first * layer->input, layer->input};
    const har_series entered = {layer->entered + first * layer->stride, layer->stride};
    har_add_outer(steps, input, layer->inputs, sums, width, flat + layer->kernel_at, width);
    har_add_outer(steps, entered, units, sums, plain, flat + layer->recurrent_at, width);
    har_add_sums(steps, sums, width, flat + layer->bias_at);
    if (gru) {
        har_add_outer(steps, entered, units, fourth, units, flat + layer->recurrent_at + plain, width);
        har_add_sums(steps, sums, plain, flat + layer->bias_at + width);
        har_add_sums(steps, fourth, units, flat + layer->bias_at + width + plain);
    }
}

void har_train_layer_backward(har_train_layer *layer, size_t steps, const har_lanes *inputs, const har_lanes *upstream,
                              float *flat)
{
    const size_t state = layer->state, stride = layer->stride;
    size_t end = steps, step, k;
    memset(layer->carried, 0, state * sizeof(har_lanes));
    memset(layer->carried_cells, 0, state * sizeof(har_lanes));
    while (end > 0) {
        const size_t first = end > HAR_STRETCH ? end - HAR_STRETCH : 0;
        for (step = end; step-- > first;) {
            har_lanes *gates = layer->gates + step * layer->kept;
            const har_lanes *above = upstream + step * stride;
            if (layer->kind == HAR_TRAIN_LSTM)
                lstm_back(layer, layer->cells + (step + 1) * stride, above, gates);
            else if (layer->kind == HAR_TRAIN_GRU)
                gru_back(layer, layer->states + (step + 1) * stride, above, gates);
            else
                simple_rnn_back(layer, layer->states + (step + 1) * stride, above, gates);
            for (k = 0; step > 0 && k < layer->kept; k++)
                HAR_SOON(gates - layer->kept + k);
            carry_back(layer, gates);
            if (layer->inputs_gradient) {
                const har_product sums = {layer->kernel_transposed, layer->inputs, layer->width, gates};
                har_sums(layer->inputs, NULL, &sums, NULL, layer->inputs_gradient + step * layer->input);
            }
        }
        add_gradients(layer, first, end - first, inputs, flat);
        end = first;
    }
}
