import BPF
import Capture
import PacketCore
import Savefile
import Statistics

/// Counting, or judging for a copy, the packets of a mapped file in several threads, each working on pieces of the file.
extension Session {
  /// The walk for counting or judging packets in pieces; nil if more has to be done with them, or if one thread is as good.
  func pieces<Source: PacketSource & ~Copyable>(_ source: borrowing Source) -> PieceWalk? {
    guard writer == nil || savesInPieces, !printsPackets, duration == nil, !isLive, !processSource.isWanted,
      source.recordForm != nil, let octets = source.extent?.total
    else { return nil }
    return PieceWalk(threads: threads, octets: Int(clamping: octets))
  }

  /// Packets are only copied, and only some of them: if the filter accepts all, there is no judging to share.
  private var savesInPieces: Bool {
    statistics == nil && !filter.acceptsAll && !flushesEachPacket && skip == 0 && last == .max
  }

  /// Counts or copies packets up to the end, to a packet that only the source can read, or to one that may be the last: these are left to
  /// the loop that takes packets one by one. True if calling this again is useless.
  mutating func goThroughPieces<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ pieces: PieceWalk, _ copier: RecordCopier?
  ) -> Bool {
    guard accepted >= skip || statistics == nil else { return false }
    guard let form = source.recordForm, let judge = filter.judge(form) else { return true }
    while accepted < last, !StopSignal.isRaised {
      let wanted = last - accepted
      let step = source.walk { file, position in
        if let copier { return copy(of: file, from: &position, judge.form, pieces, copier) }
        if writer != nil { return save(of: file, from: &position, judge, pieces) }
        if statistics != nil { return addStatistics(of: file, from: &position, judge, pieces, wanted: wanted) }
        return count(in: file, from: &position, judge, pieces, wanted: wanted)
      }
      guard let step else { return false }
      accepted &+= step.counted
      guard step.goesOn else { return step.isLimited }
      // A file whose records are copied unchanged never rotates: the signal only flushes it.
      if copier != nil, RotationSignal.take() { keepFiles(&source) }
      pause(&source)
    }
    return false
  }

  /// The result of a round of pieces.
  private typealias Round = (counted: UInt64, goesOn: Bool, isLimited: Bool)

  /// Counts the accepted packets of a round, up to the last one wanted.
  private func count(
    in file: RawSpan, from position: inout RecordPosition, _ judge: PieceJudge, _ pieces: PieceWalk, wanted: UInt64
  ) -> Round {
    var counted: UInt64 = 0
    let guess: PieceWalk.Guess = judge.form.probableRecord(in:from:before:)
    let goesOn = pieces.round(in: file, from: &position, 0 as UInt64, guess: guess) { file, position, limit in
      judge.count(in: file, from: &position, before: limit, wanted: .max)
    } take: { found, start, position in
      guard found >= wanted - counted else {
        counted += found
        return true
      }
      // The last packet wanted is in this piece.
      let end = position.offset
      position = start
      counted += judge.count(in: file, from: &position, before: end, wanted: wanted - counted)
      return false
    }
    return (counted, goesOn, false)
  }

  /// Adds the accepted packets of a round to the statistics, except those of a piece that has more than are wanted.
  private mutating func addStatistics(
    of file: RawSpan, from position: inout RecordPosition, _ judge: PieceJudge, _ pieces: PieceWalk, wanted: UInt64
  ) -> Round {
    guard let beginning = statistics?.beginning else { return (0, false, true) }
    var counted: UInt64 = 0
    var isLimited = false
    let form = judge.form
    let guess: PieceWalk.Guess = form.probableRecord(in:from:before:)
    let goesOn = pieces.round(in: file, from: &position, nil as StatisticsPart?, guess: guess) {
      file, position, limit in
      var counter = StatisticsPartCounter(beginning)
      judge.forEach(in: file, from: &position, before: limit) { packet, place in counter.add(packet, at: place) }
      return counter.part
    } take: { part, start, position in
      guard let part else { return false }
      guard part.packets <= wanted - counted else {
        position = start
        isLimited = true
        return false
      }
      counted += part.packets
      statistics?.merge(part) { place, add in
        var (walk, position) = (PacketWalk(form), RecordPosition(offset: place))
        if let packet = walk.next(in: file, from: &position, before: .max) { add(packet) }
      }
      return true
    }
    return (counted, goesOn, isLimited)
  }

  /// Copies the accepted records of a round into the output file as they are.
  private mutating func copy(
    of file: RawSpan, from position: inout RecordPosition, _ form: RecordForm, _ pieces: PieceWalk,
    _ copier: RecordCopier
  ) -> Round {
    var copied: UInt64 = 0
    let guess: PieceWalk.Guess = form.probableRecord(in:from:before:)
    let goesOn = pieces.round(in: file, from: &position, [] as [RecordCopier.Run], guess: guess) {
      file, position, limit in
      var runs: [RecordCopier.Run] = []
      while let run = copier.next(in: file, from: &position, before: limit) { runs.append(run) }
      return runs
    } take: { runs, start, position in
      guard !StopSignal.isRaised else {
        position = start
        return false
      }
      do throws(SavefileError) {
        for run in runs {
          try writer?.write(records: file.extracting(run.octets), packets: run.packets)
          copied += run.packets
        }
      } catch {
        end(with: error)
        isOver = true
        return false
      }
      return true
    }
    return (copied, goesOn, false)
  }

  /// Copies the accepted packets of a round into the output file.
  private mutating func save(
    of file: RawSpan, from position: inout RecordPosition, _ judge: PieceJudge, _ pieces: PieceWalk
  ) -> Round {
    let form = judge.form
    let guess: PieceWalk.Guess = form.probableRecord(in:from:before:)
    let goesOn = pieces.round(in: file, from: &position, [] as [Int], guess: guess) { file, position, limit in
      var places: [Int] = []
      judge.forEach(in: file, from: &position, before: limit) { _, place in places.append(place) }
      return places
    } take: { places, start, position in
      guard !StopSignal.isRaised else {
        position = start
        return false
      }
      var walk = PacketWalk(form)
      for place in places {
        var position = RecordPosition(offset: place)
        guard let packet = walk.next(in: file, from: &position, before: .max), saveAccepted(packet) else {
          return false
        }
      }
      return true
    }
    return (0, goesOn, false)
  }
}
