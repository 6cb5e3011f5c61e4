/* lwIP's driver for the Ethernet port of the Stellaris LM3S6965. */
#ifndef ETHERNET_H
#define ETHERNET_H

#include "lwip/netif.h"

err_t ethernet_start(struct netif *netif);      /* for netif_add() */
void ethernet_poll(struct netif *netif);        /* in each turn */

#endif
