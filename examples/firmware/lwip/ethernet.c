/* The MAC passes frames through one FIFO register each way, four bytes a time.
   In front of a frame stand two bytes of length: of what is received, all of
   it (these two and the checksum of four included); of what is sent, the
   bytes behind the Ethernet header. */
#include "ethernet.h"

#include "lwip/etharp.h"
#include "lwip/pbuf.h"

#include <string.h>

#define CLOCK_GATES (*(volatile uint32_t *)0x400FE108u)
#define MAC(offset) (*(volatile uint32_t *)(0x40048000u + (offset)))
#define MAC_RECEIVE MAC(0x08)
#define MAC_SEND MAC(0x0C)
#define MAC_DATA MAC(0x10)
#define MAC_ADDRESS_LOW MAC(0x14)
#define MAC_ADDRESS_HIGH MAC(0x18)
#define MAC_FRAMES MAC(0x34)
#define MAC_REQUEST MAC(0x38)

enum { CLOCK_ETHERNET = 0x50000000 };
enum { RECEIVE_ENABLE = 1, RECEIVE_DROP_DAMAGED = 8 };
enum { SEND_ENABLE = 1, SEND_PAD = 2, SEND_CHECKSUM = 4, SEND_DUPLEX = 16 };
enum { REQUEST_SEND = 1 };
enum { HEADER = 14, LENGTH = 2, CHECKSUM = 4 };

static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
    uint32_t word = (uint32_t)(frame->tot_len - HEADER);
    unsigned filled = LENGTH, i;

    LWIP_UNUSED_ARG(netif);
    while (MAC_REQUEST & REQUEST_SEND)
        continue;
    for (; frame; frame = frame->next)
        for (i = 0; i < frame->len; i++) {
            word |= (uint32_t)((uint8_t *)frame->payload)[i] << 8 * filled;
            filled = (filled + 1) % 4;
            if (filled == 0) {
                MAC_DATA = word;
                word = 0;
            }
        }
    if (filled)
        MAC_DATA = word;
    MAC_REQUEST = REQUEST_SEND;
    return ERR_OK;
}

/* A frame that no memory is left for is read all the same, and lost: TCP sends
   it again. */
static struct pbuf *receive_frame(void)
{
    uint32_t word = MAC_DATA;
    const unsigned size = word & 0xFFFF;
    unsigned words = (size + 3) / 4 - 1, filled = 4 - LENGTH, i;
    struct pbuf *frame, *part;

    word >>= 8 * LENGTH;
    frame = pbuf_alloc(PBUF_RAW, (u16_t)(size - LENGTH - CHECKSUM), PBUF_POOL);
    for (part = frame; part; part = part->next)
        for (i = 0; i < part->len; i++) {
            if (filled == 0) {
                word = MAC_DATA;
                words--;
                filled = 4;
            }
            ((uint8_t *)part->payload)[i] = (uint8_t)word;
            word >>= 8;
            filled--;
        }
    while (words-- > 0)
        (void)MAC_DATA;
    return frame;
}

err_t ethernet_start(struct netif *netif)
{
    static const uint8_t address[6] = {2, 0, 0, 0, 0, 1};

    memcpy(netif->hwaddr, address, sizeof address);
    netif->hwaddr_len = sizeof address;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;

    CLOCK_GATES |= CLOCK_ETHERNET;
    MAC_ADDRESS_LOW = address[0] | (uint32_t)address[1] << 8 |
                      (uint32_t)address[2] << 16 | (uint32_t)address[3] << 24;
    MAC_ADDRESS_HIGH = address[4] | (uint32_t)address[5] << 8;
    MAC_SEND = SEND_ENABLE | SEND_PAD | SEND_CHECKSUM | SEND_DUPLEX;
    MAC_RECEIVE = RECEIVE_ENABLE | RECEIVE_DROP_DAMAGED;
    return ERR_OK;
}

void ethernet_poll(struct netif *netif)
{
    while (MAC_FRAMES > 0) {
        struct pbuf *frame = receive_frame();

        if (frame && netif->input(frame, netif) != ERR_OK)
            pbuf_free(frame);
    }
}
