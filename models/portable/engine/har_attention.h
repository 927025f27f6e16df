/* Attention of every step to all steps of the window: included by har_time.h where a model has it.
 *
 * While the window runs, each step's input, keys and values are remembered. When it has ended, each step is given its
 * number once more: its query meets the keys of all steps, and the values are averaged by what comes of it. The memory:
 * what is handed on, a query or what it attends to, the inputs, and for every step its keys and its values. */
#ifndef HAR_ATTENTION_H
#define HAR_ATTENTION_H

/* Where a layer keeps what it remembers of a step. */
typedef struct har_remembered {
    har_value *inputs;
    har_value *keys; /* and behind them the values */
} har_remembered;

static har_remembered har_remember(const har_layer *layer, uint16_t step, const har_cursor *at)
{
    const size_t size = HAR_SPAN(layer->inputs), pair = HAR_SPAN(2u * layer->units);
    har_value *inputs = at->values + HAR_SPAN(layer->outputs) + HAR_SPAN(layer->units);
    har_remembered own;
    own.inputs = inputs + step * size;
    own.keys = inputs + layer->steps * size + step * pair;
    return own;
}

/* Each head's mean of what all steps hold, in the place of its query. */
HAR_SELDOM void har_attend(const har_layer *layer, har_element *query, const har_cursor *at)
{
    const uint16_t size = (uint16_t)(layer->units / layer->heads);
    const size_t stride = (size_t)HAR_SPAN(2u * layer->units) * (sizeof(har_value) / sizeof(har_element));
    const har_element *keys = (const har_element *)har_remember(layer, 0, at).keys;
    har_total *scores = (har_total *)at->scratch;
    uint8_t head;
    for (head = 0; head < layer->heads; head++, query += size, keys += size) {
        uint16_t step;
        for (step = 0; step < layer->steps; step++)
            scores[step] = har_score(query, keys + step * stride, size, layer->inside_bits);
        har_powers(scores, layer->steps);
        har_blend(scores, layer->steps, keys + layer->units, stride, size, query);
    }
}

/* softmax(Q K') V O, and what goes around */
HAR_SELDOM uint8_t har_attention(const har_layer *layer, har_given *given, const har_cursor *at)
{
    const uint8_t is_late = given->number >= layer->steps;
    const uint16_t step = (uint16_t)(is_late ? given->number - layer->steps : given->number), units = layer->units;
    const har_remembered own = har_remember(layer, step, at);
    har_value *query = at->values + HAR_SPAN(layer->outputs);
    const har_total *sums = (const har_total *)at->scratch;
    uint16_t k;
    har_start(&layer->kernel, at->scratch);
    if (!is_late) {
        memcpy(own.inputs, given->vector, HAR_NUMBERS_BYTES(layer->inputs));
        har_add_rows(&layer->kernel, 0, (uint16_t)(2 * units), own.inputs, at->scratch);
        for (k = 0; k < 2 * units; k++)
            ((har_element *)own.keys)[k] = HAR_NARROW_ELEMENT(sums[k], layer->inside_bits);
        return 0;
    }
    har_add_rows(&layer->kernel, (uint16_t)(2 * units), layer->kernel.outputs, own.inputs, at->scratch);
    for (k = 0; k < units; k++)
        ((har_element *)query)[k] = HAR_NARROW_ELEMENT(sums[2 * units + k], layer->inside_bits);
    har_attend(layer, (har_element *)query, at);
    har_affine(&layer->recurrent, query, at->scratch);
    for (k = 0; k < HAR_SPAN(layer->outputs); k++) {
        har_sum sum = at->scratch[k];
        if (layer->goes_around)
            sum += har_widen(own.inputs[k], layer->around_bits);
        at->values[k] = har_narrow(sum, layer->fraction);
    }
    given->number = step;
    return 1;
}

#endif
