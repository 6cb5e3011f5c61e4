# smtp.h is one header: there is nothing to build but the examples and tests.
#
#   make              the examples: build/sendmail, prompt, bulk and mx
#   make demo         a mail over STARTTLS and login to a real server
#   make test         the quick tests, in two to three minutes
#   make check        all tests: sanitizers, compilers, targets, real servers
#   make size         tables of code, stack and struct sizes by target
#   make bench        tables of speed, beside other libraries
#   make firmware     the firmware examples in an emulator
#   make proof        the smallest engine has no run-time errors (minutes)
#   make install      PREFIX=/usr/local DESTDIR=
#   make deps         the packages that all of these need (Debian)
#   make clean
#
# Each sees to the Debian packages that it needs (tests/deps.sh).

PREFIX = /usr/local
CFLAGS = -O2
MAKEFLAGS += --no-print-directory
export PYTHONDONTWRITEBYTECODE = 1
.DELETE_ON_ERROR:

# ---- examples ---------------------------------------------------------------

EXAMPLES = $(patsubst examples/%.c,build/%,$(wildcard examples/*.c))
WARN = -pedantic -Wall -Wextra -Wconversion -Wshadow -Wcast-qual -Wundef

all: $(EXAMPLES)

build/bulk: LIBS = -luv
build/mx: LIBS = -lcares -lresolv
build/mx: examples/mx.h
build/sendmail: LIBS = -lidn2
build/sendmail: examples/sendmail.h
build/%: examples/%.c smtp.h | deps-build
	$(CC) -std=c99 $(WARN) $(CFLAGS) -I. $(LDFLAGS) -o $@ $< -lbearssl $(LIBS)

# ---- tests ------------------------------------------------------------------

# Each tests/unit/*.c is a program; it is compiled and run in each of these
# ways. What needs BearSSL is not run with 32 bits: Debian has no such library.
SANE = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
CC_c99        = gcc -std=c99 -O2 -Wstrict-prototypes
CC_gcc-sane   = gcc -std=c11 $(SANE) -Wstrict-prototypes
CC_clang-sane = clang -std=c99 $(SANE) -Wstrict-prototypes
CC_m32-sane   = gcc -std=c99 -m32 $(SANE32) -Wstrict-prototypes
CC_small-sane = gcc -std=c99 -DSMTP_SMALL $(SMALL:%=-DSMTP_NO_%) $(SANE)
CC_all-sane   = gcc -std=c99 -DSMTP_SMALL $(SANE)
CC_middle-sane = gcc -std=c99 -DSMTP_SMALL $(MIDDLE:%=-DSMTP_NO_%) $(SANE)
CC_c++11      = g++ -std=c++11 -O1 -x c++
CC_c++14      = clang++ -std=c++14 -O1 -x c++
CC_c++17      = g++ -std=c++17 -O2 -x c++

# The engine of a small device: all is left out that can be, or all but what
# tells one server from another. `all-sane` is everything in its shortest code;
# tests/system/options plays it the dialogues.
SMALL = NEXT CLOCK REPLY PULL PARAMS HAND TRACE AUTH CHUNKING UTF8 LMTP DSN \
    SIZE RARE 8BIT ALL_OR_NONE OPPORTUNISTIC CAREFUL WAIT INITIAL
MIDDLE = SASL $(filter-out AUTH CHUNKING DSN SIZE UTF8 LMTP,$(SMALL))
SMALL_UNIT = dialogue outcome body

# A kernel may run no 32-bit programs. Then they are emulated, and without the
# address sanitizer: the emulator puts libraries where that has its shadow.
EMULATE32 = $(if $(shell /lib/ld-linux.so.2 --version 2>&1 | grep GNU),,yes)
COMMA = ,
SANE32 = $(if $(EMULATE32),$(subst address$(COMMA),,$(SANE)),$(SANE))

UNIT = $(basename $(notdir $(wildcard tests/unit/*.c)))
UNIT32 = $(basename $(notdir $(shell grep -sL BEARSSL tests/unit/*.c)))
SHORT_UNIT = $(filter-out dialogue posix tls tls_bare url,$(UNIT))
BIG_UNIT = $(filter-out auth dialogue posix url,$(UNIT32))
FAST_UNIT = $(UNIT:%=build/unit/c99/%)
ALL_UNIT = $(FAST_UNIT) $(UNIT32:%=build/unit/m32-sane/%) \
    $(BIG_UNIT:%=build/unit/big-endian/%) \
    $(SMALL_UNIT:%=build/unit/small-sane/%) \
    $(SMALL_UNIT:%=build/unit/middle-sane/%) \
    $(SHORT_UNIT:%=build/unit/all-sane/%) $(foreach way,\
    gcc-sane clang-sane c++11 c++14 c++17,$(UNIT:%=build/unit/$(way)/%))

# Every script of tests/system belongs to both, but these to `check` alone.
SLOW = build bulk compose firmware fuzz install options servers tls_other
ALL_SYSTEM = $(filter-out %.py %.sh %.c %.h %__,$(wildcard tests/system/*))
FAST_SYSTEM = $(filter-out $(SLOW:%=tests/system/%),$(ALL_SYSTEM))

# Sources of others: the firmware needs them, and lwIP's row in `make size`.
SOURCES = build/firmware/sources/fetched

demo: deps-test build/sendmail
	@tests/system/demo

test: deps-test
	-@$(MAKE) -s -k -j2 $(FAST_UNIT) $(EXAMPLES)
	@tests/run -t 100 $(FAST_UNIT) $(FAST_SYSTEM)

check: deps-check deps-firmware $(SOURCES)
	-@$(MAKE) -s -k -j2 $(ALL_UNIT) $(EXAMPLES)
	@tests/run -t 2400 $(ALL_SYSTEM) tests/size/table $(ALL_UNIT)

# The program becomes a script that has an emulator run it.
EMULATED = mv $@ $@.elf && printf \
    '\#!/bin/sh\nexec qemu-$(1) $(2) $@.elf\n' >$@ && chmod +x $@

# A program that does not compile is not there, and tests/run counts that.
.SECONDEXPANSION:
build/unit/%: tests/unit/$$(*F).c smtp.h $(wildcard tests/*.h tests/unit/*.h)
	@mkdir -p $(@D) && rm -f $@
	$(CC_$(*D)) -D_DEFAULT_SOURCE $(WARN) -Werror -I. -Itests -o $@ $< \
	    $(if $(filter %32-sane,$(*D)),,-x none -lbearssl)
	@$(if $(filter %32-sane,$(*D)),$(if $(EMULATE32),$(call EMULATED,i386)))

# A CPU with the other order of bytes, emulated. clang compiles for it, the C
# library is Debian's; its gcc cannot be installed beside gcc-multilib.
S390X = /usr/s390x-linux-gnu
build/unit/big-endian/%: tests/unit/%.c smtp.h $(wildcard tests/*.h)
	@mkdir -p $(@D) && rm -f $@
	clang --target=s390x-linux-gnu -std=c99 -O2 -D_DEFAULT_SOURCE $(WARN) \
	    -Werror -isystem $(S390X)/include -I. -Itests -nostdlib -no-pie \
	    -o $@ $(S390X)/lib/crt1.o $(S390X)/lib/crti.o $< \
	    -L$(S390X)/lib -lc $(S390X)/lib/crtn.o
	@$(call EMULATED,s390x,-L $(S390X))

# ---- tables -----------------------------------------------------------------

$(SOURCES): examples/firmware/fetch | deps-size
	@$(MAKE) -s -C $(<D) ../../$@

size: deps-size $(SOURCES)
	@tests/size/table

bench: deps-bench $(EXAMPLES)
	@tests/bench/run

firmware: deps-firmware $(SOURCES)
	@tests/system/firmware

proof: deps-proof
	@tests/proof/run

# ---- installation -----------------------------------------------------------

# The manual page and the version number come from the header's comments.
VERSION = $(shell sed -n '1s/.* - \([0-9.]*\) - .*/\1/p' smtp.h)
INSTALL_TO = $(DESTDIR)$(PREFIX)

install:
	install -d '$(INSTALL_TO)/include' '$(INSTALL_TO)/share/man/man3' \
	    '$(INSTALL_TO)/share/pkgconfig'
	install -m 644 smtp.h '$(INSTALL_TO)/include/smtp.h'
	umask 022; awk -f tests/man.awk smtp.h \
	    >'$(INSTALL_TO)/share/man/man3/smtp.h.3'
	umask 022; printf '%s\n' 'prefix=$(PREFIX)' \
	    'includedir=$${prefix}/include' '' \
	    'Name: smtp.h' 'Description: submit mail by SMTP, ESMTP and LMTP' \
	    'Version: $(VERSION)' 'Cflags: -I"$${includedir}"' \
	    >'$(INSTALL_TO)/share/pkgconfig/smtp.pc'

# ---- the rest ---------------------------------------------------------------

GROUPS = build test check size bench firmware proof
deps:
	@tests/deps.sh $(GROUPS)
$(GROUPS:%=deps-%): deps-%:
	@tests/deps.sh $* && mkdir -p build

clean:
	rm -rf build

.PHONY: all demo test check size bench firmware proof install clean deps \
    $(GROUPS:%=deps-%)
