import Glibc
import TestSupport

/// Captures that are truncated or have a byte changed are read without a trap or a hang, both mapped and through a pipe, and with the
/// documented exit status if `apus` is next to this program.
struct SavefileFuzz: ~Copyable {
  private var mutants: SavefileMutants

  /// The number of places at which each file is truncated.
  private static let cuts = 50

  init(seed: UInt64) {
    let own = CommandLine.arguments[0]
    let path = own.prefix(own.lastIndex(of: "/").map { own.distance(from: own.startIndex, to: $0) + 1 } ?? 0) + "apus"
    mutants = SavefileMutants(seed: seed, program: unsafe access(String(path), X_OK) == 0 ? String(path) : nil)
  }

  /// True if there was no fault with any file. Prints every fault.
  mutating func run(mutations: Int) -> Bool {
    let paths = DissectFuzz.captures()
    for path in paths {
      guard let octets = Self.octets(path) else {
        print("\(path): cannot be read")
        return false
      }
      mutants.read(octets, name: path, cuts: Self.cuts, mutations: mutations)
    }
    for fault in mutants.faults.prefix(20) { print(fault) }
    print(
      "savefiles: \(paths.count) captures, \(mutants.files) mutants of them, \(mutants.damaged) with a fault, "
        + "\(mutants.skipped) bytes skipped in recovery, \(mutants.faults.count) faults")
    return mutants.faults.isEmpty
  }

  /// The bytes of a file; nil if it cannot be read.
  static func octets(_ path: String) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let size = max(0, Int(lseek(file, 0, SEEK_END)))
    var failed = false
    let octets = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      // Safe: pread(2) fills at most the buffer's capacity.
      count = unsafe max(0, pread(file, buffer.baseAddress, size, 0))
      failed = count != size
    }
    return failed ? nil : octets
  }
}
