import BPF
import Capture
import PacketCore
import Savefile

/// Faster ways through the packets of a mapped file than taking them one by one, if there are any.
struct Shortcuts {
  /// Native code that skips what the filter rejects.
  fileprivate let scan: RecordScan?
  /// Copies records as they are.
  fileprivate let copier: RecordCopier?
  /// Walks over parts of the file in several threads.
  fileprivate var pieces: PieceWalk?

  /// There is a shortcut.
  let areThere: Bool
  /// Packets are copied and nothing else.
  let copies: Bool

  fileprivate init(_ scan: RecordScan?, _ copier: RecordCopier?, _ pieces: PieceWalk?, writes: Bool) {
    (self.scan, self.copier, self.pieces) = (scan, copier, pieces)
    areThere = scan != nil || copier != nil || pieces != nil
    copies = copier != nil || writes && pieces != nil
  }

  /// No shortcuts.
  init() { self.init(nil, nil, nil, writes: false) }
}

/// Walking over many records of a mapped file at a time.
extension Session {
  /// Bytes of a file that are walked at a time, in about a millisecond: a signal waits no longer than that.
  private static let windowLength = 1 << 22

  /// The shortcuts that can be used for what has to be done with the source's packets.
  mutating func shortcuts<Source: PacketSource & ~Copyable>(_ source: borrowing Source) -> Shortcuts {
    let copier = copier(source.recordLayout)
    return Shortcuts(
      scan(source.recordLayout), copier, pieces(source), writes: writer != nil)
  }

  /// Walks over packets up to one that must be taken by itself.
  mutating func takeShortcut<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    // As long as no packet has matched and some are kept for hints, packets are taken one by one.
    if sample.isOpen, accepted == 0 { return }
    if let pieces = shortcuts.pieces, goThroughPieces(&source, pieces, shortcuts.copier) { shortcuts.pieces = nil }
    if let copier = shortcuts.copier {
      if shortcuts.pieces == nil, !isOver, !copyRecords(&source, copier) { isOver = true }
      return
    }
    // When pieces are counted, going back to one thread costs little.
    if shortcuts.pieces == nil || !countsOnly, !isOver, let scan = shortcuts.scan { skipRejected(&source, scan) }
  }

  // MARK: Packets that need not be looked at

  /// Nil if native code is not available, or nothing is skipped.
  private mutating func scan(_ layout: RecordLayout?) -> RecordScan? {
    guard let layout, duration == nil, countsOnly || !filter.acceptsAll else { return nil }
    return filter.scan(layout)
  }

  /// Only the number of packets is wanted.
  var countsOnly: Bool { writer == nil && !printsPackets && statistics == nil }

  /// Advances to the next packet that the machine accepts or, if only the number is wanted, counts such packets up to the end. Damaged
  /// records are left to the source, which reports the error.
  private mutating func skipRejected<Source: PacketSource & ~Copyable>(_ source: inout Source, _ scan: RecordScan) {
    let countsOnly = countsOnly
    let layout = countsOnly && filter.acceptsAll ? source.recordLayout : nil
    while accepted < last, !StopSignal.isRaised {
      let wanted = last - accepted
      let step = source.walk { file, position in
        let limit = position.offset &+ Self.windowLength
        // A window has fewer records than bytes, so the last packet wanted is not in it.
        if let layout, wanted > UInt64(Self.windowLength) {
          let packets = position.packets
          layout.pass(in: file, from: &position, before: limit)
          return (counted: position.packets &- packets, goesOn: position.offset >= limit)
        }
        let counted = countsOnly ? scan.count(in: file, from: &position, before: limit, wanted: wanted) : 0
        let found = !countsOnly && scan.find(in: file, from: &position, before: limit)
        return (counted: counted, goesOn: !found && position.offset >= limit)
      }
      guard let step else { return }
      accepted &+= step.counted
      guard step.goesOn else { return }
      pause(&source)
    }
  }

  // MARK: Packets that are copied as they are

  /// Nil if native code is not available, or if packets are not just copied with their records unchanged.
  private mutating func copier(_ layout: RecordLayout?) -> RecordCopier? {
    guard let layout, !printsPackets, statistics == nil, !flushesEachPacket, duration == nil, skip == 0, last == .max
    else { return nil }
    guard writer?.takesRecords(layout, filter.linkType) ?? false else { return nil }
    return filter.copier(layout)
  }

  /// Copies the records of accepted packets up to the end, or to a damaged one, which is left to the source to report. False if the loop is
  /// to end.
  private mutating func copyRecords<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ copier: RecordCopier
  ) -> Bool {
    while !StopSignal.isRaised {
      var failure: SavefileError?
      var copied: UInt64 = 0
      let goesOn = source.walk { file, position in
        let limit = position.offset &+ Self.windowLength
        do throws(SavefileError) {
          while let run = copier.next(in: file, from: &position, before: limit) {
            try writer?.write(records: file.extracting(run.octets), packets: run.packets)
            copied &+= run.packets
          }
        } catch let error {
          failure = error
        }
        return position.offset >= limit
      }
      accepted &+= copied
      if let failure {
        end(with: failure)
        return false
      }
      guard goesOn ?? false else { return true }
      if RotationSignal.take() { keepFiles(&source) }
      pause(&source)
    }
    return false
  }
}
