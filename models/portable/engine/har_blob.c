/* Reads a model blob, trusting nothing in it. */
#include "har_blob.h"

#include "har_place.h"
#include "har_shares.h"

#include <string.h>

#define HAR_HEADER_BYTES 24u
#define HAR_MATRIX_BYTES 20u
#define HAR_LAYER_BYTES (4u + 2u * HAR_MATRIX_BYTES)
#define HAR_MORE_BYTES 12u /* of a layer, from version 2 on */
#define HAR_MASK_BYTES 4u
#define HAR_FORMAT_VERSION 4u
#ifdef HAR_FLOAT
#define HAR_NUMBERS 1u
#else
#define HAR_NUMBERS 2u
#endif

/* The rules are those of models/portable/rules.py and blob.py; a test holds the two readers to each other. */
#define HAR_MOST_INPUTS 511u
#define HAR_MOST_BIAS 268435456
#define HAR_MOST_GAIN 128u
#define HAR_MOST_WINDOW 2047u
#define HAR_MOST_CLASSES 255u
#define HAR_LEAST_SHIFT 16u
#define HAR_MOST_SHIFT 32u
#define HAR_MOST_FRACTION 12u
#define HAR_MOST_VALUE_BITS 15u
#define HAR_PLAIN_SAMPLE_BITS 11u

/* The blob, its version, where its arrays may begin, and how many bytes they may take that none of them has taken yet. */
typedef struct har_bytes {
    const uint8_t *at;
    size_t count;
    uint8_t version;
    size_t arrays_at;
    size_t left;
} har_bytes;

/* Little-endian numbers, at any address. */
static uint16_t har_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | (unsigned)at[1] << 8);
}

static uint32_t har_u32(const uint8_t *at)
{
    return (uint32_t)har_u16(at) | (uint32_t)har_u16(at + 2) << 16;
}

/* CRC-32 as zlib computes it, a bit at a time: a model is loaded once. */
static uint32_t har_crc32(const uint8_t *at, size_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (; count > 0; count--) {
        int bit;
        crc ^= *at++;
        for (bit = 0; bit < 8; bit++)
            crc = crc & 1u ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

/* Arrays are used where they lie, so the machine must have the order of their bytes. */
static int har_is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* Where an array lies: behind the records, inside the blob, aligned, of count numbers of some size. NULL if it does not.
 * All arrays together may take no more bytes than there are: they do not share any. */
static const void *har_array(har_bytes *blob, uint32_t offset, size_t count, size_t size)
{
    if (offset % 4 != 0 || offset < blob->arrays_at || offset > blob->count || count > (blob->count - offset) / size ||
        count > blob->left / size)
        return NULL;
    blob->left -= count * size;
    return blob->at + offset;
}

#ifdef HAR_FLOAT
/* Whether all numbers are finite: no exponent has all of its bits. */
static int har_are_finite(const float *numbers, size_t count)
{
    for (; count > 0; count--, numbers++) {
        uint32_t bits;
        memcpy(&bits, numbers, sizeof bits);
        if ((bits & 0x7F800000u) == 0x7F800000u)
            return 0;
    }
    return 1;
}
#else
/* Whether 32 bits suffice for whatever the matrix is given. */
static int har_fits_32_bits(const har_matrix *matrix, uint16_t taps)
{
    size_t row;
    if (matrix->inputs > HAR_MOST_INPUTS || matrix->shift < HAR_LEAST_SHIFT || matrix->shift > HAR_MOST_SHIFT)
        return 0;
    for (row = 0; row < matrix->outputs; row++) {
        if ((uint64_t)taps * matrix->inputs * matrix->multipliers[row] >= (uint64_t)HAR_MOST_GAIN << matrix->shift)
            return 0;
        if (matrix->bias && (matrix->bias[row] > HAR_MOST_BIAS || matrix->bias[row] < -HAR_MOST_BIAS))
            return 0;
    }
    return 1;
}
#endif

/* Load a matrix of so many taps from its record, every array and number checked. */
static har_status har_load_matrix(har_matrix *matrix, har_bytes *blob, const uint8_t *record, uint16_t taps)
{
    const uint32_t bias = har_u32(record + 12);
    uint64_t weights;
    size_t outputs;
    matrix->inputs = har_u16(record);
    matrix->outputs = har_u16(record + 2);
    outputs = matrix->outputs;
    if (matrix->inputs == 0 || outputs == 0 || taps == 0)
        return HAR_DAMAGED_MODEL;
    matrix->bias = bias ? har_array(blob, bias, outputs, sizeof(har_sum)) : NULL;
    if (bias && !matrix->bias)
        return HAR_DAMAGED_MODEL;
#ifndef HAR_FLOAT
    outputs += outputs % 2;
#endif
    weights = (uint64_t)taps * outputs * matrix->inputs;
    if (weights > blob->count)
        return HAR_DAMAGED_MODEL;
    matrix->weights = har_array(blob, har_u32(record + 8), (size_t)weights, sizeof(har_weight));
    if (!matrix->weights)
        return HAR_DAMAGED_MODEL;
#ifdef HAR_FLOAT
    if (!har_are_finite(matrix->weights, (size_t)weights) || (bias && !har_are_finite(matrix->bias, outputs)))
        return HAR_DAMAGED_MODEL;
#else
    matrix->shift = record[4];
    matrix->multipliers = har_array(blob, har_u32(record + 16), matrix->outputs, sizeof(uint16_t));
    if (!matrix->multipliers || !har_fits_32_bits(matrix, taps))
        return HAR_DAMAGED_MODEL;
#endif
    return HAR_OK;
}

/* Rows of the kernel for each unit. */
static uint16_t har_gates_of(uint8_t kind)
{
    switch (kind) {
    case HAR_LSTM:
        return 4;
    case HAR_GRU:
    case HAR_GRU_RESET_AFTER:
    case HAR_ATTENTION:
        return 3;
    default:
        return 1;
    }
}

/* Load the recurrent kernel of a layer whose kernel is loaded. */
static har_status har_load_recurrent(har_layer *layer, har_bytes *blob, const uint8_t *record)
{
    const har_matrix *matrix = &layer->recurrent;
    if (har_load_matrix(&layer->recurrent, blob, record, 1) != HAR_OK || matrix->inputs != layer->units ||
        matrix->outputs != layer->kernel.outputs || (matrix->bias && layer->kind != HAR_GRU_RESET_AFTER))
        return HAR_DAMAGED_MODEL;
    return HAR_OK;
}

/* Load what attention has beside its kernel, which is loaded. */
static har_status har_load_attention(har_layer *layer, har_bytes *blob, const uint8_t *record)
{
    const har_matrix *matrix = &layer->recurrent;
    if (har_load_matrix(&layer->recurrent, blob, record, 1) != HAR_OK || matrix->inputs != layer->units ||
        matrix->outputs != layer->kernel.inputs || layer->heads == 0 || layer->units % layer->heads != 0 ||
        layer->inside_bits > HAR_MOST_FRACTION)
        return HAR_DAMAGED_MODEL;
    return HAR_OK;
}

/* Bytes of a layer's record. */
static size_t har_record_bytes(const har_bytes *blob)
{
    return HAR_LAYER_BYTES + (blob->version > 1 ? HAR_MORE_BYTES : 0u);
}

/* Load how a layer lies along time; what its kind has not is 1, or nothing. */
static har_status har_load_time(har_layer *layer, uint8_t *padding, const har_bytes *blob, const uint8_t *record)
{
    const uint8_t *more = record + HAR_LAYER_BYTES;
    const int convolution = har_is_convolution(layer->kind), filter = convolution || har_is_pool(layer->kind);
    const int attention = layer->kind == HAR_ATTENTION;
    *padding = 0;
    layer->taps = layer->dilation = layer->stride = 1;
    layer->merge = layer->around_bits = layer->is_first_of_two = 0;
    layer->heads = layer->inside_bits = layer->goes_around = layer->hands_last = 0;
    layer->before = layer->after = 0;
    if (blob->version > 1) {
        if (filter || layer->kind == HAR_DENSE_OVER_TIME || attention)
            layer->taps = har_u16(more);
        if (convolution)
            layer->dilation = har_u16(more + 2);
        if (filter) {
            layer->stride = har_u16(more + 4);
            *padding = more[6];
        }
        if (har_is_recurrent(layer->kind) || layer->kind == HAR_FORK)
            layer->merge = more[7];
        if (layer->kind == HAR_RESIDUAL || attention || layer->kind == HAR_END || layer->kind == HAR_JOIN)
            layer->around_bits = more[8];
        if (har_is_recurrent(layer->kind) && blob->version > 3)
            layer->hands_last = more[11] != 0;
        if (attention) {
            layer->heads = more[9];
            layer->inside_bits = more[10];
            layer->goes_around = more[11] != 0;
        }
    }
    if (layer->taps == 0 || layer->dilation == 0 || layer->stride == 0 || *padding > HAR_CAUSAL ||
        (uint32_t)(layer->taps - 1) * layer->dilation > HAR_MOST_WINDOW || layer->merge > HAR_AVE ||
        layer->around_bits > HAR_MOST_VALUE_BITS)
        return HAR_DAMAGED_MODEL;
    return HAR_OK;
}

/* Load the matrices of a layer that takes ``inputs`` numbers. */
static har_status har_load_matrices(har_layer *layer, har_bytes *blob, const uint8_t *record, uint16_t inputs)
{
    const uint8_t *second = record + 4 + HAR_MATRIX_BYTES;
    const uint16_t gates = har_gates_of(layer->kind), taps = layer->kind == HAR_ATTENTION ? 1 : layer->taps;
    memset(&layer->kernel, 0, sizeof layer->kernel);
    memset(&layer->recurrent, 0, sizeof layer->recurrent);
    layer->units = inputs;
    if (har_is_pool(layer->kind) || har_is_whole(layer->kind) || har_is_branching(layer->kind))
        return HAR_OK;
    if (har_load_matrix(&layer->kernel, blob, record + 4, taps) != HAR_OK)
        return HAR_DAMAGED_MODEL;
    layer->units = (uint16_t)(layer->kernel.outputs / gates);
    if (layer->kernel.inputs != inputs || layer->kernel.outputs % gates != 0)
        return HAR_DAMAGED_MODEL;
    if (layer->kind == HAR_RESIDUAL && har_u32(second + 8) != 0)
        return har_load_matrix(&layer->recurrent, blob, second, 1);
    if (layer->kind == HAR_ATTENTION)
        return har_load_attention(layer, blob, second);
    return har_is_recurrent(layer->kind) ? har_load_recurrent(layer, blob, second) : HAR_OK;
}

/* Whether an activation is one that the version and the place of a layer have. */
static int har_is_activation(const har_bytes *blob, const har_layer *layer, int last)
{
    const uint8_t most = blob->version > 1 ? HAR_LINEAR_HEAD : HAR_SOFTMAX;
    if (har_is_recurrent(layer->kind) || har_is_pool(layer->kind) || har_is_whole(layer->kind) ||
        layer->kind == HAR_ATTENTION || layer->kind == HAR_FORK || layer->kind == HAR_END)
        return layer->activation == 0 && !last;
    if (layer->kind == HAR_RESIDUAL && layer->activation != HAR_RELU)
        return 0;
    if (last)
        return layer->kind == HAR_DENSE && layer->activation >= HAR_SOFTMAX && layer->activation <= most;
    return layer->activation >= HAR_LINEAR && layer->activation < HAR_SOFTMAX;
}

/* Load one layer that takes ``inputs`` numbers. */
static har_status har_load_layer(har_layer *layer, uint8_t *padding, har_bytes *blob, const uint8_t *record,
                                 uint16_t inputs, int last)
{
    static const uint8_t most_of[] = {0, HAR_DENSE, HAR_DENSE_OVER_TIME, HAR_ATTENTION, HAR_JOIN};
    const uint8_t most = most_of[blob->version];
    layer->kind = record[0];
    layer->activation = record[1];
    layer->fraction = record[2];
    if (layer->kind < HAR_SIMPLE_RNN || layer->kind > most || layer->fraction > HAR_MOST_FRACTION ||
        !har_is_activation(blob, layer, last))
        return HAR_DAMAGED_MODEL;
    if (har_load_time(layer, padding, blob, record) != HAR_OK)
        return HAR_DAMAGED_MODEL;
    return har_load_matrices(layer, blob, record, inputs);
}

/* Add a layer's share to the memory the model asks for; no share may pass 65535 numbers. The last layer's numbers are
 * logits, which stay in the scratch memory. */
static har_status har_add_needs(har_model *model, const har_layer *layer, int last)
{
    const uint32_t scratch = har_scratch(layer);
    const uint32_t sums = model->kept_sums + har_kept_sums(layer);
    const uint32_t values = model->kept_values + (last ? 0 : har_kept_values(layer));
    if (scratch > UINT16_MAX || sums > UINT16_MAX || values > UINT16_MAX)
        return HAR_DAMAGED_MODEL;
    if (scratch > model->scratch_sums)
        model->scratch_sums = (uint16_t)scratch;
    model->kept_sums = (uint16_t)sums;
    model->kept_values = (uint16_t)values;
    return HAR_OK;
}

/* Place a loaded layer behind those before it, and add what it needs. What a fork needs is known at its join. */
static har_status har_add_layer(har_model *model, har_layer *layers, uint8_t index, uint8_t padding, har_walk *walk)
{
    const int last = index + 1 == model->layer_count, ends = index + 1 == model->step_layers;
    const int at_end = index >= model->step_layers, branching = har_is_branching(layers[index].kind);
    har_layer *layer = layers + index;
    har_status status;
    if (model->is_masked && (layer->kind > HAR_DENSE || layer->hands_last))
        return HAR_DAMAGED_MODEL;
    if (branching)
        status = at_end ? HAR_DAMAGED_MODEL : har_place_branching(layer, walk, ends);
    else
        status = har_place(layer, padding, layer->inputs, walk->steps, at_end, ends);
    if (status != HAR_OK || (ends && walk->open > 0) || har_pair(layers, index) != HAR_OK)
        return HAR_DAMAGED_MODEL;
    if (layer->kind != HAR_FORK && har_add_needs(model, layer, last) != HAR_OK)
        return HAR_DAMAGED_MODEL;
    if (layer->kind == HAR_JOIN && har_add_needs(model, walk->forks[walk->open].layer, 0) != HAR_OK)
        return HAR_DAMAGED_MODEL;
    if (!branching)
        walk->pace = har_pace_behind(walk->pace, layer);
    if (layer->kind > HAR_DENSE || layer->merge || layer->hands_last)
        model->needs_whole_windows = 1;
    walk->numbers = layer->outputs;
    walk->steps = ends || at_end ? 1 : layer->count;
    return HAR_OK;
}

/* Every layer takes what the one before it hands on; the last one, and no other, is a head. A layer that runs backward
 * takes what the one before it takes. */
static har_status har_load_layers(har_model *model, har_layer *layers, har_bytes *blob)
{
    har_walk walk;
    uint8_t index;
    walk.numbers = model->channels;
    walk.steps = model->window;
    walk.pace.stride = 1;
    walk.pace.lag = 0;
    walk.open = 0;
    model->scratch_sums = model->kept_sums = model->kept_values = 0;
    model->needs_whole_windows = 0;
    for (index = 0; index < model->layer_count; index++) {
        const int last = index + 1 == model->layer_count;
        const uint8_t *record = blob->at + HAR_HEADER_BYTES + index * har_record_bytes(blob);
        har_layer *layer = layers + index;
        uint8_t padding;
        layer->inputs = walk.numbers;
        if (blob->version > 1 && index > 0 && har_is_recurrent(record[0]) && record[HAR_LAYER_BYTES + 7] != 0) {
            layer->inputs = layer[-1].inputs;
            layer[-1].is_first_of_two = 1;
        }
        if (har_load_layer(layer, &padding, blob, record, layer->inputs, last) != HAR_OK ||
            har_add_layer(model, layers, index, padding, &walk) != HAR_OK)
            return HAR_DAMAGED_MODEL;
    }
    model->head = layers[model->layer_count - 1].activation;
    return walk.numbers == model->classes ? HAR_OK : HAR_DAMAGED_MODEL;
}

/* Load the value that masks, which is behind the records. */
static har_status har_load_mask(har_model *model, har_bytes *blob)
{
    const uint32_t bits = har_u32(blob->at + blob->arrays_at);
    memcpy(&model->mask_value, &bits, sizeof bits);
    blob->arrays_at += HAR_MASK_BYTES;
#ifdef HAR_FLOAT
    return har_are_finite(&model->mask_value, 1) ? HAR_OK : HAR_DAMAGED_MODEL;
#else
    return model->mask_value >= INT16_MIN && model->mask_value <= INT16_MAX ? HAR_OK : HAR_DAMAGED_MODEL;
#endif
}

har_status har_load(har_model *model, har_layer *layers, size_t layer_room, const void *blob, size_t bytes)
{
    har_bytes own;
    own.at = blob;
    own.count = bytes;
    own.arrays_at = own.left = 0;
    own.version = 0;
    if (!model || !layers || !blob || (uintptr_t)blob % 4 != 0 || !har_is_little_endian())
        return HAR_BAD_ARGUMENT;
    if (bytes < HAR_HEADER_BYTES || memcmp(own.at, "HARC", 4) != 0)
        return HAR_NOT_A_MODEL;
    own.version = own.at[12];
    if (own.version == 0 || own.version > HAR_FORMAT_VERSION)
        return HAR_OTHER_VERSION;
    if (har_u32(own.at + 8) != bytes || har_u32(own.at + 4) != har_crc32(own.at + 8, bytes - 8))
        return HAR_DAMAGED_MODEL;
    if (own.at[13] != HAR_NUMBERS)
        return HAR_OTHER_NUMBERS;
    model->layers = layers;
    model->layer_count = own.at[14];
    model->step_layers = own.at[15];
    model->window = har_u16(own.at + 16);
    model->channels = har_u16(own.at + 18);
    model->classes = har_u16(own.at + 20);
    model->sample_bits = own.version > 1 ? own.at[22] : HAR_PLAIN_SAMPLE_BITS;
    model->is_masked = own.version > 1 ? own.at[23] : 0;
    model->mask_value = 0;
    if (model->sample_bits > HAR_MOST_VALUE_BITS || model->is_masked > (own.version > 3))
        return HAR_DAMAGED_MODEL;
    if (model->step_layers == 0 || model->step_layers >= model->layer_count || model->window == 0 ||
        model->window > HAR_MOST_WINDOW || model->classes > HAR_MOST_CLASSES)
        return HAR_DAMAGED_MODEL;
    own.arrays_at = HAR_HEADER_BYTES + (size_t)model->layer_count * har_record_bytes(&own);
    if (bytes < own.arrays_at + HAR_MASK_BYTES * model->is_masked)
        return HAR_DAMAGED_MODEL;
    if (model->is_masked && har_load_mask(model, &own) != HAR_OK)
        return HAR_DAMAGED_MODEL;
    own.left = bytes - own.arrays_at;
    if (model->layer_count > layer_room)
        return HAR_SMALL_MEMORY;
    return har_load_layers(model, layers, &own);
}
