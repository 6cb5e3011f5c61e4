/* The names of Zephyr's socket API that the README's transport uses, with the
   types that its documentation gives; enough to compile it. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZSOCK_MSG_DONTWAIT 64

ssize_t zsock_recv(int socket, void *buffer, size_t size, int flags);
ssize_t zsock_send(int socket, const void *buffer, size_t size, int flags);
uint32_t k_uptime_get_32(void);
