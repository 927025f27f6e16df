/* Measures overlapping windows, in place of a board's own main: what a sample costs with PHASES engines in turn, and
 * what a whole window costs that is computed when its last sample comes. Says both in a LOG frame, in the board's ticks. */
#include "board.h"
#include "har_board.h"
#include "har_frame.h"
#include "har_identity.h"
#include "har_model.h"
#include "har_slide.h"

#include <string.h>

#define HOP ((HAR_MODEL_WINDOW + PHASES - 1) / PHASES)
#define SAMPLES (2 * HAR_MODEL_WINDOW)

static har_sum sums[HAR_MODEL_SCRATCH_SUMS + PHASES * HAR_MODEL_KEPT_SUMS];
static har_value values[PHASES * HAR_MODEL_VALUES];
static har_engine engines[PHASES];
static har_slide sliding;
static uint8_t body[64];

/* Make a sample that the test can make too. */
static void make_sample(uint16_t index, har_sample sample[3])
{
    sample[0] = (har_sample)(2048 + index % 7);
    sample[1] = (har_sample)(index * 37 % 2001 - 1000);
    sample[2] = (har_sample)(index * 101 % 3001 - 1500);
}

/* Write a number. */
static uint8_t *say(uint8_t *at, uint32_t number)
{
    char digits[11];
    uint8_t count = 0;
    *at++ = ' ';
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *at++ = (uint8_t)digits[--count];
    return at;
}

int main(void)
{
    uint32_t total = 0, most = 0, window, began;
    har_probability probabilities[HAR_MODEL_CLASSES];
    const har_engine *complete;
    har_sample sample[3];
    uint8_t *at = body;
    uint16_t k;
    board_start();
    board_get();
    har_slide_open(&sliding, &har_model_tables, engines, PHASES, HOP, sums, sizeof sums / sizeof *sums, values,
                   sizeof values / sizeof *values);
    for (k = 0; k < SAMPLES; k++) {
        uint32_t passed;
        make_sample(k, sample);
        began = har_board_ticks();
        har_slide_step(&sliding, sample, &complete);
        if (complete)
            har_finish(complete, probabilities);
        passed = har_board_ticks() - began;
        if (k >= HAR_MODEL_WINDOW) {
            total += passed;
            most = passed > most ? passed : most;
        }
    }
    began = har_board_ticks();
    har_reset(engines);
    for (k = 0; k < HAR_MODEL_WINDOW; k++) {
        make_sample(k, sample);
        har_step(engines, sample);
    }
    har_finish(engines, probabilities);
    window = har_board_ticks() - began;
    *at++ = 0x04;
    *at++ = 2;
    memcpy(at, "sliding", 7);
    at = say(say(say(at + 7, total / HAR_MODEL_WINDOW), most), window);
    har_send(body, (uint8_t)(at - body), har_board_put);
    for (;;)
        board_get();
}
