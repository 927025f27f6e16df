/* Frames on a serial line, as docs/protocol.md has them: COBS, CRC-32, a 00 at the end. Byte by byte, in bounded memory. */
#ifndef HAR_FRAME_H
#define HAR_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAR_CRC_BYTES 4
/* With its checksum such a body is 254 bytes: one byte of stuffing is enough. */
#define HAR_MOST_BODY 250
#define HAR_PAUSE_US 50000ul

/* Add a byte to a CRC-32 (the zlib one): it begins as ~0, and the last value is inverted. */
uint32_t har_crc32_add(uint32_t crc, uint8_t byte);

typedef enum har_received {
    HAR_NOTHING = 0, /* the frame is not complete, or none has begun */
    HAR_FRAME,       /* a frame is complete and its checksum is right: its body is in the buffer */
    HAR_DAMAGE       /* bytes have ended that are no frame */
} har_received;

/* A receiver; its members are its own, but for body and length after HAR_FRAME. */
typedef struct har_receiver {
    uint8_t *body;
    uint8_t room;   /* of the body and its checksum */
    uint8_t length; /* of the body */
    uint8_t block;  /* bytes to come before the next code */
    uint8_t zero;   /* whether a 00 was stuffed at the block's end */
    uint8_t begun;    /* whether a byte of the frame has come */
    uint8_t too_long; /* whether the frame has more bytes than there is room for */
    uint32_t crc;
    uint32_t last_us;
} har_receiver;

/* Receive into ``room`` bytes: the longest body and its checksum. */
void har_receive_into(har_receiver *receiver, uint8_t *body, uint8_t room);

/* Take a byte that came at a time on any clock that runs forward; a pause inside a frame ends it. */
har_received har_receive(har_receiver *receiver, uint8_t byte, uint32_t now_us);

/* Send a body of 1 to HAR_MOST_BODY bytes, which has room for its checksum behind it; nothing is sent of another length. */
void har_send(uint8_t *body, uint8_t length, void (*put)(uint8_t byte));

#ifdef __cplusplus
}
#endif

#endif
