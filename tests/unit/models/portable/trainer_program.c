/* Reads a stack, parameters, windows and targets as the test wrote them; writes the gradient and three results. */
#include "har_train.h"

#include <stdio.h>
#include <stdlib.h>

static float *read_floats(size_t count)
{
    float *numbers = malloc(count * sizeof *numbers);
    if (!numbers || fread(numbers, sizeof *numbers, count, stdin) != count)
        exit(2);
    return numbers;
}

int main(void)
{
    har_train_stack stack;
    har_train_answers answers;
    har_train_result result = {0.0, 0.0, 0.0};
    int32_t sizes[2];
    size_t parameters, bytes, k;
    float *given, *windows, *targets, *shares, *gradient, results[3];
    int32_t *steps;
    char *memory;
    if (fread(&stack, sizeof stack, 1, stdin) != 1 || fread(sizes, sizeof sizes, 1, stdin) != 1)
        return 2;
    parameters = har_train_parameters(&stack);
    bytes = har_train_memory(&stack, sizes[1]);
    given = read_floats(parameters);
    windows = read_floats((size_t)sizes[0] * (size_t)stack.steps * (size_t)stack.channels);
    targets = read_floats((size_t)sizes[0] * (size_t)stack.classes);
    shares = read_floats((size_t)sizes[1]);
    steps = malloc((size_t)sizes[1] * sizeof *steps);
    gradient = calloc(parameters, sizeof *gradient);
    memory = malloc(bytes + 64);
    if (!steps || !gradient || !memory || fread(steps, sizeof *steps, (size_t)sizes[1], stdin) != (size_t)sizes[1])
        return 2;
    memory += 64 - (size_t)memory % 64;
    answers.steps = steps;
    answers.shares = shares;
    answers.count = sizes[1];
    answers.target_sets = 1;
    if (har_train_gradient(&stack, memory, given, &answers, windows, targets, NULL, 0, (size_t)sizes[0],
                           1.0f / (float)sizes[0], gradient, &result) != HAR_TRAIN_OK)
        return 3;
    results[0] = (float)(result.loss / sizes[0]);
    results[1] = (float)(result.final_loss / sizes[0]);
    results[2] = (float)result.correct;
    for (k = 0; k < 3; k++)
        fwrite(&results[k], sizeof results[k], 1, stdout);
    fwrite(gradient, sizeof *gradient, parameters, stdout);
    return 0;
}
