import Glibc

/// How many threads the process has; nil if /proc does not say.
func threadCount() -> Int? {
  var status = stat()
  // The folder has a link for itself, one for `.`, and one for every thread.
  guard unsafe stat("/proc/self/task", &status) == 0, status.st_nlink > 2 else { return nil }
  return Int(status.st_nlink) - 2
}
