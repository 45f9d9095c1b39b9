import Glibc

/// The program's arguments as C passes them to `main`, its own name first.
struct ArgumentList {
  /// The octets of each argument, without the zero at its end.
  let arguments: [[UInt8]]

  /// Copies them. `vector` holds `count` pointers to C strings; it ends early where one of them is nil.
  init(count: CInt, _ vector: UnsafePointer<UnsafeMutablePointer<CChar>?>?) {
    var arguments: [[UInt8]] = []
    for index in 0..<max(0, Int(count)) {
      // Safe: the index is below the count, and each argument ends with a zero octet.
      guard let argument = unsafe vector?[index] else { break }
      arguments.append(unsafe Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument))))
    }
    self.arguments = arguments
  }
}
