/* Branches over the same vectors, and their join: included by har_time.h where a model has them.
 *
 * A fork gives every vector to each of its branches in turn, which hand on at different times. The end of a branch puts
 * what it is given into the joined vector of the same number: beside what other branches put there, or added to it. When
 * all have, the join hands that vector on. Joined vectors wait in a ring, which belongs to the fork: of values where they
 * are concatenated, else of sums. Before the ring's vectors stand their counts, of ends that have put something there. */
#ifndef HAR_BRANCHES_H
#define HAR_BRANCHES_H

/* Forks that are open at once, at most. */
#ifndef HAR_FORKS
#define HAR_FORKS 8
#endif

/* A fork within one walk: what its branches are given, where joined vectors wait, and which of them has become whole. */
typedef struct har_fork {
    har_given given;
    har_sum *sums;
    har_value *values;
    uint16_t ring, outputs;
    uint16_t filled; /* numbers of a concatenated vector that belong to the branches before */
    uint16_t whole;
    uint8_t merge, ends;
    uint8_t is_given, is_whole;
} har_fork;

static void har_open_fork(const har_layer *layer, har_fork *fork, const har_given *given, uint8_t is_given,
                          const har_cursor *at)
{
    fork->given = *given;
    fork->sums = at->sums;
    fork->values = at->values;
    fork->ring = layer->taps;
    fork->outputs = layer->outputs;
    fork->filled = fork->whole = 0;
    fork->merge = layer->merge;
    fork->ends = layer->heads;
    fork->is_given = is_given;
    fork->is_whole = 0;
}

/* Where the concatenated vector of this number, and the sums of others, wait. */
static har_value *har_waiting_values(const har_fork *fork, uint16_t number)
{
    return fork->values + HAR_SPAN(fork->ring) + (size_t)(number % fork->ring) * HAR_SPAN(fork->outputs);
}

static har_sum *har_waiting_sums(const har_fork *fork, uint16_t number)
{
    return fork->sums + (size_t)(number % fork->ring) * HAR_SPAN(fork->outputs);
}

/* Put what a branch hands on into the joined vector of its number. */
HAR_SELDOM void har_end(const har_layer *layer, har_fork *fork, const har_given *given)
{
    unsigned char *at = (unsigned char *)fork->values + (size_t)(given->number % fork->ring) * sizeof(uint16_t);
    uint16_t count, k;
    memcpy(&count, at, sizeof count);
    if (fork->merge == HAR_CONCAT) {
        const har_element *numbers = (const har_element *)given->vector;
        har_element *joined = (har_element *)har_waiting_values(fork, given->number) + fork->filled;
        for (k = 0; k < layer->inputs; k++)
            joined[k] = HAR_REFIT(numbers[k], layer->around_bits, layer->fraction);
    } else {
        har_sum *joined = har_waiting_sums(fork, given->number);
        for (k = 0; k < HAR_SPAN(layer->inputs); k++) {
            const har_sum own = har_widen(given->vector[k], layer->around_bits);
            if (count == 0)
                joined[k] = own;
            else if (fork->merge == HAR_MUL)
                joined[k] = har_times(joined[k], own);
            else
                joined[k] += own;
        }
    }
    if (++count == fork->ends) {
        count = 0;
        fork->is_whole = 1;
        fork->whole = given->number;
    }
    memcpy(at, &count, sizeof count);
}

/* Write the joined vector that has become whole. */
HAR_SELDOM void har_join_branches(const har_layer *layer, const har_fork *fork, har_value *values)
{
    const uint16_t size = HAR_SPAN(layer->outputs);
    const har_sum *sums = har_waiting_sums(fork, fork->whole);
    uint16_t k;
    if (fork->merge == HAR_CONCAT) {
        memcpy(values, har_waiting_values(fork, fork->whole), size * sizeof *values);
        return;
    }
    for (k = 0; k < size; k++) {
        har_sum sum = sums[k];
        if (fork->merge == HAR_AVE)
            sum = har_mean_sum(sum, fork->ends);
        values[k] = har_activate(layer, sum);
    }
}

/* Begin branches, or end one: say what the next layer is given. ``open`` is behind the forks that are open. */
HAR_SELDOM void har_branch(const har_layer *layer, har_fork **open, har_given *given, uint8_t *is_given,
                           const har_cursor *at)
{
    har_fork *fork;
    if (layer->kind == HAR_FORK) {
        har_open_fork(layer, (*open)++, given, *is_given, at);
        return;
    }
    fork = *open - 1;
    if (*is_given)
        har_end(layer, fork, given);
    if (layer->kind == HAR_END) {
        fork->filled = (uint16_t)(fork->filled + layer->inputs);
        *given = fork->given;
        *is_given = fork->is_given;
        return;
    }
    *is_given = fork->is_whole;
    if (fork->is_whole) {
        har_join_branches(layer, fork, at->values);
        given->number = fork->whole;
    }
    given->vector = at->values;
    *open = fork;
}

#endif
