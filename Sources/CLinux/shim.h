// The numbers of Linux's system calls, and the C library's two ways to the kernel that are variadic, which Swift cannot call:
// here with all their arguments.
#pragma once
#include <errno.h>
#include <linux/magic.h>
#include <sys/prctl.h>
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
