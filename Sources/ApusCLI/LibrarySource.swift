import Capture
import Glibc
import PacketCore
import Savefile

/// A savefile read by libpcap, limited to its packets in the time window.
struct LibrarySource: ~Copyable {
  private(set) var reader: LibraryReader
  /// The unit of the file's timestamps.
  let precision: TimestampPrecision
  private let timeWindow: TimeWindow?
  private var isDone = false

  /// `reading` has the requested times; the first packet of the first file determines their day, and thereby `timeWindow`.
  init(_ file: InputFile, _ reading: Reading, _ timeWindow: inout TimeWindow?) throws(CaptureError) {
    // libpcap does not report the time unit of a pcapng file; apus's own reader does, if the file can be read twice.
    let known = file.path == "-" ? nil : file.peek { try? SavefileReader($0).precision }
    var reader = try LibraryReader(path: file.path, descriptor: file.take())
    precision = reader.precision == .nanoseconds ? known ?? .nanoseconds : reader.precision
    if reading.hasTimeWindow, timeWindow == nil, let first = Self.firstTime(&reader) {
      let (window, isNextDay) = reading.timeWindow(first: first)
      timeWindow = window
      if isNextDay, let end = window.end { Diagnostics.note("apus: --to is on the next day: \(end.inWords)") }
    }
    self.timeWindow = timeWindow
    self.reader = reader
  }

  /// The time of the first packet, for which it waits; nil if there is none. An error is ignored here, and thrown when the packet is read.
  private static func firstTime(_ reader: inout LibraryReader) -> Timestamp? {
    while !StopSignal.isRaised {
      if let time = try? reader.nextTime() { return time }
      guard reader.wait(milliseconds: -1) else { return nil }
    }
    return nil
  }

}

extension LibrarySource: PacketSource {
  @_lifetime(&self)
  mutating func next() throws(CaptureError) -> Packet? {
    if let timeWindow {
      while true {
        guard !isDone, let time = try reader.nextTime() else { return nil }
        if timeWindow.contains(time) { break }
        isDone = timeWindow.endsBefore(time)
        reader.skip()
      }
    }
    return try reader.next()
  }

  mutating func awaitMore(until time: Timestamp?) -> Bool {
    guard !isDone, !StopSignal.isRaised, reader.wait(milliseconds: time?.millisecondsFromNow ?? -1) else {
      return false
    }
    StopSignal.drainWakeups()
    return !StopSignal.isRaised
  }

  var filePrecision: TimestampPrecision? { precision }
  var interfaces: InterfaceTable? { nil }
}
