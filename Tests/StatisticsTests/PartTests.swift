import PacketCore
import Savefile
import TestSupport
import Testing

@testable import Statistics

/// Statistics merged from parts equal those of a single count.
struct PartTests {
  /// A copy of a packet.
  private struct Kept {
    var octets: [UInt8]
    var len: Int
    var timestamp: Timestamp
    var sourceTime: SourceTime
    var linkType: LinkType

    init(_ packet: borrowing Packet) {
      octets = unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe Array($0) }
      (len, timestamp, sourceTime, linkType) = (packet.len, packet.timestamp, packet.sourceTime, packet.linkType)
    }

    func lend(_ body: (borrowing Packet) -> Void) {
      body(
        Packet(
          bytes: PacketBytes(unsafe octets.span.bytes, length: len), timestamp: timestamp, linkType: linkType,
          interface: 0, stating: PacketOptions(), sourceTime: sourceTime, excess: RawSpan()))
    }
  }

  private static func packets(_ path: String) -> [Kept] {
    guard var reader = try? SavefileReader(path: path) else { return [] }
    var packets: [Kept] = []
    while let packet = try? reader.next() { packets.append(Kept(packet)) }
    return packets
  }

  /// The default limits; so few rows that some packets get none; and an interval so short that there are too many intervals.
  private static let settings: [StatisticsSettings] = {
    let usual = StatisticsSettings(StatisticsKind.allCases)
    var few = usual
    (few.maximumRows, few.maximumProtocols) = (5, 6)
    var short = usual
    (short.interval, short.maximumRows) = (1000, 40)
    return [usual, few, short]
  }()

  private static let now = Timestamp(seconds: 7, nanoseconds: 5)

  private static func check(_ packets: [Kept], _ name: String, _ random: inout SeededRandom) {
    for settings in settings {
      var one = Statistics(settings)
      for packet in packets { packet.lend { one.add($0) } }
      for mostRows in [1 << 16, 4] {
        var merged = Statistics(settings)
        var start = 0
        while start < packets.count {
          // Parts that begin at the same time do not know each other's rows.
          var beginning = merged.beginning
          beginning.mostRows = mostRows
          var parts: [StatisticsPart] = []
          for _ in 0..<Int.random(in: 1...4, using: &random) where start < packets.count {
            let end = Int.random(in: start...packets.count, using: &random)
            var counter = StatisticsPartCounter(beginning)
            for index in start..<end { packets[index].lend { counter.add($0, at: index) } }
            #expect(counter.part.packets == UInt64(end - start))
            parts.append(counter.part)
            start = end
          }
          for part in parts { merged.merge(part) { place, add in packets[place].lend(add) } }
        }
        #expect((merged.json(at: Self.now) == one.json(at: Self.now)) as Bool, "\(name), \(mostRows) rows")
        #expect((merged.tables() == one.tables()) as Bool, "\(name), \(mostRows) rows")
      }
    }
  }

  @Test(arguments: Fixture.all)
  func partsOfFixtures(_ name: String) {
    var random = SeededRandom(seed: 24)
    Self.check(Self.packets(Fixture.capture(name)), name, &random)
  }

  @Test func partsOfTraffic() {
    var random = SeededRandom(seed: 25)
    let packets = SyntheticCapture(seed: 9, hosts: 200).prefix(4000).map { packet in
      var kept: [Kept] = []
      let bytes = PacketBytes(unsafe packet.octets.span.bytes, length: Int(packet.len))
      kept.append(Kept(Packet(bytes: bytes, timestamp: packet.timestamp, linkType: .ethernet)))
      return kept
    }
    Self.check(packets.flatMap(\.self), "traffic", &random)
  }
}
