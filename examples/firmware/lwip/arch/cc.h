/* lwIP's view of the compiler and the board. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include "../../board.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H 0
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1

#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_NOASSERT 1

#define X8_F "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "lu"
#define S32_F "ld"
#define X32_F "lx"
#define SZT_F "u"

static inline uint32_t arch_random(void)
{
    uint32_t number = 0;

    board_entropy(&number, sizeof number);
    return number;
}
#define LWIP_RAND() arch_random()

#endif
