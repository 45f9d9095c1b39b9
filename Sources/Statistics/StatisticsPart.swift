import Dissect
public import PacketCore

/// What was counted of packets that follow one another, by a thread that has not seen those before.
public struct StatisticsPart: Sendable {
  /// A packet that is left to who has seen those before it.
  struct Deferred: Sendable, BitwiseCopyable {
    /// Where it lies, as `StatisticsPartCounter.add` was told.
    let place: Int
    /// The rows that there were before it.
    let rows: StatisticsCounts.Rows
  }

  var counts: StatisticsCounts
  var deferred: [Deferred] = []

  /// All of its packets.
  public var packets: UInt64 { counts.total.packets &+ UInt64(deferred.count) }
}

/// Counts packets that follow one another, while another thread counts those before them.
///
/// A packet is left to `Statistics.merge` where what it says may depend on others, and where there are so many rows that memory must be
/// spared.
public struct StatisticsPartCounter: ~Copyable {
  private var printer: Printer
  private let needsParse: Bool
  public private(set) var part: StatisticsPart
  /// No more rows are made.
  private var isFull = false
  /// Packets until the rows are counted.
  private var untilCounted: Int
  private let countInterval: Int
  private let mostRows: Int

  /// Counts for a part of the packets that come after those of `statistics`, in a printer like its own.
  public init(_ beginning: StatisticsBeginning) {
    printer = beginning.form.printer()
    needsParse = beginning.empty.needsParse
    part = StatisticsPart(counts: beginning.empty)
    mostRows = beginning.mostRows
    countInterval = max(1, mostRows >> 6)
    untilCounted = countInterval
  }

  /// Counts a packet, which lies at `place`.
  @inline(__always)
  public mutating func add(_ packet: borrowing Packet, at place: Int) {
    if needsParse {
      guard !isFull, printer.parseAlone(packet) else {
        part.deferred.append(StatisticsPart.Deferred(place: place, rows: part.counts.rows))
        return
      }
    }
    part.counts.add(packet, parsedBy: printer, needsParse)
    untilCounted &-= 1
    if untilCounted <= 0 {
      untilCounted = countInterval
      isFull = part.counts.rows.most >= mostRows
    }
  }
}

/// What a part of statistics begins with: nothing is counted.
public struct StatisticsBeginning: Sendable {
  let empty: StatisticsCounts
  let form: Statistics.Form
  /// Rows of a table from which on a part makes no more.
  var mostRows = 1 << 16
}

extension Statistics {
  /// What a part of the packets that come next begins with.
  public var beginning: StatisticsBeginning { StatisticsBeginning(empty: StatisticsCounts(partOf: counts), form: form) }

  /// Counts the packets of a part that comes next, as if one were added after the other. `packet` passes the one at a place to its argument.
  public mutating func merge(
    _ part: borrowing StatisticsPart, packet: (_ place: Int, (borrowing Packet) -> Void) -> Void
  ) {
    var progress = StatisticsCounts.Progress()
    for deferred in part.deferred {
      counts.merge(rowsOf: part.counts, upTo: deferred.rows, &progress)
      packet(deferred.place) { add($0) }
    }
    counts.merge(rowsOf: part.counts, upTo: part.counts.rows, &progress)
    counts.merge(sumsOf: part.counts)
  }
}
