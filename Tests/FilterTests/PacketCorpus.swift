import BPF
import Foundation
import PacketCore
import TestSupport

@testable import Filter

/// Packets on which programs are compared: those of the fixtures and those built by tests, framed for a link type, whole and cut short.
struct PacketCorpus: Sendable {
  /// Packets built by tests, one of each kind.
  let made: [SavedPacket]
  /// Packets of the fixtures.
  let captured: [SavedPacket]

  /// True if the environment has `APUS_THOROUGH`: then every packet is used, and cut in many places.
  static let isThorough = ProcessInfo.processInfo.environment["APUS_THOROUGH"] != nil

  /// The corpus of one link type of `PacketBuilder.linkTypes`.
  static func of(_ linkType: LinkType) -> PacketCorpus {
    all[linkType] ?? PacketCorpus(made: [], captured: [])
  }

  private static let all: [LinkType: PacketCorpus] = {
    let frames = Fixture.all.flatMap { (try? Libpcap.read(Fixture.capture($0)).packets) ?? [] }
    var result: [LinkType: PacketCorpus] = [:]
    for linkType in PacketBuilder.linkTypes {
      result[linkType] = PacketCorpus(
        made: MadePackets.all(linkType).map { SavedPacket(octets: $0, len: UInt32(clamping: $0.count)) },
        captured: linkType == .ethernet ? frames : frames.compactMap { reframe($0, for: linkType) })
    }
    return result
  }()

  /// Packets for one comparison: all built ones, every seventh captured one from the `turn`th on, and each of them cut to a length that the
  /// turn decides.
  func sample(turn: Int) -> [SavedPacket] {
    var random = SeededRandom(seed: UInt64(turn))
    let step = Self.isThorough ? 1 : 7
    let whole = made + stride(from: turn % step, to: captured.count, by: step).map { captured[$0] }
    var packets = whole
    for packet in whole {
      for _ in 0..<(Self.isThorough ? 12 : 1) {
        // Headers are in the first bytes.
        let caplen = Int.random(in: 0...min(100, packet.octets.count), using: &random)
        packets.append(SavedPacket(octets: Array(packet.octets.prefix(caplen)), len: packet.len))
      }
    }
    return packets
  }

  /// The frame's payload after a header of another link type; nil if that link type cannot carry it.
  private static func reframe(_ packet: SavedPacket, for linkType: LinkType) -> SavedPacket? {
    guard packet.octets.count > 14 else { return nil }
    let type = UInt16(packet.octets[12]) << 8 | UInt16(packet.octets[13])
    let payload = Array(packet.octets[14...])
    let isIP = type == 0x0800 || type == 0x86dd
    let header: [UInt8]
    switch linkType {
    case .linuxSLL:
      let field = type > 1500 ? type : 4
      header = [0, 0, 0, 1, 0, 6] + packet.octets[6..<12] + [0, 0, UInt8(field >> 8), UInt8(field & 255)]
    case .linuxSLL2:
      header = [UInt8(type >> 8), UInt8(type & 255), 0, 0, 0, 0, 0, 2, 0, 1, 4, 6] + packet.octets[6..<12] + [0, 0]
    case .null: header = [type == 0x0800 ? 2 : 10, 0, 0, 0]
    case .loop: header = [0, 0, 0, type == 0x0800 ? 2 : 10]
    case .raw, .ipv4, .ipv6: header = []
    default: return nil
    }
    let carriesAll = linkType == .linuxSLL || linkType == .linuxSLL2
    guard carriesAll || isIP else { return nil }
    let octets = header + payload
    return SavedPacket(octets: octets, len: packet.len &- 14 &+ UInt32(header.count))
  }
}

extension Program {
  /// What the program returns for each packet.
  func verdicts(_ packets: [SavedPacket]) -> [UInt32] {
    let interpreter = Interpreter(self)
    // Safe: the span of an array of bytes has no padding.
    return packets.map { unsafe interpreter.run($0.octets.span.bytes, len: $0.len) }
  }
}

/// The result of compiling an expression: a program, or the error.
enum Compiled {
  case program(Program)
  case refused(FilterError)

  init(_ expression: String, _ options: CompileOptions) {
    do throws(FilterError) {
      self = .program(try FilterCompiler.compile(expression, options))
    } catch {
      self = .refused(error)
    }
  }

  /// The verdicts on packets; nil if the expression was refused for another reason than that nothing matches it.
  func verdicts(_ packets: [SavedPacket]) -> [UInt32]? {
    switch self {
    case .program(let program): program.verdicts(packets)
    case .refused: rejectsAll ? packets.map { _ in 0 } : nil
    }
  }

  /// True if the expression was refused because nothing matches it.
  var rejectsAll: Bool { message?.hasPrefix("expression rejects all packets") ?? false }

  /// The error message, nil if there is a program.
  var message: String? {
    if case .refused(let error) = self { error.message } else { nil }
  }
}

/// The first packet on which two lists of verdicts differ, in hexadecimal for a message; nil if they are the same.
func firstDifference(_ packets: [SavedPacket], _ left: [UInt32], _ right: [UInt32]) -> String? {
  guard let index = packets.indices.first(where: { left[$0] != right[$0] }) else { return nil }
  let digits = packets[index].octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  return
    "\(left[index]) and \(right[index]) on \(packets[index].octets.count) octets of \(packets[index].len): \(digits)"
}
