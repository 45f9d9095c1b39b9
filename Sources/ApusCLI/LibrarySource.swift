import Capture
import Glibc
import PacketCore
import Savefile

/// A savefile that libpcap reads, and those of its packets that are in the time window.
struct LibrarySource: ~Copyable {
  private(set) var reader: LibraryReader
  /// The unit of the file's timestamps.
  let precision: TimestampPrecision
  private let timeWindow: TimeWindow?
  private var isDone = false

  /// `reading` has the times that are wanted; the first packet of the first file settles on which day they are, in `timeWindow`.
  init(_ file: InputFile, _ reading: Reading, _ timeWindow: inout TimeWindow?) throws(CaptureError) {
    // libpcap does not report the unit of a pcapng file; of one that can be read twice, the other reader does.
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

  /// The time of the first packet, which is waited for; nil where there is none. What is wrong with it is thrown when it is requested again.
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
