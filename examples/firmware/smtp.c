/* The library: its code is made in this file. */
#define SMTP_IMPLEMENTATION
#include "library.h"
