/* The names of FreeRTOS+TCP that the README's transport uses, with the types
   that its documentation gives; enough to compile it. */
#include <stddef.h>
#include <stdint.h>

typedef long BaseType_t;
typedef uint32_t TickType_t;
typedef struct xSOCKET *Socket_t;

#define pdFREERTOS_ERRNO_EWOULDBLOCK 11
#define pdFREERTOS_ERRNO_ENOSPC 28
#define pdFREERTOS_ERRNO_ENOTCONN 128
#define FREERTOS_MSG_DONTWAIT 16
#define configTICK_RATE_HZ 1000

BaseType_t FreeRTOS_recv(Socket_t socket, void *buffer, size_t size,
                         BaseType_t flags);
BaseType_t FreeRTOS_send(Socket_t socket, const void *buffer, size_t size,
                         BaseType_t flags);
TickType_t xTaskGetTickCount(void);
