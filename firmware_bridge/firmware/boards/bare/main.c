/* A device that listens and classifies what it is sent. */
#include "board.h"
#include "har_board.h"
#include "har_device.h"
#include "har_model.h"

int main(void)
{
    static har_sum sums[HAR_MODEL_SUMS];
    static har_value values[HAR_MODEL_VALUES];
    static har_device device;
    har_engine engine;
    board_start();
    har_open(&engine, &har_model_tables, sums, HAR_MODEL_SUMS, values, HAR_MODEL_VALUES);
    har_device_open(&device, &engine, board_boot_id());
    for (;;)
        har_device_receive(&device, board_get());
}
