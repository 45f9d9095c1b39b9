import CLinux
import Glibc

/// System calls for which the C library has no function, or only a variadic one. Each returns the result or the negated `errno`.
enum LinuxCall {
  /// prctl(2) for an option that takes numbers.
  @discardableResult
  static func control(_ option: CInt, _ a: UInt = 0, _ b: UInt = 0) -> CInt {
    linux_process_control(option, a, b, 0, 0)
  }

  /// A system call that takes numbers.
  static func call(_ number: CInt, _ a: UInt = 0, _ b: UInt = 0, _ c: UInt = 0) -> Int {
    linux_call(Int(number), a, b, c, 0, 0)
  }

  /// A system call that takes two numbers, a structure to read, and another number.
  static func call<Value: BitwiseCopyable>(_ number: CInt, _ a: UInt, _ b: UInt, reading value: Value, _ d: UInt = 0)
    -> Int
  {
    // Safe: the structure is valid during the call, and the kernel only reads it.
    unsafe withUnsafeBytes(of: value) { bytes in
      linux_call(Int(number), a, b, UInt(bitPattern: bytes.baseAddress), d, 0)
    }
  }
}
