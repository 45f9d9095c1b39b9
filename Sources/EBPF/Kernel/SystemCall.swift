import Glibc

/// bpf(2), for which the C library has no function.
enum SystemCall {
  /// The command (`enum bpf_cmd`).
  enum Command: Int {
    case mapCreate = 0
    case mapUpdateElement = 2
    case programLoad = 5
    case programTestRun = 10
    case rawTracepointOpen = 17
    case typesLoad = 18
    case linkCreate = 28
  }

  #if arch(x86_64)
    private static let number = 321
  #elseif arch(arm64) || arch(riscv64)
    private static let number = 280
  #endif

  private typealias Function = @convention(c) (Int, Int, UnsafeRawPointer?, Int) -> Int

  /// The result of the call, negative if it failed: then errno says why. `attributes` is `union bpf_attr`, as words.
  static func bpf(_ command: Command, _ attributes: inout [UInt64]) -> Int {
    #if os(Linux) && (arch(x86_64) || arch(arm64) || arch(riscv64))
      guard let symbol = unsafe dlsym(nil, "syscall") else { return -1 }
      // Safe: syscall(2) takes a number and up to six words.
      let call = unsafe unsafeBitCast(symbol, to: Function.self)
      return unsafe attributes.withUnsafeMutableBytes {
        unsafe call(number, command.rawValue, $0.baseAddress, $0.count)
      }
    #else
      errno = ENOSYS
      return -1
    #endif
  }
}
