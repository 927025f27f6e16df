/* Push, filter, reject, dwell. The Markov model keeps the belief of the oldest window that waits, and the evidence of
 * those after it: one step forward with the oldest, and back from the newest, give the smoothed posterior. */
#include "har_decoder.h"

#include <math.h>

#define HAR_LEAST_EVIDENCE 1e-4f /* no class is ruled out by one window */

/* Divide by the sum. */
static void normalize(float *row, uint16_t classes)
{
    float sum = 0.0f;
    uint16_t k;
    for (k = 0; k < classes; k++)
        sum += row[k];
    for (k = 0; k < classes; k++)
        row[k] /= sum;
}

/* Replace a row by what one window of time makes of it: each class keeps a share, the rest spreads alike. */
static void spread(float *row, uint16_t classes, float kept)
{
    float sum = 0.0f;
    uint16_t k;
    for (k = 0; k < classes; k++)
        sum += row[k];
    for (k = 0; k < classes; k++)
        row[k] = (1.0f - kept) * sum / (float)classes + kept * row[k];
}

static float *row_at(const har_decoder *decoder, uint16_t place)
{
    const uint32_t at = (uint32_t)decoder->oldest + place;
    return decoder->rows + (size_t)(at % decoder->room) * decoder->rules->classes;
}

/* Go one window forward, and write its posterior, smoothed by the windows that wait behind it. */
static void take_oldest(har_decoder *decoder, float *posterior)
{
    const uint16_t classes = decoder->rules->classes;
    const float *row = row_at(decoder, 0);
    uint16_t k, place;
    if (decoder->begun)
        spread(decoder->belief, classes, decoder->kept);
    for (k = 0; k < classes; k++)
        decoder->belief[k] = decoder->begun ? decoder->belief[k] * row[k] : row[k];
    normalize(decoder->belief, classes);
    decoder->begun = 1;
    for (k = 0; k < classes; k++)
        posterior[k] = 1.0f;
    for (place = (uint16_t)(decoder->held - 1u); place > 0; place--) {
        row = row_at(decoder, place);
        for (k = 0; k < classes; k++)
            posterior[k] *= row[k];
        spread(posterior, classes, decoder->kept);
        normalize(posterior, classes);
    }
    for (k = 0; k < classes; k++)
        posterior[k] *= decoder->belief[k];
    normalize(posterior, classes);
    decoder->oldest = (uint16_t)((decoder->oldest + 1u) % decoder->room);
    decoder->held--;
}

/* Keep the evidence of a window. */
static void take_evidence(har_decoder *decoder, const float *posterior)
{
    const uint16_t classes = decoder->rules->classes;
    const uint8_t first = !decoder->begun && decoder->held == 0;
    float *row = row_at(decoder, decoder->held);
    uint16_t k;
    for (k = 0; k < classes; k++) {
        const float evidence = posterior[k] > HAR_LEAST_EVIDENCE ? posterior[k] : HAR_LEAST_EVIDENCE;
        row[k] = first ? evidence : powf(evidence, decoder->weight);
    }
    decoder->held++;
}

/* Replace a posterior by the mean of the last ones. */
static void take_mean(har_decoder *decoder, float *posterior)
{
    const uint16_t classes = decoder->rules->classes;
    float *row;
    uint16_t k, place;
    if (decoder->held == decoder->room) {
        decoder->oldest = (uint16_t)((decoder->oldest + 1u) % decoder->room);
        decoder->held--;
    }
    row = row_at(decoder, decoder->held++);
    for (k = 0; k < classes; k++) {
        row[k] = posterior[k];
        posterior[k] = 0.0f;
    }
    for (place = 0; place < decoder->held; place++)
        for (k = 0; k < classes; k++)
            posterior[k] += row_at(decoder, place)[k];
    for (k = 0; k < classes; k++)
        posterior[k] /= (float)decoder->held;
}

/* Hold the label that is shown until another one has led for long enough. */
static int16_t hold(har_decoder *decoder, int16_t label)
{
    if (!decoder->speaks || label == decoder->shown) {
        decoder->speaks = 1;
        decoder->shown = label;
        decoder->led = 0;
        return label;
    }
    decoder->led = (uint16_t)(label == decoder->challenger ? decoder->led + 1u : 1u);
    decoder->challenger = label;
    if (decoder->led >= decoder->dwell) {
        decoder->shown = label;
        decoder->led = 0;
    }
    return decoder->shown;
}

/* Reject and dwell. */
static void label_of(har_decoder *decoder, const float *posterior, har_decoded *decoded)
{
    uint16_t best = 0, k;
    for (k = 1; k < decoder->rules->classes; k++)
        best = posterior[k] > posterior[best] ? k : best;
    decoded->label = hold(decoder, posterior[best] >= decoder->rules->reject_below ? (int16_t)best : HAR_UNKNOWN);
    decoded->probability = posterior[decoded->label == HAR_UNKNOWN ? best : (uint16_t)decoded->label];
}

/* Windows at another hop that span the same time, a half rounded to the even number. */
static uint16_t scaled(uint16_t windows, uint16_t own_hop, uint16_t hop)
{
    const uint32_t product = (windows > 1 ? (uint32_t)windows - 1u : 0u) * own_hop, rest = product % hop;
    uint32_t whole = product / hop;
    if (2u * rest > hop || (2u * rest == hop && (whole & 1u)))
        whole++;
    return (uint16_t)(whole < 65535u ? whole + 1u : 65535u);
}

uint8_t har_decoder_open(har_decoder *decoder, const har_decoder_rules *rules, uint16_t hop, uint16_t lag, float *memory,
                         size_t floats)
{
    const uint8_t markov = rules && rules->stay > 0.0f;
    if (!decoder || !rules || hop == 0 || rules->hop == 0 || rules->classes < 2 || lag == UINT16_MAX)
        return 0;
    decoder->rules = rules;
    decoder->room = (uint16_t)(markov ? lag + 1u : scaled(rules->smoothing, rules->hop, hop));
    decoder->dwell = scaled(rules->dwell, rules->hop, hop);
    decoder->belief = memory;
    decoder->rows = markov ? memory + rules->classes : memory;
    decoder->kept = decoder->weight = 1.0f;
    if (markov) {
        const float classes = rules->classes, steps = (float)hop / (float)rules->hop;
        decoder->kept = powf((classes * rules->stay - 1.0f) / (classes - 1.0f), steps);
        decoder->weight = hop < rules->shared ? (float)hop / rules->shared : 1.0f;
    }
    har_decoder_reset(decoder);
    if (!markov && decoder->room == 1)
        return 1;
    return memory && floats >= (size_t)rules->classes * (decoder->room + (markov ? 1u : 0u));
}

void har_decoder_reset(har_decoder *decoder)
{
    har_push_open(&decoder->push, &decoder->rules->push);
    decoder->held = decoder->oldest = decoder->led = 0;
    decoder->begun = decoder->speaks = 0;
    decoder->shown = decoder->challenger = HAR_UNKNOWN;
}

int8_t har_decoder_watch(har_decoder *decoder, const float sample_g[3])
{
    return (int8_t)(decoder->rules->has_push ? har_push_step(&decoder->push, sample_g) : 0);
}

uint8_t har_decoder_feed(har_decoder *decoder, float *posterior, int8_t direction, har_decoded *decoded)
{
    if (decoder->rules->has_push)
        har_push_redistribute(&decoder->rules->push, direction, posterior);
    if (decoder->rules->stay > 0.0f) {
        take_evidence(decoder, posterior);
        if (decoder->held < decoder->room)
            return 0;
        take_oldest(decoder, posterior);
    } else if (decoder->room > 1) {
        take_mean(decoder, posterior);
    }
    label_of(decoder, posterior, decoded);
    return 1;
}

uint8_t har_decoder_finish(har_decoder *decoder, float *posterior, har_decoded *decoded)
{
    if (!(decoder->rules->stay > 0.0f) || decoder->held == 0) {
        har_decoder_reset(decoder);
        return 0;
    }
    take_oldest(decoder, posterior);
    label_of(decoder, posterior, decoded);
    return 1;
}
