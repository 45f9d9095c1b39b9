// Linux system call numbers; the two variadic functions of the C library that enter the kernel, which Swift cannot call, with all their
// arguments; and the room left on the stack, which can only be found with functions that Swift does not import.
#pragma once
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/// syscall(2): the result, or the negated error number.
static inline long linux_call(
  long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e) {
  long result = syscall(number, a, b, c, d, e);
  return result == -1 ? -errno : result;
}

/// prctl(2): the result, or the negated error number.
static inline int linux_process_control(
  int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  int result = prctl(option, a, b, c, d);
  return result == -1 ? -errno : result;
}

/// The number of cores that the calling thread may run on (sched_getaffinity(2)), at least 1.
static inline int linux_usable_cores(void) {
  unsigned long mask[128] = {0};
  int count = 0;
  if (syscall(SYS_sched_getaffinity, 0, sizeof mask, mask) < 0) return 1;
  for (unsigned place = 0; place < sizeof mask / sizeof *mask; place++) count += __builtin_popcountl(mask[place]);
  return count > 0 ? count : 1;
}

/// Loads a byte into the processor's cache, without waiting for it. The address need not be valid.
static inline void linux_prefetch(const void *base, long offset) { __builtin_prefetch((const char *)base + offset); }

// Extensions of the C library, which its headers hide from Swift.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
int pthread_getattr_np(pthread_t, pthread_attr_t *);

/// How many bytes are left on the calling thread's stack below the caller; -1 if that is not known or not limited. It does not open a file,
/// as pthread_getattr_np(3) does for the first thread.
static inline long linux_stack_room(void) {
  unsigned long here = (unsigned long)__builtin_frame_address(0), end;
  if (syscall(SYS_gettid) == getpid()) {
    // The kernel stores the name of the program at the very start of the stack, before a word of zeros.
    const char *name = (const char *)getauxval(AT_EXECFN);
    struct rlimit limit;
    if (!name || getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur == RLIM_INFINITY) return -1;
    unsigned long start = ((unsigned long)name + strlen(name) + 1 + sizeof(long) + 4095) & ~4095ul;
    if (here > start || start < limit.rlim_cur) return -1;
    end = start - limit.rlim_cur;
  } else {
    pthread_attr_t attributes;
    void *lowest = 0;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes)) return -1;
    int failed = pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    end = (unsigned long)lowest;
    if (failed || here < end || here - end > size) return -1;
  }
  return here < end ? 0 : (long)(here - end);
}

/// An address on the stack close to the caller's frame.
static inline unsigned long linux_frame_address(void) { return (unsigned long)__builtin_frame_address(0); }
