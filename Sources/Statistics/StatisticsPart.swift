import Dissect
public import PacketCore

/// The counts of consecutive packets, made by a thread that has not seen the packets before them.
public struct StatisticsPart: Sendable {
  /// A packet that can only be counted together with those before it.
  struct Deferred: Sendable, BitwiseCopyable {
    /// Its place, as passed to `StatisticsPartCounter.add`.
    let place: Int
    /// The numbers of rows before it.
    let rows: StatisticsCounts.Rows
  }

  var counts: StatisticsCounts
  var deferred: [Deferred] = []

  /// The number of all its packets.
  public var packets: UInt64 { counts.total.packets &+ UInt64(deferred.count) }
}

/// Counts consecutive packets, while another thread counts those before them.
///
/// A packet is left to `Statistics.merge` if its parsing may depend on others, or if there are so many rows that memory must be saved.
public struct StatisticsPartCounter: ~Copyable {
  private var printer: Printer
  private let needsParse: Bool
  public private(set) var part: StatisticsPart
  /// No more rows are added.
  private var isFull = false
  /// Packets until the rows are counted again.
  private var untilCounted: Int
  private let countInterval: Int
  private let mostRows: Int

  /// A counter for a part of the packets that come after those of the statistics with this `beginning`.
  public init(_ beginning: StatisticsBeginning) {
    printer = beginning.form.printer()
    needsParse = beginning.empty.needsParse
    part = StatisticsPart(counts: beginning.empty)
    mostRows = beginning.mostRows
    countInterval = max(1, mostRows >> 6)
    untilCounted = countInterval
  }

  /// Counts a packet; `place` identifies it for `Statistics.merge`.
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

/// The state from which parts of statistics start, with nothing counted.
public struct StatisticsBeginning: Sendable {
  let empty: StatisticsCounts
  let form: Statistics.Form
  /// The number of rows in a table from which on a part adds no more.
  var mostRows = 1 << 16
}

extension Statistics {
  /// The state from which a part for the next packets starts.
  public var beginning: StatisticsBeginning { StatisticsBeginning(empty: StatisticsCounts(partOf: counts), form: form) }

  /// Adds the packets of the next part, with the same result as adding them one by one. `packet` passes the packet at a place to its
  /// argument.
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
