// The C interface of libpcap, as Debian's libpcap-dev installs it.
#pragma once
#include <pcap/pcap.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

// fopencookie(3), which stdio.h hides from Swift: a stream of C whose bytes come from functions. Unused ones are null.
struct stream_functions {
  ssize_t (*read)(void *cookie, char *target, size_t count);
  ssize_t (*write)(void *cookie, const char *source, size_t count);
  int (*seek)(void *cookie, int64_t *offset, int whence);
  int (*close)(void *cookie);
};
extern FILE *stream_open(void *cookie, const char *mode, struct stream_functions functions) __asm__("fopencookie");
