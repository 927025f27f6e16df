/* The arithmetic of the cells in float32. */
#ifndef HAR_FLOAT_H
#define HAR_FLOAT_H

#include "har.h"
#include "har_port.h"

#include <math.h>

typedef float har_gate; /* 0 to 1 */

/* Outputs whose sums are kept in registers at once: 8 suits a Cortex-M4F, wide vectors like more. */
#ifndef HAR_BLOCK
#define HAR_BLOCK 8
#endif

/* x P(x^2) / Q(x^2), the coefficients fitted for the least relative error on [-9, 9] (tools/fit_tanh.py): within 4e-7
 * of tanh, the same on every chip, and a loop of it vectorises. */
static inline float har_tanh(float x)
{
    const float limited = x < -9.0f ? -9.0f : (x > 9.0f ? 9.0f : x);
    const float square = limited * limited;
    const float numerator =
        (((1.33546484e-08f * square + 2.06090718e-05f) * square + 0.00349558742f) * square + 0.13381025f) * square +
        0.999999979f;
    const float denominator =
        (((7.77655263e-07f * square + 0.000328563372f) * square + 0.0258769794f) * square + 0.467143406f) * square +
        1.0f;
    return limited * numerator / denominator;
}

/* tanh of many. */
static inline void har_tanh_each(const float *sums, float *values, uint16_t count)
{
    uint16_t k;
    for (k = 0; k < count; k++)
        values[k] = har_tanh(sums[k]);
}

/* 1 / (1 + exp(-x)), as 1/2 + tanh(x/2)/2. */
static inline har_gate har_sigmoid(float x)
{
    return 0.5f * har_tanh(0.5f * x) + 0.5f;
}

/* value x gate */
static inline float har_pass(float value, har_gate gate)
{
    return value * gate;
}

/* sum x gate */
static inline float har_pass_sum(float sum, har_gate gate)
{
    return sum * gate;
}

/* What a gate lets into an LSTM's cell, and the cell as the sum its tanh takes. */
static inline float har_admit(float candidate, har_gate gate)
{
    return candidate * gate;
}

static inline float har_cell_sum(float cell)
{
    return cell;
}

/* gate x kept + (1 - gate) x fresh */
static inline float har_mix(float kept, float fresh, har_gate gate)
{
    return gate * kept + (1.0f - gate) * fresh;
}

/* A gate as a value. */
static inline float har_gate_value(har_gate gate)
{
    return gate;
}

/* max(sum, 0) */
static inline float har_positive(float sum)
{
    return sum > 0.0f ? sum : 0.0f;
}

/* A sum as a value; floats need no narrower format. */
static inline float har_narrow(float sum, uint8_t fraction)
{
    (void)fraction;
    return sum;
}

/* The larger value, a value as a sum, the mean of so many, and a value of another layer as a sum. */
static inline float har_larger(float one, float other)
{
    return one > other ? one : other;
}

static inline float har_value_sum(float value)
{
    return value;
}

static inline float har_mean(float sum, uint16_t count)
{
    return sum / (float)count;
}

static inline float har_widen(float value, uint8_t bits)
{
    (void)bits;
    return value;
}

/* A value of a branch in the format of a joined vector, a product of sums, and the mean of so many. */
#define HAR_REFIT(value, bits, fraction) (value)

static inline float har_times(float sum, float factor)
{
    return sum * factor;
}

static inline float har_mean_sum(float sum, uint16_t count)
{
    return sum / (float)count;
}

/* Two directions' values as one. */
static inline float har_join_sum(float forward, float backward)
{
    return forward + backward;
}

static inline float har_join_mean(float forward, float backward)
{
    return 0.5f * (forward + backward);
}

static inline float har_join_product(float forward, float backward)
{
    return forward * backward;
}

/* sums = bias, or zero */
static inline void har_start(const har_matrix *matrix, float *sums)
{
    uint16_t row;
    for (row = 0; row < matrix->outputs; row++)
        sums[row] = matrix->bias ? matrix->bias[row] : 0.0f;
}

/* sums += inputs x weights for a block of rows, input-major: a row's neighbours are computed with it. Even and odd
 * inputs are added up apart: each of two chains of additions waits half as long for its own last one. */
HAR_INLINE void har_add_block(const har_matrix *matrix, size_t row, size_t rows, const float *inputs, float *sums)
{
    const size_t outputs = matrix->outputs, count = matrix->inputs;
    const float *weights = matrix->weights + row;
    float even[HAR_BLOCK], odd[HAR_BLOCK];
    size_t column, k;
    HAR_UNROLL
    for (k = 0; k < rows; k++)
        even[k] = odd[k] = 0.0f;
    for (column = 0; column + 1 < count; column += 2, weights += 2 * outputs) {
        HAR_UNROLL
        for (k = 0; k < rows; k++) {
            even[k] += inputs[column] * weights[k];
            odd[k] += inputs[column + 1] * weights[outputs + k];
        }
    }
    if (column < count) {
        HAR_UNROLL
        for (k = 0; k < rows; k++)
            even[k] += inputs[column] * weights[k];
    }
    HAR_UNROLL
    for (k = 0; k < rows; k++)
        sums[row + k] += even[k] + odd[k];
}

/* sums[first..last) += weights x inputs */
static inline void har_add_rows(const har_matrix *matrix, uint16_t first, uint16_t last, const float *inputs,
                                float *sums)
{
    size_t row = first;
    for (; row + HAR_BLOCK <= last; row += HAR_BLOCK)
        har_add_block(matrix, row, HAR_BLOCK, inputs, sums);
    for (; row < last; row++)
        har_add_block(matrix, row, 1, inputs, sums);
}

#if HAR_USE_ATTENTION
/* query . key */
static inline float har_score(const float *query, const float *key, uint16_t size, uint8_t bits)
{
    float even = 0.0f, odd = 0.0f;
    uint16_t k;
    (void)bits;
    for (k = 0; k + 1 < size; k = (uint16_t)(k + 2)) {
        even += query[k] * key[k];
        odd += query[k + 1] * key[k + 1];
    }
    return k < size ? even + odd + query[k] * key[k] : even + odd;
}

/* Scores as powers, of which the largest is 1. */
static inline void har_powers(float *scores, uint16_t count)
{
    float largest = scores[0];
    uint16_t k;
    for (k = 1; k < count; k++)
        largest = scores[k] > largest ? scores[k] : largest;
    for (k = 0; k < count; k++)
        scores[k] = expf(scores[k] - largest);
}

/* The mean of steps, ``stride`` numbers apart, weighted by powers. */
static inline void har_blend(const float *powers, uint16_t count, const float *steps, size_t stride, uint16_t size,
                             float *mean)
{
    float total = 0.0f;
    uint16_t step, k;
    for (step = 0; step < count; step++)
        total += powers[step];
    for (k = 0; k < size; k++) {
        float sum = 0.0f;
        for (step = 0; step < count; step++)
            sum += powers[step] * steps[step * stride + k];
        mean[k] = sum / total;
    }
}
#endif

/* Each logit by itself. */
static inline void har_sigmoid_head(const float *logits, uint16_t classes, har_probability *probabilities)
{
    uint16_t k;
    for (k = 0; k < classes; k++)
        probabilities[k] = har_sigmoid(logits[k]);
}

/* Shifted by the largest logit, so that no input overflows. */
static inline void har_softmax(float *logits, uint16_t classes, har_probability *probabilities)
{
    float largest = logits[0], total = 0.0f;
    uint16_t k;
    for (k = 1; k < classes; k++)
        largest = logits[k] > largest ? logits[k] : largest;
    for (k = 0; k < classes; k++) {
        logits[k] = expf(logits[k] - largest);
        total += logits[k];
    }
    for (k = 0; k < classes; k++)
        probabilities[k] = logits[k] / total;
}

#endif
