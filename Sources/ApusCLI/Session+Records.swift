import BPF
import Capture
import PacketCore
import Savefile

/// Ways to go over packets of a mapped file without taking one after the other, as far as there are any.
struct Shortcuts {
  /// Native code that skips what the filter rejects.
  fileprivate let scan: RecordScan?
  /// Copies records as they are.
  fileprivate let copier: RecordCopier?
  /// Goes over parts of the file in several threads.
  fileprivate var pieces: PieceWalk?

  /// There is one.
  let areThere: Bool
  /// Packets are only copied.
  let copies: Bool

  fileprivate init(_ scan: RecordScan?, _ copier: RecordCopier?, _ pieces: PieceWalk?, writes: Bool) {
    (self.scan, self.copier, self.pieces) = (scan, copier, pieces)
    areThere = scan != nil || copier != nil || pieces != nil
    copies = copier != nil || writes && pieces != nil
  }

  /// None.
  init() { self.init(nil, nil, nil, writes: false) }
}

/// Records of a mapped file that are walked many at a time.
extension Session {
  /// Octets of a file that are walked at a time, in a millisecond or so: no signal waits for longer.
  private static let windowLength = 1 << 22

  /// The ways that there are for what is wanted of the source's packets.
  mutating func shortcuts<Source: PacketSource & ~Copyable>(_ source: borrowing Source) -> Shortcuts {
    let copier = copier(source.recordLayout)
    return Shortcuts(
      scan(source.recordLayout), copier, copier == nil ? pieces(source) : nil, writes: writer != nil)
  }

  /// Goes over packets up to one that has to be taken by itself.
  mutating func takeShortcut<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    // Packets are looked at one by one as long as some are kept and none has matched.
    if sample.isOpen, accepted == 0 { return }
    if let copier = shortcuts.copier {
      if !copyRecords(&source, copier) { isOver = true }
      return
    }
    if let pieces = shortcuts.pieces, goThroughPieces(&source, pieces) { shortcuts.pieces = nil }
    // Where pieces were counted, a step back to one thread is cheap.
    if shortcuts.pieces == nil || !countsOnly, !isOver, let scan = shortcuts.scan { skipRejected(&source, scan) }
  }

  // MARK: Packets that need not be looked at

  /// Nil where there is no native code, or nothing to skip.
  private mutating func scan(_ layout: RecordLayout?) -> RecordScan? {
    guard let layout, duration == nil, countsOnly || !filter.acceptsAll else { return nil }
    return filter.scan(layout)
  }

  /// Nothing is wanted of packets but their number.
  var countsOnly: Bool { writer == nil && !printsPackets && statistics == nil }

  /// Goes on to the next packet that the machine accepts or, where only the number is wanted, counts those and goes on to the
  /// end. What is wrong with a record is left to the source to say.
  private mutating func skipRejected<Source: PacketSource & ~Copyable>(_ source: inout Source, _ scan: RecordScan) {
    let countsOnly = countsOnly
    while accepted < last, !StopSignal.isRaised {
      let wanted = last - accepted
      let step = source.walk { file, position in
        let limit = position.offset &+ Self.windowLength
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

  /// Nil where there is no native code, or something else is wanted of packets than to be in a file, where their records are what they
  /// are.
  private mutating func copier(_ layout: RecordLayout?) -> RecordCopier? {
    guard let layout, !printsPackets, statistics == nil, !flushesEachPacket, duration == nil, skip == 0, last == .max
    else { return nil }
    guard writer?.takesRecords(layout, filter.linkType) ?? false else { return nil }
    return filter.copier(layout)
  }

  /// Copies the records of accepted packets up to the end, or to one with which something is wrong: that is left to the source
  /// to say. False where the loop is to end.
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
