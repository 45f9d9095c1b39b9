// The C interface of libpcap, as Debian's libpcap-dev installs it.
#pragma once
#include <dlfcn.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

// The functions of libpcap that capture and read packets, named without `pcap_`. Calls to them do not make a program need libpcap.
#define PCAP_FUNCTIONS(each) \
  each(activate) each(close) each(create) each(datalink) each(fileno) each(findalldevs) each(fopen_offline_with_tstamp_precision) \
  each(free_datalinks) each(free_tstamp_types) each(freealldevs) each(get_selectable_fd) each(geterr) each(is_swapped) each(lib_version) \
  each(list_datalinks) each(list_tstamp_types) each(next_ex) each(set_buffer_size) each(set_datalink) each(set_immediate_mode) \
  each(set_promisc) each(set_rfmon) each(set_snaplen) each(set_timeout) each(set_tstamp_precision) each(set_tstamp_type) \
  each(setdirection) each(setnonblock) each(snapshot) each(stats) each(statustostr) each(tstamp_type_name_to_val) \
  each(tstamp_type_val_to_description) each(tstamp_type_val_to_name)

struct pcap_functions {
#define PCAP_FIELD(name) __typeof__(pcap_##name) *_Nonnull name;
  PCAP_FUNCTIONS(PCAP_FIELD)
#undef PCAP_FIELD
};

// Loads libpcap, and finds its functions; false if that fails: dlerror(3) says why. The second name is Debian's.
static inline bool pcap_load(struct pcap_functions *_Nonnull functions) {
  void *library = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
#define PCAP_FIND(name) \
  void *name = dlsym(library, "pcap_" #name); \
  if (!name) return false; \
  functions->name = (__typeof__(pcap_##name) *)name;
  PCAP_FUNCTIONS(PCAP_FIND)
#undef PCAP_FIND
  return true;
}

// fopencookie(3), which stdio.h hides from Swift: a stream of C whose bytes come from functions. Unused ones are null.
struct stream_functions {
  ssize_t (*read)(void *cookie, char *target, size_t count);
  ssize_t (*write)(void *cookie, const char *source, size_t count);
  int (*seek)(void *cookie, int64_t *offset, int whence);
  int (*close)(void *cookie);
};
extern FILE *stream_open(void *cookie, const char *mode, struct stream_functions functions) __asm__("fopencookie");
