import Glibc

/// The program's arguments as passed by C to `main`, beginning with its own name.
struct ArgumentList {
  /// The bytes of each argument, without the terminating zero.
  let arguments: [[UInt8]]

  /// Copies the arguments. `vector` has `count` pointers to C strings; a nil pointer ends it early.
  init(count: CInt, _ vector: UnsafePointer<UnsafeMutablePointer<CChar>?>?) {
    var arguments: [[UInt8]] = []
    for index in 0..<max(0, Int(count)) {
      // Safe: the index is below the count, and each argument ends with a zero byte.
      guard let argument = unsafe vector?[index] else { break }
      arguments.append(unsafe Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument))))
    }
    self.arguments = arguments
  }
}
