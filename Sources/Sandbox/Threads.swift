import Glibc

/// The number of threads of the process; nil if /proc does not tell.
func threadCount() -> Int? {
  var status = stat()
  // The folder has a link for itself, one for `.`, and one for every thread.
  guard unsafe stat("/proc/self/task", &status) == 0, status.st_nlink > 2 else { return nil }
  return Int(status.st_nlink) - 2
}
