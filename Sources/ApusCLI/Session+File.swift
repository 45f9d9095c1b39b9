import Capture
import Glibc
import PacketCore
import Savefile

/// Writing packets to a file.
extension Session {
  /// Nanoseconds after which to check whether pending data has reached the file.
  private static let arrivalInterval: Int64 = 20_000_000
  /// Nanoseconds after which to check whether a pipe still has a reader, while no packet comes.
  private static let readerInterval: Int64 = 1_000_000_000

  enum Saving {
    case saved
    /// No more packets are wanted.
    case last
    /// The packet could not be saved, or comes after the end.
    case refused
  }

  mutating func save(_ packet: borrowing Packet) -> Saving {
    let taken = writer?.packetsTaken ?? 0
    do throws(SavefileError) {
      guard writer?.holds(packet.linkType) ?? false else {
        failure = failure ?? mixedLinkTypes(packet.linkType)
        book.refuse()
        if printsPackets { book.countLost() }
        return .refused
      }
      if RotationSignal.take() { try writer?.rotate() }
      guard try write(packet) else {
        // The last file is full, and this packet would belong to the next one.
        accepted &-= 1
        book.uncount(packet.interface)
        return .refused
      }
      count.add(packet.bytes.count)
      return writer?.isFull ?? true ? .last : .saved
    } catch {
      if writer?.packetsTaken == taken { book.refuse() }
      if printsPackets { book.countLost() }
      end(with: error)
      return .refused
    }
  }

  /// While no packet comes: writes buffered packets, and begins new files by the clock or on a signal.
  mutating func keepFiles<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    guard writer != nil else { return }
    let now = Timestamp.now
    if isLive { writer?.note(source.countsByInterface, at: now) }
    do throws(SavefileError) {
      if RotationSignal.take() { try writer?.rotate() }
      // When reading a savefile, files are rotated by packet times instead.
      if isLive { try writer?.rotateIfDue(at: now) }
      try writer?.flush()
      // Without packets, nothing is written that would show that the reader has left.
      try writer?.checkReader()
      if writer?.isFull ?? false { end = end.map { min($0, now) } ?? now }
    } catch {
      end(with: error)
    }
  }

  /// When to wake up even if no packet has arrived.
  var wakeTime: Timestamp? {
    mutating get {
      let check =
        watchesReader || writer?.hasReader ?? false ? Timestamp.now.advanced(byNanoseconds: Self.readerInterval) : nil
      guard isLive else { return [statistics?.nextReport, check].compactMap(\.self).min() }
      // While data is on its way to the file, check soon whether it has arrived.
      let arrival = writer?.isBusy ?? false ? Timestamp.now.advanced(byNanoseconds: Self.arrivalInterval) : nil
      let taking = liveSample?.isOpen ?? false ? liveSample?.nextTake : nil
      let times = [
        writer?.nextBoundary, end, book.nextReport, statistics?.nextReport, arrival, check, count.next, taking,
        nextEventTime,
      ]
      return times.compactMap(\.self).min()
    }
  }

  mutating func closeWriter(_ counts: [CaptureCounts]) {
    guard var writer = writer.take() else { return }
    let now = Timestamp.now
    if !counts.isEmpty { writer.note(counts, at: now) }
    do throws(SavefileError) { try writer.close(at: now) } catch { end(with: error) }
    fileCounts = (writer.path, writer.packetsTaken, writer.packetsWritten)
    for note in notes(writer) { Diagnostics.note("apus: \(writer.path): \(note)") }
    if writer.fractionsCut > 0, !cutsFractions, failure == nil {
      failure = CommandError(
        "\(writer.path): times finer than a microsecond were cut (\(writer.fractionsCut)): --nano keeps them, and so does a "
          + "name that ends in .pcapng")
    }
    if writer.timestampsCut > 0, failure == nil {
      failure = CommandError(
        "\(writer.path): \(writer.timestampsCut) timestamps do not fit in the file and were cut")
    }
  }

  /// Notes on information about packets that the file's format cannot store.
  private func notes(_ writer: borrowing SavefileSeries) -> [String] {
    var notes: [String] = []
    if writer.timesMissing > 0 {
      notes.append("packets without a timestamp (\(writer.timesMissing)) were written with a time of 0")
    }
    if writer.hasOtherFrameChecks {
      notes.append(
        "the packets end with frame check sequences of different lengths, which a pcap file cannot record: a name that ends in "
          + ".pcapng keeps them")
    }
    return notes
  }

  /// The first failure ends the session; later ones are reported as well.
  mutating func end(with error: SavefileError) {
    if readerMayGo, error.kind == .system(EPIPE) {
      outputIsClosed = true
      return
    }
    let error = CommandError(error.description)
    if failure == nil { failure = error } else { Diagnostics.report(error) }
  }

  private func mixedLinkTypes(_ linkType: LinkType) -> CommandError {
    CommandError(
      "packet \(accepted) is of link type \(linkType.words), and the file being written can hold only one: "
        + "give it a name that ends in .pcapng, or select one with a filter")
  }
}
