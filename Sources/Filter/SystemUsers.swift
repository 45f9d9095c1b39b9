import Glibc
import Synchronization

/// The users of this system, from /etc/passwd. The file is read once, because it cannot be opened any more after the sandbox is entered.
enum SystemUsers {
  private static let limit = 1 << 22
  private static let numbers = Mutex<[String: UInt32]?>(nil)

  /// The uid of the user with that name; nil if there is none.
  static func number(of name: String) -> UInt32? {
    numbers.withLock { numbers in
      let known = numbers ?? read()
      numbers = known
      return known[name]
    }
  }

  private static func read() -> [String: UInt32] {
    var numbers: [String: UInt32] = [:]
    for line in contents().split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard fields.count > 2, let number = UInt32(String(decoding: fields[2], as: UTF8.self)) else { continue }
      numbers[String(decoding: fields[0], as: UTF8.self)] = number
    }
    return numbers
  }

  private static func contents() -> [UInt8] {
    let descriptor = unsafe open("/etc/passwd", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < limit {
      let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return bytes
  }
}
