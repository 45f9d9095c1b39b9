import Glibc

/// When a savefile is full and the next one begins, and how the files are named.
public struct Rotation: Sendable, Equatable {
  /// The size in bytes after which the next packet goes to a new file (`-C`); nil for no limit.
  public var size: UInt64?
  /// Seconds between two boundaries on the clock at which a new file begins (`-G`); nil for none.
  public var seconds: Int64?
  /// The maximum number of files (`-W`); nil for no limit. With a size limit the files form a ring, in which the oldest is replaced; with
  /// the clock alone, the capture ends after that number.
  public var files: Int?
  /// The size in bytes of a file after which the capture ends.
  public var limit: UInt64?
  /// The number of files after which the capture ends.
  public var lastFile: Int?

  public init(size: UInt64? = nil, seconds: Int64? = nil, files: Int? = nil) {
    self.size = size
    self.seconds = seconds
    self.files = files
  }

  /// True if there is only one file.
  public var isNone: Bool { size == nil && seconds == nil }
  /// True if the same file names are used again and again.
  var isNumberedRing: Bool { size != nil && seconds == nil && files != nil }

  /// The second at which a file begun at `time` ends: the next multiple of `seconds` on the local clock.
  func boundary(after time: Int64) -> Int64? {
    guard let seconds, seconds > 0 else { return nil }
    let offset = Self.offset(at: time)
    let local = time &+ offset
    let past = ((local % seconds) + seconds) % seconds
    let boundary = time &- past &+ seconds
    // If the clock is put forward or back before the boundary, the local time counts, unless it is already past.
    let moved = boundary &- (Self.offset(at: boundary) &- offset)
    return moved > time ? moved : boundary
  }

  /// Offset of the local clock from UTC, in seconds.
  private static func offset(at time: Int64) -> Int64 {
    var moment = time_t(time)
    var broken = unsafe tm()
    unsafe localtime_r(&moment, &broken)
    return Int64(unsafe broken.tm_gmtoff)
  }

  /// The name of a file: `template` formatted with strftime(3) if the clock rotates files, then a number, then the suffix of a compressed
  /// file.
  func name(_ template: String, at time: Int64, number: Int) -> String {
    let (stem, suffix) = SavefileCompression.split(seconds == nil ? template : Self.formatted(template, time))
    if isNumberedRing, let files {
      let digits = String(max(files - 1, 0)).utf8.count
      let text = String(number % max(files, 1))
      return stem + String(repeating: "0", count: max(0, digits - text.utf8.count)) + text + suffix
    }
    return number == 0 ? stem + suffix : stem + String(number) + suffix
  }

  /// The folder that contains the files, directly or in subfolders.
  public func folder(of template: String) -> String {
    var folder = template.utf8[...]
    if seconds != nil, let percent = folder.firstIndex(of: UInt8(ascii: "%")) { folder = folder[..<percent] }
    guard let slash = folder.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == folder.startIndex ? "/" : String(decoding: folder[..<slash], as: UTF8.self)
  }

  /// The part of a file's name that leads from that folder to the file's own folder, and the name there.
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
      // Safe: strftime writes at most the given capacity.
      count = unsafe strftime(buffer.baseAddress, buffer.count, template, &broken)
    }
    let octets = text.map { UInt8(bitPattern: $0) }
    return octets.isEmpty ? template : String(decoding: octets, as: UTF8.self)
  }
}
