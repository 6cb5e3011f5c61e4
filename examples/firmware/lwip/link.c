/* lwIP's raw TCP interface as a transport of smtp.h. lwIP's callbacks only
   note what happened; the session runs from the main loop, so that lwIP's
   stack and that of TLS do not add up. */
#include "../link.h"
#include "../board.h"
#include "../settings.h"
#include "ethernet.h"

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

static struct netif port;

static struct {
    struct tcp_pcb *pcb;           /* 0: lwIP has freed it, or none yet */
    struct pbuf *received;         /* and not yet read */
    int end;                       /* once all that is read: SMTP_EOF ... */
    uint8_t connected;
} line;

/* ---- called by lwIP ------------------------------------------------------ */

static err_t on_connected(void *ctx, struct tcp_pcb *pcb, err_t error)
{
    LWIP_UNUSED_ARG(ctx);
    LWIP_UNUSED_ARG(pcb);
    LWIP_UNUSED_ARG(error);
    line.connected = 1;
    return ERR_OK;
}

static err_t on_received(void *ctx, struct tcp_pcb *pcb, struct pbuf *data,
                         err_t error)
{
    LWIP_UNUSED_ARG(ctx);
    LWIP_UNUSED_ARG(pcb);
    LWIP_UNUSED_ARG(error);
    if (!data)
        line.end = SMTP_EOF;
    else if (line.received)
        pbuf_cat(line.received, data);
    else
        line.received = data;
    return ERR_OK;
}

/* lwIP has freed the connection. What was received can still be read. */
static void on_error(void *ctx, err_t error)
{
    LWIP_UNUSED_ARG(ctx);
    LWIP_UNUSED_ARG(error);
    line.pcb = 0;
    if (!line.end)
        line.end = line.connected ? SMTP_E_IO : SMTP_E_CONNECT;
}

/* ---- called by the session ----------------------------------------------- */

/* What is read is acknowledged: so a slow reader slows the server down, and
   `received` never outgrows the TCP window. */
static ptrdiff_t line_recv(void *ctx, void *buffer, size_t size)
{
    u16_t n;

    LWIP_UNUSED_ARG(ctx);
    if (!line.received)
        return line.end ? line.end : SMTP_AGAIN;
    n = pbuf_copy_partial(line.received, buffer,
                          (u16_t)LWIP_MIN(size, TCP_WND), 0);
    line.received = pbuf_free_header(line.received, n);
    if (line.pcb)
        tcp_recved(line.pcb, n);
    return n;
}

static ptrdiff_t line_send(void *ctx, const void *data, size_t size)
{
    u16_t n;

    LWIP_UNUSED_ARG(ctx);
    if (!line.pcb)
        return line.end;
    n = (u16_t)LWIP_MIN(size, tcp_sndbuf(line.pcb));
    if (!line.connected || n == 0)
        return SMTP_AGAIN;
    if (tcp_write(line.pcb, data, n, TCP_WRITE_FLAG_COPY) != ERR_OK)
        n = 0;                     /* no memory until the peer acknowledges */
    tcp_output(line.pcb);
    return n ? n : SMTP_AGAIN;
}

static void line_close(void *ctx)
{
    LWIP_UNUSED_ARG(ctx);
    if (line.received)
        pbuf_free(line.received);
    line.received = 0;
    if (!line.pcb)
        return;
    tcp_err(line.pcb, 0);
    tcp_recv(line.pcb, 0);
    if (tcp_close(line.pcb) != ERR_OK)
        tcp_abort(line.pcb);
    line.pcb = 0;
}

static unsigned long line_clock(void *ctx)
{
    LWIP_UNUSED_ARG(ctx);
    return board_millis();
}

/* ---- called by the main loop --------------------------------------------- */

u32_t sys_now(void)
{
    return board_millis();
}

void link_start(void)
{
    const ip4_addr_t own = {PP_HTONL(OWN_ADDRESS)};
    const ip4_addr_t netmask = {PP_HTONL(OWN_NETMASK)};
    const ip4_addr_t gateway = {PP_HTONL(OWN_GATEWAY)};

    lwip_init();
    netif_add(&port, &own, &netmask, &gateway, 0, ethernet_start,
              ethernet_input);
    netif_set_default(&port);
    netif_set_up(&port);
}

int link_open(smtp_io *io)
{
    static const smtp_io transport = {.recv = line_recv, .send = line_send,
                                      .close = line_close,
                                      .clock = line_clock};
    const ip_addr_t server = {PP_HTONL(SERVER_ADDRESS)};

    *io = transport;
    line.connected = 0;
    line.end = 0;
    line.pcb = tcp_new();
    if (!line.pcb)
        return SMTP_E_CONNECT;
    tcp_nagle_disable(line.pcb);
    tcp_err(line.pcb, on_error);
    tcp_recv(line.pcb, on_received);
    return tcp_connect(line.pcb, &server, SERVER_PORT, on_connected) == ERR_OK
           ? SMTP_OK : SMTP_E_CONNECT;
}

void link_poll(void)
{
    ethernet_poll(&port);
    sys_check_timeouts();
}
