/* The cells and the walk through the layers; the arithmetic is in har_float.h and har_integer.h. */
#include "har.h"

#if defined(HAR_ARITHMETIC_HEADER)
#include HAR_ARITHMETIC_HEADER
#elif defined(HAR_FLOAT)
#include "har_float.h"
#else
#include "har_integer.h"
#endif

/* Elements that hold this many numbers: as many, unless an element holds several. Then every layer's share begins at an
 * element of its own, and shares are added up as spans: the span of a sum of numbers can be less. */
#ifndef HAR_SPAN
#define HAR_SPAN(numbers) (numbers)
#endif
#ifndef HAR_KEPT_SUMS
#define HAR_SCRATCH_SUMS(model) ((model)->scratch_sums)
#define HAR_KEPT_SUMS(model) ((model)->kept_sums)
#define HAR_KEPT_VALUES(model) ((model)->kept_values)
#endif

/* Where a layer finds its share of the engine's memory. */
typedef struct har_cursor {
    har_sum *scratch;  /* used by one layer after another */
    har_sum *sums;     /* of this layer, kept between steps */
    har_value *values; /* of this layer, kept between steps */
} har_cursor;

/* sums = bias + weights x inputs */
static void har_affine(const har_matrix *matrix, const har_value *inputs, har_sum *sums)
{
    har_start(matrix, sums);
    har_add_rows(matrix, 0, matrix->outputs, inputs, sums);
}

#if HAR_USE_SIMPLE_RNN
/* h = tanh(W x + b + U h) */
static void har_simple_rnn(const har_layer *layer, const har_value *inputs, const har_cursor *at)
{
    har_affine(&layer->kernel, inputs, at->scratch);
    har_add_rows(&layer->recurrent, 0, layer->units, at->values, at->scratch);
    har_tanh_each(at->scratch, at->values, HAR_SPAN(layer->units));
}
#endif

#if HAR_USE_LSTM
/* c = f c + i tanh(candidate), h = o tanh(c); the rows are those of i, f, the candidate, o. */
static void har_lstm(const har_layer *layer, const har_value *inputs, const har_cursor *at)
{
    const uint16_t units = HAR_SPAN(layer->units);
    const har_sum *input = at->scratch, *forget = input + units, *candidate = forget + units,
                  *output = candidate + units;
    har_sum *cell = at->sums;
    har_value *hidden = at->values;
    uint16_t unit;
    har_affine(&layer->kernel, inputs, at->scratch);
    har_add_rows(&layer->recurrent, 0, layer->recurrent.outputs, hidden, at->scratch);
    for (unit = 0; unit < units; unit++) {
        cell[unit] = har_pass_sum(cell[unit], har_sigmoid(forget[unit])) +
                     har_admit(har_tanh(candidate[unit]), har_sigmoid(input[unit]));
        hidden[unit] = har_pass(har_tanh(har_cell_sum(cell[unit])), har_sigmoid(output[unit]));
    }
}
#endif

#if HAR_USE_GRU
/* h = z h + (1 - z) tanh(W x + b + r (U h + b')) */
static void har_gru_reset_after(const har_layer *layer, const har_value *inputs, const har_cursor *at)
{
    const uint16_t units = HAR_SPAN(layer->units);
    har_sum *of_input = at->scratch, *of_state = of_input + HAR_SPAN(layer->kernel.outputs);
    const har_sum *input_reset = of_input + units, *input_candidate = input_reset + units;
    const har_sum *state_reset = of_state + units, *state_candidate = state_reset + units;
    har_value *hidden = at->values;
    uint16_t unit;
    har_affine(&layer->kernel, inputs, of_input);
    har_affine(&layer->recurrent, hidden, of_state);
    for (unit = 0; unit < units; unit++) {
        const har_gate update = har_sigmoid(of_input[unit] + of_state[unit]);
        const har_gate reset = har_sigmoid(input_reset[unit] + state_reset[unit]);
        const har_value candidate = har_tanh(input_candidate[unit] + har_pass_sum(state_candidate[unit], reset));
        hidden[unit] = har_mix(hidden[unit], candidate, update);
    }
}

/* h = z h + (1 - z) tanh(W x + b + U (r h)) */
static void har_gru(const har_layer *layer, const har_value *inputs, const har_cursor *at)
{
    const uint16_t units = HAR_SPAN(layer->units), gated = (uint16_t)(2 * layer->units);
    const har_sum *update = at->scratch, *reset = update + units, *candidate = reset + units;
    har_value *hidden = at->values, *reset_state = hidden + units;
    uint16_t unit;
    har_affine(&layer->kernel, inputs, at->scratch);
    har_add_rows(&layer->recurrent, 0, gated, hidden, at->scratch);
    for (unit = 0; unit < units; unit++)
        reset_state[unit] = har_pass(hidden[unit], har_sigmoid(reset[unit]));
    har_add_rows(&layer->recurrent, gated, layer->recurrent.outputs, reset_state, at->scratch);
    for (unit = 0; unit < units; unit++)
        hidden[unit] = har_mix(hidden[unit], har_tanh(candidate[unit]), har_sigmoid(update[unit]));
}
#endif

#if HAR_USE_HIDDEN_DENSE || HAR_USE_CONV || HAR_USE_DENSE_OVER_TIME || HAR_USE_BRANCHES
/* What a unit of a dense layer, a convolution or a join hands on. */
static har_value har_activate(const har_layer *layer, har_sum sum)
{
    switch (layer->activation) {
    case HAR_TANH:
        return har_tanh(sum);
    case HAR_SIGMOID:
        return har_gate_value(har_sigmoid(sum));
    case HAR_RELU:
        return har_narrow(har_positive(sum), layer->fraction);
    default:
        return har_narrow(sum, layer->fraction);
    }
}
#endif

/* activation(W x + b) */
static void har_dense(const har_layer *layer, const har_value *inputs, const har_cursor *at)
{
    har_affine(&layer->kernel, inputs, at->scratch);
#if HAR_USE_HIDDEN_DENSE
    /* Not of the last layer, whose logits har_finish takes from the scratch memory. */
    if (layer->activation < HAR_SOFTMAX) {
        uint16_t unit;
        for (unit = 0; unit < HAR_SPAN(layer->units); unit++)
            at->values[unit] = har_activate(layer, at->scratch[unit]);
    }
#endif
}

/* One step of a layer that hands on a vector at every step. */
static void har_step_layer(const har_layer *layer, const har_value *inputs, const har_cursor *at)
{
    switch (layer->kind) {
#if HAR_USE_SIMPLE_RNN
    case HAR_SIMPLE_RNN:
        har_simple_rnn(layer, inputs, at);
        break;
#endif
#if HAR_USE_LSTM
    case HAR_LSTM:
        har_lstm(layer, inputs, at);
        break;
#endif
#if HAR_USE_GRU
    case HAR_GRU:
        har_gru(layer, inputs, at);
        break;
    case HAR_GRU_RESET_AFTER:
        har_gru_reset_after(layer, inputs, at);
        break;
#endif
    default:
        har_dense(layer, inputs, at);
    }
}

#if HAR_USE_PLAIN || !HAR_USE_TIME
/* Run layers first to last - 1; each finds what the one before it left in the engine's memory. */
static void har_run_plain(const har_engine *engine, const har_model *model, uint8_t first, uint8_t last,
                          const har_sample *sample)
{
    har_cursor at;
    const har_value *vector = (const void *)sample;
    uint8_t index;
    at.scratch = engine->scratch;
    at.sums = engine->sums;
    at.values = engine->values;
    for (index = 0; index < last; index++) {
        HAR_VIEW(har_layer, layer, model->layers + index);
        if (index >= first)
            har_step_layer(layer, vector, &at);
        vector = at.values;
        at.sums += layer->kind == HAR_LSTM ? HAR_SPAN(layer->units) : 0;
        /* A GRU that resets before the product keeps room for the state it has reset. */
        at.values += layer->kind == HAR_GRU ? 2 * HAR_SPAN(layer->units) : HAR_SPAN(layer->units);
    }
}
#endif

#if HAR_USE_MASK
/* A number of a sample; where it holds those of several windows, they are all the same. */
#ifndef HAR_ONE_OF
#define HAR_ONE_OF(number) (number)
#endif

/* Whether a sample is skipped. */
static int har_is_masked(const har_model *model, const har_sample *sample)
{
    uint16_t channel;
    for (channel = 0; model->is_masked && channel < model->channels; channel++)
        if (HAR_ONE_OF(sample[channel]) != model->mask_value)
            return 0;
    return model->is_masked;
}
#endif

#if HAR_USE_TIME
#include "har_time.h"
#endif

/* Run layers first to last - 1 for a sample, or for the end of a window. */
static void har_run(const har_engine *engine, const har_model *model, uint8_t first, uint8_t last,
                    const har_sample *sample)
{
#if HAR_USE_TIME
#if HAR_USE_PLAIN
    if (!model->needs_whole_windows) {
        har_run_plain(engine, model, first, last, sample);
        return;
    }
#endif
#if HAR_USE_MASK
    har_run_along(engine, model, first, last, sample, engine->taken);
#else
    har_run_along(engine, model, first, last, sample, engine->steps);
#endif
#else
    har_run_plain(engine, model, first, last, sample);
#endif
}

har_status har_open(har_engine *engine, const har_model *model, har_sum *sums, size_t sum_count, har_value *values,
                    size_t value_count)
{
    if (!engine || !model || !sums || !values)
        return HAR_BAD_ARGUMENT;
    HAR_VIEW(har_model, own, model);
    if (sum_count < (size_t)HAR_SCRATCH_SUMS(own) + HAR_KEPT_SUMS(own) ||
        value_count < (size_t)HAR_KEPT_VALUES(own))
        return HAR_SMALL_MEMORY;
    engine->model = model;
    engine->scratch = sums;
    engine->sums = sums + HAR_SCRATCH_SUMS(own);
    engine->values = values;
    return har_reset(engine);
}

har_status har_reset(har_engine *engine)
{
    if (!engine)
        return HAR_BAD_ARGUMENT;
    HAR_VIEW(har_model, model, engine->model);
    /* All bits zero is 0 in integers and in IEEE 754 floats alike. */
    memset(engine->sums, 0, HAR_KEPT_SUMS(model) * sizeof *engine->sums);
    memset(engine->values, 0, HAR_KEPT_VALUES(model) * sizeof *engine->values);
    engine->steps = 0;
#if HAR_USE_MASK
    engine->taken = 0;
#endif
    return HAR_OK;
}

har_status har_step(har_engine *engine, const har_sample *sample)
{
    if (!engine || !sample)
        return HAR_BAD_ARGUMENT;
    HAR_VIEW(har_model, model, engine->model);
    if (engine->steps >= model->window)
        return HAR_WINDOW_FULL;
#if HAR_USE_MASK
    if (!har_is_masked(model, sample)) {
        har_run(engine, model, 0, model->step_layers, sample);
        engine->taken++;
    }
#else
    har_run(engine, model, 0, model->step_layers, sample);
#endif
    engine->steps++;
#if HAR_USE_TIME
    if (model->needs_whole_windows && engine->steps == model->window)
        har_run_out(engine, model);
#endif
    return HAR_OK;
}

#if HAR_USE_TIME
#define HAR_IS_SHORT(engine, model) ((model)->needs_whole_windows && (engine)->steps < (model)->window)
#else
#define HAR_IS_SHORT(engine, model) 0
#endif

#if HAR_USE_OTHER_HEADS
har_status har_finish(const har_engine *engine, har_probability *probabilities)
{
    if (!engine || !probabilities)
        return HAR_BAD_ARGUMENT;
    if (engine->steps == 0)
        return HAR_WINDOW_EMPTY;
    HAR_VIEW(har_model, model, engine->model);
    if (HAR_IS_SHORT(engine, model))
        return HAR_WINDOW_EMPTY;
    if (model->head == HAR_LINEAR_HEAD)
        return HAR_OTHER_HEAD;
    har_run(engine, model, model->step_layers, model->layer_count, NULL);
    if (model->head == HAR_SOFTMAX)
        har_softmax(engine->scratch, model->classes, probabilities);
    else
        har_sigmoid_head(engine->scratch, model->classes, probabilities);
    return HAR_OK;
}

har_status har_finish_numbers(const har_engine *engine, har_number *numbers)
{
    if (!engine || !numbers)
        return HAR_BAD_ARGUMENT;
    if (engine->steps == 0)
        return HAR_WINDOW_EMPTY;
    HAR_VIEW(har_model, model, engine->model);
    if (HAR_IS_SHORT(engine, model))
        return HAR_WINDOW_EMPTY;
    har_run(engine, model, model->step_layers, model->layer_count, NULL);
    memcpy(numbers, engine->scratch, model->classes * sizeof *numbers);
    return HAR_OK;
}
#else
har_status har_finish(const har_engine *engine, har_probability *probabilities)
{
    if (!engine || !probabilities)
        return HAR_BAD_ARGUMENT;
    if (engine->steps == 0)
        return HAR_WINDOW_EMPTY;
    HAR_VIEW(har_model, model, engine->model);
    if (HAR_IS_SHORT(engine, model))
        return HAR_WINDOW_EMPTY;
    har_run(engine, model, model->step_layers, model->layer_count, NULL);
    har_softmax(engine->scratch, model->classes, probabilities);
    return HAR_OK;
}
#endif
