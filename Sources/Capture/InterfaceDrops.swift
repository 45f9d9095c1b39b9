import Glibc

/// Packets that network cards or their drivers dropped on reception (the `drop` of `/proc/net/dev`), counted from `start` on.
///
/// The file stays open, so that no privilege or path is needed later.
final class InterfaceDrops {
  private let devices: [String]
  private let descriptor: CInt
  /// The last values read; nil for an interface that did not exist.
  private var last: [UInt64?]
  private var sums: [UInt64]

  init(_ devices: [String]) {
    self.devices = devices
    descriptor = unsafe open("/proc/net/dev", O_RDONLY | O_CLOEXEC)
    last = devices.map { _ in nil }
    sums = devices.map { _ in 0 }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func start() { last = read() }

  /// The drops of each interface. If an interface was replaced meanwhile, the new one's drops are added from 0.
  func counts() -> [UInt64] {
    let current = read()
    for index in devices.indices {
      guard let count = current[index] else { continue }
      let before = last[index] ?? 0
      sums[index] &+= count >= before ? count &- before : count
      last[index] = count
    }
    return sums
  }

  private func read() -> [UInt64?] {
    guard descriptor >= 0 else { return devices.map { _ in nil } }
    var text: [UInt8] = []
    while text.count < 1 << 20 {
      let part = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
        // Safe: pread(2) fills at most the buffer's capacity.
        count = unsafe max(0, pread(descriptor, buffer.baseAddress, buffer.count, text.count))
      }
      if part.isEmpty { break }
      text += part
    }
    // Each line is "  eth0: bytes packets errors drop …".
    var drops: [String: UInt64] = [:]
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
      guard parts.count == 2 else { continue }
      let name = String(decoding: parts[0], as: UTF8.self).filter { $0 != " " }
      let numbers = parts[1].split(separator: UInt8(ascii: " "))
      if numbers.count > 3 { drops[name] = UInt64(String(decoding: numbers[3], as: UTF8.self)) }
    }
    return devices.map { $0 == "any" ? drops.values.reduce(0, &+) : drops[$0] }
  }
}
