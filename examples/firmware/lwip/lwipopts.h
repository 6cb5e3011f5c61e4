/* lwIP without an operating system: TCP over IPv4 over Ethernet, one
   connection at a time. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0     /* lwIP runs in the main loop alone */
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#define LWIP_ICMP 0
#define LWIP_STATS 0
#define IP_FRAG 0
#define IP_REASSEMBLY 0
#define ARP_TABLE_SIZE 2
#define ETH_PAD_SIZE 0

#define MEM_ALIGNMENT 4
#define TCP_MSS 536
#define TCP_WND (2 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 6
#define TCP_QUEUE_OOSEQ 0
#define MEM_SIZE 1800              /* copies of what is sent and not yet
                                      acknowledged */
#define MEMP_NUM_PBUF 2
#define MEMP_NUM_TCP_PCB 2         /* one in use, one in TIME_WAIT */
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG TCP_SND_QUEUELEN
#define PBUF_POOL_SIZE 9           /* the window, and three to spare */
#define PBUF_POOL_BUFSIZE 204      /* a full frame is three of them */

#endif
