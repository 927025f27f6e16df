/* Lanes are the units of one window: the least time for a single window. */
#include "har_lanes_arithmetic.h"

/* Every layer's units fill whole vectors; its numbers lie as plain floats. */
#define HAR_SPAN(numbers) ((uint16_t)(((numbers) + HAR_LANES - 1u) / HAR_LANES))

/* Vectors of rows whose sums are in registers at once, for one step and, two vectors each, for several steps. */
#if HAR_MANY_REGISTERS
#define HAR_MOST_VECTORS 8
#define HAR_STEPS_AT_ONCE 4
#else
#define HAR_MOST_VECTORS 4
#define HAR_STEPS_AT_ONCE 2
#endif

#define HAR_NUMBERS_BYTES(numbers) ((numbers) * sizeof(float))

#include "har_shares.h"

/* Vectors that all layers keep between steps. */
HAR_INLINE size_t har_kept_sum_vectors(const har_model *model)
{
    size_t vectors = 0;
    uint8_t index;
    for (index = 0; index < model->layer_count; index++)
        vectors += har_kept_sums(model->layers + index);
    return vectors;
}

/* Vectors of the layer that needs most while it runs. */
HAR_INLINE size_t har_scratch_vectors(const har_model *model)
{
    size_t most = 0;
    uint8_t index;
    for (index = 0; index < model->layer_count; index++) {
        const size_t vectors = har_scratch(model->layers + index);
        most = vectors > most ? vectors : most;
    }
    return most;
}

/* The last layer hands on none. */
HAR_INLINE size_t har_kept_value_vectors(const har_model *model)
{
    size_t vectors = 0;
    uint8_t index;
    for (index = 0; index + 1 < model->layer_count; index++)
        vectors += har_kept_values(model->layers + index);
    return vectors;
}

#define HAR_SCRATCH_SUMS(model) har_scratch_vectors(model)
#define HAR_KEPT_SUMS(model) har_kept_sum_vectors(model)
#define HAR_KEPT_VALUES(model) har_kept_value_vectors(model)

/* A matrix without weights is one whose sums are there already: see har_wave.h. Whole vectors first: a vector read back
 * from narrower stores has to wait for them. */
HAR_INLINE void har_start(const har_matrix *matrix, har_lanes *sums)
{
    float *totals = (float *)sums;
    size_t row = 0;
    if (!matrix->weights)
        return;
    for (; row + HAR_LANES <= matrix->outputs; row += HAR_LANES)
        *(har_lanes *)(totals + row) = matrix->bias ? *(const har_lanes *)(matrix->bias + row) : har_all(0.0f);
    for (; row < matrix->outputs; row++)
        totals[row] = matrix->bias ? matrix->bias[row] : 0.0f;
}

/* The loop of har_float.h for ``vectors`` registers of rows. */
HAR_INLINE void har_add_vectors(const har_matrix *matrix, size_t row, size_t vectors, const float *inputs, float *sums)
{
    const size_t outputs = matrix->outputs, count = matrix->inputs;
    const float *weights = matrix->weights + row;
    har_lanes even[HAR_MOST_VECTORS], odd[HAR_MOST_VECTORS];
    size_t column, k;
    HAR_REGISTERS
    for (k = 0; k < vectors; k++)
        even[k] = odd[k] = har_all(0.0f);
    for (column = 0; column + 1 < count; column += 2, weights += 2 * outputs) {
        HAR_REGISTERS
        for (k = 0; k < vectors; k++)
            even[k] += inputs[column] * *(const har_lanes *)(weights + k * HAR_LANES);
        HAR_REGISTERS
        for (k = 0; k < vectors; k++)
            odd[k] += inputs[column + 1] * *(const har_lanes *)(weights + outputs + k * HAR_LANES);
    }
    if (column < count) {
        HAR_REGISTERS
        for (k = 0; k < vectors; k++)
            even[k] += inputs[column] * *(const har_lanes *)(weights + k * HAR_LANES);
    }
    HAR_REGISTERS
    for (k = 0; k < vectors; k++)
        *(har_lanes *)(sums + row + k * HAR_LANES) += even[k] + odd[k];
}

#if HAR_LANES > 4
/* Four numbers, where a layer's last rows do not fill a register. */
typedef float har_four __attribute__((vector_size(16), aligned(4), may_alias));

/* The same for four rows. */
HAR_INLINE void har_add_four(const har_matrix *matrix, size_t row, const float *inputs, float *sums)
{
    const size_t outputs = matrix->outputs;
    const float *weights = matrix->weights + row;
    har_four even = {0.0f}, odd = {0.0f};
    size_t column;
    for (column = 0; column + 1 < matrix->inputs; column += 2, weights += 2 * outputs) {
        even += inputs[column] * *(const har_four *)weights;
        odd += inputs[column + 1] * *(const har_four *)(weights + outputs);
    }
    if (column < matrix->inputs)
        even += inputs[column] * *(const har_four *)weights;
    *(har_four *)(sums + row) += even + odd;
}
#endif

/* The same for one row, where there are too few for a vector. */
HAR_INLINE void har_add_row(const har_matrix *matrix, size_t row, const float *inputs, float *sums)
{
    const size_t outputs = matrix->outputs;
    const float *weights = matrix->weights + row;
    float even = 0.0f, odd = 0.0f;
    size_t column;
    for (column = 0; column < matrix->inputs; column++)
        if (column % 2 == 0)
            even += inputs[column] * weights[column * outputs];
        else
            odd += inputs[column] * weights[column * outputs];
    sums[row] += even + odd;
}

/* totals[row..last) += weights x inputs, as many vectors of rows at once as there are registers for. */
static void har_add_range(const har_matrix *matrix, size_t row, size_t last, const float *inputs, float *totals)
{
    for (; row + HAR_MOST_VECTORS * HAR_LANES <= last; row += HAR_MOST_VECTORS * HAR_LANES)
        har_add_vectors(matrix, row, HAR_MOST_VECTORS, inputs, totals);
    for (; row + 4 * HAR_LANES <= last; row += 4 * HAR_LANES)
        har_add_vectors(matrix, row, 4, inputs, totals);
    for (; row + 2 * HAR_LANES <= last; row += 2 * HAR_LANES)
        har_add_vectors(matrix, row, 2, inputs, totals);
    for (; row + HAR_LANES <= last; row += HAR_LANES)
        har_add_vectors(matrix, row, 1, inputs, totals);
#if HAR_LANES > 4
    for (; row + 4 <= last; row += 4)
        har_add_four(matrix, row, inputs, totals);
#endif
    for (; row < last; row++)
        har_add_row(matrix, row, inputs, totals);
}

/* sums[first..last) += weights x inputs */
HAR_INLINE void har_add_rows(const har_matrix *matrix, uint16_t first, uint16_t last, const har_lanes *inputs,
                             har_lanes *sums)
{
    if (matrix->weights)
        har_add_range(matrix, first, last, (const float *)inputs, (float *)sums);
}

/* Numbers of several steps, so many from one step to the next. */
typedef struct har_series {
    float *numbers;
    size_t stride;
} har_series;

/* sums = bias + weights x inputs for ``vectors`` registers of rows and several steps: the additions of har_affine, with
 * each weight loaded once for all steps. */
HAR_INLINE void har_set_vectors(const har_matrix *matrix, size_t row, size_t vectors, size_t steps,
                                const float *inputs, har_series sums)
{
    const size_t outputs = matrix->outputs, count = matrix->inputs;
    const float *weights = matrix->weights + row;
    har_lanes even[HAR_STEPS_AT_ONCE][2], odd[HAR_STEPS_AT_ONCE][2], first[2], second[2];
    size_t column, step, k;
    HAR_REGISTERS
    for (step = 0; step < steps; step++)
        HAR_REGISTERS
        for (k = 0; k < vectors; k++)
            even[step][k] = odd[step][k] = har_all(0.0f);
    for (column = 0; column + 1 < count; column += 2, weights += 2 * outputs) {
        HAR_REGISTERS
        for (k = 0; k < vectors; k++) {
            first[k] = *(const har_lanes *)(weights + k * HAR_LANES);
            second[k] = *(const har_lanes *)(weights + outputs + k * HAR_LANES);
            HAR_IN_REGISTER(first[k]);
            HAR_IN_REGISTER(second[k]);
        }
        HAR_REGISTERS
        for (step = 0; step < steps; step++)
            HAR_REGISTERS
            for (k = 0; k < vectors; k++) {
                even[step][k] += inputs[step * count + column] * first[k];
                odd[step][k] += inputs[step * count + column + 1] * second[k];
            }
    }
    if (column < count) {
        HAR_REGISTERS
        for (step = 0; step < steps; step++)
            HAR_REGISTERS
            for (k = 0; k < vectors; k++)
                even[step][k] += inputs[step * count + column] * *(const har_lanes *)(weights + k * HAR_LANES);
    }
    HAR_REGISTERS
    for (k = 0; k < vectors; k++) {
        const size_t at = row + k * HAR_LANES;
        const har_lanes bias = matrix->bias ? *(const har_lanes *)(matrix->bias + at) : har_all(0.0f);
        HAR_REGISTERS
        for (step = 0; step < steps; step++)
            *(har_lanes *)(sums.numbers + step * sums.stride + at) = bias + (even[step][k] + odd[step][k]);
    }
}

/* The same for all rows of a matrix whose rows fill whole vectors. */
HAR_INLINE void har_set_rows(const har_matrix *matrix, size_t steps, const float *inputs, har_series sums)
{
    size_t row = 0;
    for (; row + 2 * HAR_LANES <= matrix->outputs; row += 2 * HAR_LANES)
        har_set_vectors(matrix, row, 2, steps, inputs, sums);
    for (; row + HAR_LANES <= matrix->outputs; row += HAR_LANES)
        har_set_vectors(matrix, row, 1, steps, inputs, sums);
}

/* The same for any number of steps. */
static inline void har_set_sums(const har_matrix *matrix, size_t steps, const float *inputs, har_series sums)
{
    for (; steps >= HAR_STEPS_AT_ONCE; steps -= HAR_STEPS_AT_ONCE) {
        har_set_rows(matrix, HAR_STEPS_AT_ONCE, inputs, sums);
        inputs += HAR_STEPS_AT_ONCE * matrix->inputs;
        sums.numbers += HAR_STEPS_AT_ONCE * sums.stride;
    }
    for (; steps > 0; steps--, inputs += matrix->inputs, sums.numbers += sums.stride)
        har_set_rows(matrix, 1, inputs, sums);
}

/* Attention looks at numbers one by one, and at as many at once as fill a vector. */
typedef float har_element;
typedef float har_total;
#define HAR_ELEMENTS_OF_THEIR_OWN 1
#define HAR_NARROW_ELEMENT(sum, bits) (sum)

/* query . key */
HAR_INLINE float har_score(const float *query, const float *key, uint16_t size, uint8_t bits)
{
    har_lanes sums = har_all(0.0f);
    float total = 0.0f;
    uint16_t k = 0;
    (void)bits;
    for (; k + HAR_LANES <= size; k += HAR_LANES)
        sums += *(const har_lanes *)(query + k) * *(const har_lanes *)(key + k);
    for (; k < size; k++)
        total += query[k] * key[k];
    for (k = 0; k < HAR_LANES; k++)
        total += sums[k];
    return total;
}

/* Scores as powers, of which the largest is 1. */
HAR_INLINE void har_powers(float *scores, uint16_t count)
{
    float largest = scores[0];
    uint16_t k;
    for (k = 1; k < count; k++)
        largest = scores[k] > largest ? scores[k] : largest;
    for (k = 0; k < count; k++)
        scores[k] = expf(scores[k] - largest);
}

/* The mean of steps, ``stride`` numbers apart, weighted by powers. */
HAR_INLINE void har_blend(const float *powers, uint16_t count, const float *steps, size_t stride, uint16_t size,
                          float *mean)
{
    float total = 0.0f;
    uint16_t step, k = 0;
    for (step = 0; step < count; step++)
        total += powers[step];
    for (; k + HAR_LANES <= size; k += HAR_LANES) {
        har_lanes sums = har_all(0.0f);
        for (step = 0; step < count; step++)
            sums += powers[step] * *(const har_lanes *)(steps + step * stride + k);
        *(har_lanes *)(mean + k) = sums / total;
    }
    for (; k < size; k++) {
        float sum = 0.0f;
        for (step = 0; step < count; step++)
            sum += powers[step] * steps[step * stride + k];
        mean[k] = sum / total;
    }
}

/* Each logit by itself. */
HAR_INLINE void har_sigmoid_head(const har_lanes *logits, uint16_t classes, float *probabilities)
{
    uint16_t k;
    for (k = 0; k < classes; k++) {
        const har_lanes found = har_sigmoid(logits[k / HAR_LANES]);
        probabilities[k] = found[k % HAR_LANES];
    }
}

/* Shifted by the largest logit, so that no input overflows. */
HAR_INLINE void har_softmax(har_lanes *sums, uint16_t classes, float *probabilities)
{
    const float *logits = (const float *)sums;
    float largest = logits[0], total = 0.0f;
    uint16_t k;
    for (k = 1; k < classes; k++)
        largest = logits[k] > largest ? logits[k] : largest;
    for (k = 0; k < classes; k++) {
        probabilities[k] = expf(logits[k] - largest);
        total += probabilities[k];
    }
    for (k = 0; k < classes; k++)
        probabilities[k] /= total;
}
