import Glibc

/// When a savefile is full and the next one begins, and what the files are called.
public struct Rotation: Sendable, Equatable {
  /// Octets after which the next packet goes to a new file (`-C`); nil for no limit.
  public var size: UInt64?
  /// Seconds between two boundaries on the clock at which a new file begins (`-G`); nil for none.
  public var seconds: Int64?
  /// How many files there may be (`-W`); nil for any number. Files that are full by size make up a ring, in which the oldest gives way;
  /// files that only follow the clock end the capture.
  public var files: Int?
  /// Octets of a file after which no more packets are wanted.
  public var limit: UInt64?
  /// Files after which no more packets are wanted.
  public var lastFile: Int?

  public init(size: UInt64? = nil, seconds: Int64? = nil, files: Int? = nil) {
    self.size = size
    self.seconds = seconds
    self.files = files
  }

  /// True where there is but one file.
  public var isNone: Bool { size == nil && seconds == nil }
  /// True where files take turns under the same names.
  var isNumberedRing: Bool { size != nil && seconds == nil && files != nil }

  /// The second at which the file that begins at `time` ends: the next multiple of `seconds` on the local clock.
  func boundary(after time: Int64) -> Int64? {
    guard let seconds, seconds > 0 else { return nil }
    let offset = Self.offset(at: time)
    let local = time &+ offset
    let past = ((local % seconds) + seconds) % seconds
    let boundary = time &- past &+ seconds
    // Where the clock is put forward or back before, the hour of day counts, unless that were over already.
    let moved = boundary &- (Self.offset(at: boundary) &- offset)
    return moved > time ? moved : boundary
  }

  /// Seconds that the local clock is ahead of UTC.
  private static func offset(at time: Int64) -> Int64 {
    var moment = time_t(time)
    var broken = unsafe tm()
    unsafe localtime_r(&moment, &broken)
    return Int64(unsafe broken.tm_gmtoff)
  }

  /// The name of a file: `%` in `template` as strftime(3) has it where the clock rotates, then a number, then the suffix of a
  /// compressed file.
  func name(_ template: String, at time: Int64, number: Int) -> String {
    let (stem, suffix) = SavefileCompression.split(seconds == nil ? template : Self.formatted(template, time))
    if isNumberedRing, let files {
      let digits = String(max(files - 1, 0)).utf8.count
      let text = String(number % max(files, 1))
      return stem + String(repeating: "0", count: max(0, digits - text.utf8.count)) + text + suffix
    }
    return number == 0 ? stem + suffix : stem + String(number) + suffix
  }

  /// The folder in which, or below which, the files lie.
  public func folder(of template: String) -> String {
    var folder = template.utf8[...]
    if seconds != nil, let percent = folder.firstIndex(of: UInt8(ascii: "%")) { folder = folder[..<percent] }
    guard let slash = folder.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == folder.startIndex ? "/" : String(decoding: folder[..<slash], as: UTF8.self)
  }

  /// What of the name of a file leads from that folder to the folder of the file, and the name there.
  func split(_ name: String, of template: String) -> (below: String, last: String) {
    let folder = folder(of: template)
    let isImplied = folder == "." && !template.utf8.starts(with: "./".utf8)
    let relative = name.utf8.dropFirst(isImplied ? 0 : folder.utf8.count)
    guard let slash = relative.lastIndex(of: UInt8(ascii: "/")) else {
      return ("", String(decoding: relative, as: UTF8.self))
    }
    let below = relative[..<slash].drop { $0 == UInt8(ascii: "/") }
    return (String(decoding: below, as: UTF8.self), String(decoding: relative[slash...].dropFirst(), as: UTF8.self))
  }

  private static func formatted(_ template: String, _ time: Int64) -> String {
    guard template.utf8.contains(UInt8(ascii: "%")) else { return template }
    var moment = time_t(time)
    var broken = unsafe tm()
    unsafe localtime_r(&moment, &broken)
    let text = unsafe [CChar](unsafeUninitializedCapacity: 4096) { buffer, count in
      // Safe: strftime writes at most the capacity.
      count = unsafe strftime(buffer.baseAddress, buffer.count, template, &broken)
    }
    let octets = text.map { UInt8(bitPattern: $0) }
    return octets.isEmpty ? template : String(decoding: octets, as: UTF8.self)
  }
}
