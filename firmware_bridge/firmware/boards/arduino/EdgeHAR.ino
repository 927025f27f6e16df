// Streams an accelerometer's samples in frames (docs/protocol.md), classifies them on the board, and answers what the
// bridge asks. Made by `har firmware` for an Arduino; the sensor and the model are in src/har_identity.h.
//
// Samples from one window to the next; without this line, the length of a window: windows that do not overlap.
// #define HAR_HOP 100
#include <EdgeHAR.h>

// The label of a window, and how sure the model is of it. Answer with HAR.say("..."): Serial.print would damage frames.
static void onLabel(const char *label, uint8_t percent)
{
    (void)label;
    (void)percent;
}

void setup()
{
    HAR.onLabel(onLabel);
    HAR.begin();
}

void loop()
{
    HAR.update();
}
