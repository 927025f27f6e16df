/* The stack: memory for one tile, tiles one after the other, the softmax layer and its cross-entropy. */
#include "har_train.h"

#include "har_train_layer.h"
#include "har_train_products.h"

#include <math.h>
#include <string.h>

#define ALIGNMENT 64

typedef struct {
    const har_train_stack *stack;
    har_train_layer layers[HAR_TRAIN_MOST_LAYERS];
    size_t depth, units, classes; /* units: of the last layer */
    size_t kernel_at, bias_at;    /* of the output layer */
    const float *kernel, *bias;
    float *kernel_transposed;
    har_lanes *windows;                            /* (steps, channels) */
    har_lanes *upstream;                           /* (steps, stride): the gradient at the last layer's states */
    har_lanes *answered, *logits, *wanted, *lacks; /* of every answer: states (units), and (classes) thrice */
    size_t parameters, bytes;
} har_train_tile;

/* Take bytes of the memory; where there is none yet, count them. */
static void *take(char *memory, size_t *used, size_t bytes)
{
    void *taken = memory ? memory + *used : NULL;
    *used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return taken;
}

static har_lanes *take_lanes(char *memory, size_t *used, size_t count)
{
    return take(memory, used, count * sizeof(har_lanes));
}

static har_lanes *take_values(char *memory, size_t *used, size_t count)
{
    return take_lanes(memory, used, count * HAR_WIDE);
}

static int stack_is_sound(const har_train_stack *stack)
{
    const int32_t most = 65536;
    int32_t index;
    if (stack->steps < 1 || stack->steps > most || stack->channels < 1 || stack->channels > most ||
        stack->classes < 1 || stack->classes > most || stack->depth < 1 || stack->depth > HAR_TRAIN_MOST_LAYERS)
        return 0;
    for (index = 0; index < stack->depth; index++)
        if (stack->units[index] < 1 || stack->units[index] > most || stack->kinds[index] < HAR_TRAIN_SIMPLE_RNN ||
            stack->kinds[index] > HAR_TRAIN_GRU)
            return 0;
    return 1;
}

/* ``input``: vectors from one step's inputs to the next ones. */
static void lay_out_layer(har_train_layer *layer, int32_t kind, size_t inputs, size_t input, size_t units, size_t *at)
{
    memset(layer, 0, sizeof *layer);
    layer->kind = kind;
    layer->inputs = inputs;
    layer->units = units;
    layer->width = units * har_train_gates(kind);
    layer->input = input;
    layer->state = units * HAR_WIDE;
    layer->stride = har_stride(layer->state);
    layer->kept = har_stride(layer->state * har_train_kept(kind));
    layer->kernel_at = *at;
    layer->recurrent_at = layer->kernel_at + inputs * layer->width;
    layer->bias_at = layer->recurrent_at + units * layer->width;
    *at = layer->bias_at + units * har_train_biases(kind);
}

static void give_memory(har_train_layer *layer, size_t steps, int is_first, char *memory, size_t *used)
{
    const size_t units = layer->units, inputs = layer->inputs, width = layer->width;
    const size_t state = layer->state, stride = layer->stride;
    layer->states = take_lanes(memory, used, (steps + 1) * stride);
    layer->cells = take_lanes(memory, used, layer->kind == HAR_TRAIN_LSTM ? (steps + 1) * stride : 0);
    layer->entered = take_lanes(memory, used, (steps + 1) * stride);
    layer->mask = take_lanes(memory, used, state);
    layer->gates = take_lanes(memory, used, steps * layer->kept);
    layer->inputs_gradient = take_lanes(memory, used, is_first ? 0 : steps * layer->input);
    layer->carried = take_lanes(memory, used, state);
    layer->carried_cells = take_lanes(memory, used, state);
    layer->through = take_lanes(memory, used, state);
    layer->kernel_transposed = take(memory, used, sizeof(float) * inputs * width);
    layer->recurrent_transposed = take(memory, used, sizeof(float) * units * width);
    layer->joint_bias = take(memory, used, sizeof(float) * units * har_train_biases(layer->kind));
    if (is_first)
        layer->inputs_gradient = NULL;
}

/* Find the place of everything; without memory, only how much there must be. */
static void lay_out(har_train_tile *tile, const har_train_stack *stack, size_t answers, char *memory)
{
    size_t inputs = (size_t)stack->channels, steps = (size_t)stack->steps, at = 0, used = 0, index;
    size_t input = inputs * HAR_WIDE; /* vectors from one step's inputs to the next ones */
    tile->stack = stack;
    tile->depth = (size_t)stack->depth;
    tile->classes = (size_t)stack->classes;
    for (index = 0; index < tile->depth; index++) {
        lay_out_layer(&tile->layers[index], stack->kinds[index], inputs, input, (size_t)stack->units[index], &at);
        give_memory(&tile->layers[index], steps, index == 0, memory, &used);
        inputs = (size_t)stack->units[index];
        input = tile->layers[index].stride;
    }
    tile->units = inputs;
    tile->kernel_at = at;
    tile->bias_at = at + inputs * tile->classes;
    tile->parameters = tile->bias_at + tile->classes;
    tile->kernel_transposed = take(memory, &used, sizeof(float) * inputs * tile->classes);
    tile->windows = take_values(memory, &used, steps * (size_t)stack->channels);
    tile->upstream = take_lanes(memory, &used, steps * input);
    tile->answered = take_values(memory, &used, answers * inputs);
    tile->logits = take_values(memory, &used, answers * tile->classes);
    tile->wanted = take_values(memory, &used, answers * tile->classes);
    tile->lacks = take_values(memory, &used, answers * tile->classes);
    tile->bytes = used;
}

size_t har_train_lanes(void)
{
    return HAR_TILE;
}

size_t har_train_parameters(const har_train_stack *stack)
{
    har_train_tile tile;
    if (!stack_is_sound(stack))
        return 0;
    lay_out(&tile, stack, 1, NULL);
    return tile.parameters;
}

size_t har_train_memory(const har_train_stack *stack, int32_t answers)
{
    har_train_tile tile;
    if (!stack_is_sound(stack) || answers < 1 || answers > stack->steps)
        return 0;
    lay_out(&tile, stack, (size_t)answers, NULL);
    return tile.bytes;
}

/* Vectors from one of the last layer's states to the next. */
static size_t stride_of(const har_train_tile *tile)
{
    return tile->layers[tile->depth - 1].stride;
}

/* Give the layers their weights. */
static void prepare(har_train_tile *tile, const float *parameters, int is_masked)
{
    const size_t steps = (size_t)tile->stack->steps;
    size_t index, k;
    for (index = 0; index < tile->depth; index++) {
        har_train_layer *layer = &tile->layers[index];
        layer->kernel = parameters + layer->kernel_at;
        layer->recurrent = parameters + layer->recurrent_at;
        layer->bias = parameters + layer->bias_at;
        har_transpose(layer->kernel, layer->inputs, layer->width, layer->kernel_transposed);
        har_transpose(layer->recurrent, layer->units, layer->width, layer->recurrent_transposed);
        if (layer->kind == HAR_TRAIN_GRU)
            for (k = 0; k < layer->width; k++)
                layer->joint_bias[k] = layer->bias[k] + layer->bias[layer->width + k];
        memset(layer->states, 0, layer->state * sizeof(har_lanes));
        if (layer->kind == HAR_TRAIN_LSTM)
            memset(layer->cells, 0, layer->state * sizeof(har_lanes));
        memset(layer->entered, 0, layer->state * sizeof(har_lanes));
        if (!is_masked) {
            layer->entered = layer->states;
            layer->mask = NULL;
        }
    }
    tile->kernel = parameters + tile->kernel_at;
    tile->bias = parameters + tile->bias_at;
    har_transpose(tile->kernel, tile->units, tile->classes, tile->kernel_transposed);
    memset(tile->upstream, 0, steps * stride_of(tile) * sizeof(har_lanes));
}

/* Rows of numbers side by side in the lanes; lanes that have no row get zeros. */
static void spread(const float *rows, size_t length, size_t count, har_lanes *values)
{
    float *numbers = (float *)values;
    size_t lane, k;
    if (count < HAR_TILE)
        memset(values, 0, length * HAR_TILE * sizeof(float));
    for (k = 0; k < length; k++)
        for (lane = 0; lane < count; lane++)
            numbers[k * HAR_TILE + lane] = rows[lane * length + k];
}

static const har_lanes *states_of(const har_train_layer *layer)
{
    return layer->states + layer->stride;
}

static void forward(har_train_tile *tile)
{
    const har_lanes *inputs = tile->windows;
    size_t index;
    for (index = 0; index < tile->depth; index++) {
        har_train_layer_forward(&tile->layers[index], (size_t)tile->stack->steps, inputs);
        inputs = states_of(&tile->layers[index]);
    }
}

static void backward(har_train_tile *tile, float *gradient)
{
    const har_lanes *upstream = tile->upstream;
    size_t index = tile->depth;
    while (index-- > 0) {
        const har_lanes *inputs = index > 0 ? states_of(&tile->layers[index - 1]) : tile->windows;
        har_train_layer_backward(&tile->layers[index], (size_t)tile->stack->steps, inputs, upstream, gradient);
        upstream = tile->layers[index].inputs_gradient;
    }
}

/* Return the cross-entropy of one answer in the lanes of one vector of the tile, and leave (mass x probabilities -
 * wanted) in ``lacks``; the vectors of the classes stand HAR_WIDE apart. */
static har_lanes cross_entropy(const har_lanes *logits, const har_lanes *wanted, size_t classes, har_lanes *lacks)
{
    const size_t end = classes * HAR_WIDE;
    har_lanes largest = logits[0], total = har_all(0.0f), mass = har_all(0.0f), entropy = har_all(0.0f), log_total;
    size_t k, lane;
    for (k = HAR_WIDE; k < end; k += HAR_WIDE)
        largest = har_larger(logits[k], largest);
    for (k = 0; k < end; k += HAR_WIDE) {
        lacks[k] = har_exp(logits[k] - largest);
        total += lacks[k];
        mass += wanted[k];
    }
    for (lane = 0; lane < HAR_LANES; lane++)
        ((float *)&log_total)[lane] = logf(har_lane(&total, lane));
    for (k = 0; k < end; k += HAR_WIDE) {
        entropy += wanted[k] * (log_total - (logits[k] - largest));
        lacks[k] = mass * lacks[k] / total - wanted[k];
    }
    return entropy;
}

/* The number of one window in a tile's values. */
static float number_of(const har_lanes *values, size_t index, size_t lane)
{
    return har_lane(values + index * HAR_WIDE, lane);
}

/* Windows whose largest logit is where most is wanted; a lane that wants nothing is no window. */
static double count_correct(const har_lanes *logits, const har_lanes *wanted, size_t classes, size_t count)
{
    double correct = 0.0;
    size_t lane, k;
    for (lane = 0; lane < count; lane++) {
        size_t said = 0, meant = 0;
        for (k = 1; k < classes; k++) {
            if (number_of(logits, k, lane) > number_of(logits, said, lane))
                said = k;
            if (number_of(wanted, k, lane) > number_of(wanted, meant, lane))
                meant = k;
        }
        correct += said == meant;
    }
    return correct;
}

/* Ask the output layer at every answer's step: results, its own gradient, and that at the states. */
static void answer(har_train_tile *tile, const har_train_answers *answers, size_t count, float scale, float *gradient,
                   har_train_result *result)
{
    const size_t units = tile->units, classes = tile->classes, asked = (size_t)answers->count;
    const size_t state = units * HAR_WIDE, stride = stride_of(tile), answer_vectors = classes * HAR_WIDE;
    const har_lanes *states = states_of(&tile->layers[tile->depth - 1]);
    const har_series answered = {tile->answered, state}, lacking = {tile->lacks, answer_vectors};
    size_t place, k;
    for (place = 0; place < asked; place++) {
        const size_t step = (size_t)answers->steps[place];
        har_lanes *logits = tile->logits + place * answer_vectors, *lacks = tile->lacks + place * answer_vectors;
        const har_lanes *wanted = tile->wanted + (answers->target_sets > 1 ? place : 0) * answer_vectors;
        const har_product output = {tile->kernel, classes, units, states + step * stride};
        const har_product back = {tile->kernel_transposed, units, classes, lacks};
        const float share = answers->shares[place];
        double sum = 0.0;
        memcpy(tile->answered + place * state, states + step * stride, state * sizeof(har_lanes));
        har_sums(classes, tile->bias, &output, NULL, logits);
        for (k = 0; k < HAR_WIDE; k++)
            sum += (double)har_sum_lanes(cross_entropy(logits + k, wanted + k, classes, lacks + k));
        result->loss += sum * (double)share;
        if (place + 1 == asked) {
            result->final_loss += sum;
            result->correct += count_correct(logits, wanted, classes, count);
        }
        for (k = 0; k < answer_vectors; k++)
            lacks[k] *= share * scale;
        har_sums(units, NULL, &back, NULL, tile->upstream + step * stride);
    }
    har_add_outer(asked, answered, units, lacking, classes, gradient + tile->kernel_at, classes);
    har_add_sums(asked, lacking, classes, gradient + tile->bias_at);
}

static har_train_status open_tile(har_train_tile *tile, const har_train_stack *stack, size_t answers, void *memory)
{
    if (!stack_is_sound(stack))
        return HAR_TRAIN_NO_STACK;
    if (!memory || (size_t)memory % ALIGNMENT)
        return HAR_TRAIN_NO_MEMORY;
    lay_out(tile, stack, answers, memory);
    return HAR_TRAIN_OK;
}

static int answers_are_sound(const har_train_stack *stack, const har_train_answers *answers)
{
    int32_t place, before = -1;
    if (answers->count < 1 || (answers->target_sets != 1 && answers->target_sets != answers->count))
        return 0;
    for (place = 0; place < answers->count; place++) {
        if (answers->steps[place] <= before || answers->steps[place] >= stack->steps)
            return 0;
        before = answers->steps[place];
    }
    return 1;
}

har_train_status har_train_gradient(const har_train_stack *stack, void *memory, const float *parameters,
                                    const har_train_answers *answers, const float *windows, const float *targets,
                                    const float *masks, size_t masks_rows, size_t count, float scale, float *gradient,
                                    har_train_result *result)
{
    har_train_tile tile;
    size_t done, window, wanted, index;
    har_train_status status;
    if (!stack_is_sound(stack) || !answers_are_sound(stack, answers))
        return HAR_TRAIN_NO_STACK;
    status = open_tile(&tile, stack, (size_t)answers->count, memory);
    if (status != HAR_TRAIN_OK)
        return status;
    prepare(&tile, parameters, masks != NULL);
    window = (size_t)stack->steps * (size_t)stack->channels;
    wanted = (size_t)answers->target_sets * tile.classes;
    for (done = 0; done < count; done += HAR_TILE) {
        const size_t lanes = count - done < HAR_TILE ? count - done : HAR_TILE;
        const float *mask = masks;
        for (index = 0; masks && index < tile.depth; index++) {
            const size_t units = tile.layers[index].units;
            spread(mask + done * units, units, lanes, tile.layers[index].mask);
            mask += masks_rows * units;
        }
        spread(windows + done * window, window, lanes, tile.windows);
        spread(targets + done * wanted, wanted, lanes, tile.wanted);
        forward(&tile);
        answer(&tile, answers, lanes, scale, gradient, result);
        backward(&tile, gradient);
    }
    return HAR_TRAIN_OK;
}

har_train_status har_train_logits(const har_train_stack *stack, void *memory, const float *parameters,
                                  const float *windows, size_t count, float *logits)
{
    har_train_tile tile;
    size_t done, window, lane, k;
    har_train_status status = open_tile(&tile, stack, 1, memory);
    if (status != HAR_TRAIN_OK)
        return status;
    prepare(&tile, parameters, 0);
    window = (size_t)stack->steps * (size_t)stack->channels;
    for (done = 0; done < count; done += HAR_TILE) {
        const size_t lanes = count - done < HAR_TILE ? count - done : HAR_TILE;
        const har_lanes *last;
        spread(windows + done * window, window, lanes, tile.windows);
        forward(&tile);
        last = states_of(&tile.layers[tile.depth - 1]) + ((size_t)stack->steps - 1) * stride_of(&tile);
        har_sums(tile.classes, tile.bias, &(har_product){tile.kernel, tile.classes, tile.units, last}, NULL,
                 tile.logits);
        for (lane = 0; lane < lanes; lane++)
            for (k = 0; k < tile.classes; k++)
                logits[(done + lane) * tile.classes + k] = number_of(tile.logits, k, lane);
    }
    return HAR_TRAIN_OK;
}
