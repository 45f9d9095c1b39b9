import PacketCore
import TestSupport

/// Random expressions on random packets: apus's optimised program, its unoptimised one and that of the system's libpcap, also unoptimised,
/// must have the same verdict, and both compilers must accept the same expressions.
struct FilterFuzz {
  private let linkTypes = PacketBuilder.linkTypes
  private var expressions: RandomExpression
  private var packets: RandomPacket
  private static let packetsForEach = 100

  init(seed: UInt64) {
    expressions = RandomExpression(seed: seed)
    packets = RandomPacket(seed: seed &+ 0x9e37_79b9)
  }

  /// True if nothing disagreed in that many (expression, packet) pairs. Prints every disagreement.
  mutating func run(pairs: Int) -> Bool {
    var (done, compiled, refused, compared, justified, disagreements) = (0, 0, 0, 0, 0, 0)
    var turn = 0
    func report(_ what: String) {
      disagreements += 1
      print(what)
    }
    while done < pairs, disagreements < 20 {
      let linkType = linkTypes[turn % linkTypes.count]
      turn += 1
      let comparison: FilterComparison
      do throws(FilterComparison.Failure) {
        comparison = try FilterComparison(expressions.next(linkType), linkType)
      } catch {
        switch error {
        case .refused: refused += 1
        case .disagreement(let what): report(what)
        }
        continue
      }
      compiled += 1
      if comparison.isComparable { compared += 1 }
      packets: for _ in 0..<Self.packetsForEach {
        let (octets, length) = packets.next(linkType)
        done += 1
        switch comparison.compare(octets, length) {
        case .agreement: break
        case .justified: justified += 1
        case .disagreement(let what):
          report(what)
          break packets
        }
      }
    }
    print(
      "\(done) pairs, \(compiled) expressions compiled (\(compared) of them by libpcap too), \(refused) refused, "
        + "\(justified) justified differences, \(disagreements) disagreements")
    return disagreements == 0
  }
}
