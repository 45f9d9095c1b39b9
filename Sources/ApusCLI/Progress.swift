import Capture
import Glibc
import PacketCore

/// The progress through a savefile: the bytes that have been read, and the total if it is known.
struct Extent {
  var done: UInt64
  var total: UInt64?
}

/// A line on a terminal's standard error that shows the progress of long work: percent, rate, packets and the time left. Writes nothing if
/// standard error is not a terminal, or during the first second.
struct Progress {
  private let isTerminal: Bool
  private let start: Int64
  /// When to write the line next, and the number of characters that it has now.
  private var next: Int64
  private var width = 0

  private static let delay: Int64 = 1_000_000_000
  private static let interval: Int64 = 250_000_000

  /// `isWanted`: the terminal is not needed for other output.
  init(isWanted: Bool) {
    isTerminal = isWanted && isatty(STDERR_FILENO) == 1
    start = isTerminal ? Self.now : 0
    next = start &+ Self.delay
  }

  /// To be called about every millisecond; `extent` is called only if the line is due.
  mutating func update(_ accepted: UInt64, _ extent: () -> Extent?) {
    guard isTerminal else { return }
    let now = Self.now
    guard now >= next, let extent = extent() else { return }
    next = now &+ Self.interval
    show(Self.line(extent, accepted, after: Double(now &- start) / 1e9))
  }

  /// Removes the line.
  mutating func clear() {
    guard width > 0 else { return }
    show("")
    width = 0
  }

  private mutating func show(_ line: String) { StatusLine.show(line, &width) }

  /// `34 %, 812 MB/s, 1234567 packets, 12 s left`.
  static func line(_ extent: Extent, _ accepted: UInt64, after seconds: Double) -> String {
    let rate = seconds > 0 ? Double(extent.done) / seconds : 0
    var parts: [String] = []
    if let total = extent.total, total > 0 {
      parts.append("\(min(100, Int(Double(extent.done) / Double(total) * 100))) %")
    } else {
      parts.append("\(extent.done / 1_000_000) MB")
    }
    parts.append("\(Int(rate / 1e6)) MB/s")
    parts.append("\(accepted) packet\(accepted == 1 ? "" : "s")")
    if let total = extent.total, rate > 0 {
      let left = Int(min(1e9, Double(total - min(total, extent.done)) / rate))
      parts.append(left < 120 ? "\(left) s left" : "\(left / 60) min left")
    }
    return parts.joined(separator: ", ")
  }

  /// Nanoseconds of the monotonic clock.
  private static var now: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

/// A line on a terminal's standard error that is overwritten again and again.
enum StatusLine {
  /// Writes the line over one of `width` characters.
  static func show(_ line: String, _ width: inout Int) {
    // The rest of a longer line is blanked, and the cursor returns to the start, where the next text may begin.
    let blanks = String(repeating: " ", count: max(0, width - line.count))
    var text = TextBuffer(capacity: 256)
    text.write("\r\(line)\(blanks)\r")
    _ = text.flush(to: STDERR_FILENO) { StopSignal.isRepeated }
    width = line.count
  }
}

/// The running count of packets that a capture has written to its file, once a second on a terminal's standard error, like tcpdump's `Got
/// N`.
struct CaptureCount {
  /// When to write the line next; nil if it is not wanted.
  private(set) var next: Timestamp?
  private var packets: UInt64 = 0
  private var octets: UInt64 = 0
  private var width = 0

  init(isWanted: Bool) {
    next = isWanted && isatty(STDERR_FILENO) == 1 ? Timestamp.now.advanced(bySeconds: 1) : nil
  }

  /// A packet of `count` bytes was written.
  @inline(__always)
  mutating func add(_ count: Int) {
    packets &+= 1
    octets &+= UInt64(truncatingIfNeeded: count)
  }

  var isDue: Bool { next.map { Timestamp.now >= $0 } ?? false }

  /// Writes the line; `dropped` are the packets that the kernel dropped on each interface, if known.
  mutating func show(dropped: [UInt64]) {
    next = Timestamp.now.advanced(bySeconds: 1)
    StatusLine.show(Self.line(packets, octets, dropped.isEmpty ? nil : dropped.reduce(0, &+)), &width)
  }

  /// Removes the line.
  mutating func clear() {
    next = nil
    guard width > 0 else { return }
    StatusLine.show("", &width)
  }

  /// `Got 1234 packets, 5.6 MB, 0 dropped by kernel`.
  static func line(_ packets: UInt64, _ octets: UInt64, _ dropped: UInt64?) -> String {
    var size = "\(octets) bytes"
    for (unit, name) in [(UInt64(1_000), "kB"), (1_000_000, "MB"), (1_000_000_000, "GB"), (1_000_000_000_000, "TB")]
    where octets >= unit {
      size = "\(octets / unit).\(octets % unit / (unit / 10)) \(name)"
    }
    let loss = dropped.map { ", \($0) dropped by kernel" } ?? ""
    return "Got \(packets) packet\(packets == 1 ? "" : "s"), \(size)\(loss)"
  }
}
