/* The COBS decoder works on single bytes, and the checksum runs along: a frame is whole when the CRC of body and
 * checksum together is the constant that CRC-32 leaves of itself. */
#include "har_frame.h"

#define HAR_CRC_RESIDUE 0xDEBB20E3ul

uint32_t har_crc32_add(uint32_t crc, uint8_t byte)
{
    uint8_t bit;
    crc ^= byte;
    for (bit = 0; bit < 8; bit++)
        crc = crc & 1u ? crc >> 1 ^ 0xEDB88320ul : crc >> 1;
    return crc;
}

/* Be ready for the first code of a frame. */
static void har_begin(har_receiver *receiver)
{
    receiver->length = 0;
    receiver->block = 0;
    receiver->zero = 0;
    receiver->begun = 0;
    receiver->too_long = 0;
    receiver->crc = 0xFFFFFFFFul;
}

void har_receive_into(har_receiver *receiver, uint8_t *body, uint8_t room)
{
    receiver->body = body;
    receiver->room = room;
    receiver->last_us = 0;
    har_begin(receiver);
}

/* Add a decoded byte to the body; a frame that is too long for it is marked. */
static void har_keep(har_receiver *receiver, uint8_t byte)
{
    if (receiver->length >= receiver->room) {
        receiver->too_long = 1;
        return;
    }
    receiver->body[receiver->length++] = byte;
    receiver->crc = har_crc32_add(receiver->crc, byte);
}

/* A 00 has come: say whether what it ends is a frame. */
static har_received har_end(har_receiver *receiver)
{
    const uint8_t length = receiver->length;
    const uint8_t whole = !receiver->too_long && receiver->block == 0 && length > HAR_CRC_BYTES &&
                          receiver->crc == HAR_CRC_RESIDUE;
    const uint8_t begun = receiver->begun;
    har_begin(receiver);
    receiver->length = (uint8_t)(length - HAR_CRC_BYTES);
    return whole ? HAR_FRAME : (begun ? HAR_DAMAGE : HAR_NOTHING);
}

har_received har_receive(har_receiver *receiver, uint8_t byte, uint32_t now_us)
{
    const uint8_t paused = receiver->begun && now_us - receiver->last_us > HAR_PAUSE_US;
    receiver->last_us = now_us;
    if (paused)
        har_begin(receiver);
    if (byte == 0)
        return paused ? HAR_DAMAGE : har_end(receiver);
    if (!receiver->begun)
        receiver->length = 0; /* the body of the last frame is spent */
    receiver->begun = 1;
    if (receiver->block == 0) {
        if (receiver->zero)
            har_keep(receiver, 0);
        receiver->block = (uint8_t)(byte - 1);
        receiver->zero = byte != 0xFF;
    } else {
        har_keep(receiver, byte);
        receiver->block--;
    }
    return paused ? HAR_DAMAGE : HAR_NOTHING;
}

void har_send(uint8_t *body, uint8_t length, void (*put)(uint8_t byte))
{
    uint32_t crc = 0xFFFFFFFFul;
    uint8_t at, end, start = 0;
    if (length == 0 || length > HAR_MOST_BODY)
        return;
    for (at = 0; at < length; at++)
        crc = har_crc32_add(crc, body[at]);
    crc = ~crc;
    for (at = 0; at < HAR_CRC_BYTES; at++, crc >>= 8)
        body[length + at] = (uint8_t)crc;
    end = (uint8_t)(length + HAR_CRC_BYTES);
    put(0); /* whatever noise came before ends here */
    while (start <= end) {
        for (at = start; at < end && body[at] != 0; at++)
            continue;
        put((uint8_t)(at - start + 1));
        for (; start < at; start++)
            put(body[start]);
        start++; /* the zero itself is not sent */
    }
    put(0);
}
