/* The names of Winsock that the README's transport uses, with the types that
   its documentation gives; enough to compile it. */
#include <stdint.h>

typedef uintptr_t SOCKET;
typedef struct WSAPOLLFD {
    SOCKET fd;
    short events, revents;
} WSAPOLLFD;
typedef unsigned long u_long;

#define SOCKET_ERROR (-1)
#define WSAEWOULDBLOCK 10035
#define WSAECONNABORTED 10053
#define WSAECONNRESET 10054
#define POLLIN 0x300
#define POLLOUT 0x10
#define FIONBIO ((long)0x8004667e)

int recv(SOCKET s, char *buffer, int size, int flags);
int send(SOCKET s, const char *data, int size, int flags);
int closesocket(SOCKET s);
int ioctlsocket(SOCKET s, long command, u_long *argument);
int WSAGetLastError(void);
int WSAPoll(WSAPOLLFD *on, unsigned long count, int ms);
void Sleep(unsigned long ms);
unsigned long GetTickCount(void);
