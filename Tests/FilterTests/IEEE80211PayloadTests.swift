import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Filters on data frames of IEEE 802.11 with headers of every possible length: they find the payload, or that there is none.
@Suite struct IEEE80211PayloadTests {
  /// The fields of a data frame's header.
  private struct Frame {
    var isQoS = false
    var hasFourAddresses = false
    /// The order bit, which together with QoS means that there is an HT Control field.
    var isOrdered = false
    var isProtected = false
    var hasNoData = false
    /// The header is padded to four bytes.
    var isPadded = false

    /// The frame from frame control to LLC, with zeros in fields that no test reads, then a datagram from port 68 to 67.
    func octets(_ payload: [UInt8]) -> [UInt8] {
      var octets: [UInt8] = [
        0x08 | (isQoS ? 0x80 : 0) | (hasNoData ? 0x40 : 0),
        (hasFourAddresses ? 0x03 : 0x01) | (isProtected ? 0x40 : 0) | (isOrdered ? 0x80 : 0),
      ]
      octets += [UInt8](repeating: 0, count: 22)
      if hasFourAddresses { octets += [UInt8](repeating: 0, count: 6) }
      if isQoS { octets += [0, 0] }
      if isQoS && isOrdered { octets += [0, 0, 0, 0] }
      if isPadded { while octets.count % 4 != 0 { octets.append(0) } }
      return octets + [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00] + payload
    }

    /// True if the frame has a payload that can be read.
    var isReadable: Bool { !isProtected && !hasNoData }

    static let all: [Frame] = (0..<64).map { bits in
      Frame(
        isQoS: bits & 1 != 0, hasFourAddresses: bits & 2 != 0, isOrdered: bits & 4 != 0, isProtected: bits & 8 != 0,
        hasNoData: bits & 16 != 0, isPadded: bits & 32 != 0)
    }
  }

  private static let datagram = PacketBuilder().ipv4("192.0.2.1", "192.0.2.2").udp(68, 67).octets

  /// Expressions that match only this datagram.
  private static let expressions = [
    "udp src port 68", "ip host 192.0.2.1", "link proto 0x800", "llc ui", "udp[0:2] = 68",
  ]

  private static func programs(_ linkType: LinkType) throws -> [Program] {
    try expressions.flatMap { expression in
      try [true, false].map { optimize in
        try FilterCompiler.compile(expression, CompileOptions(linkType: linkType, optimize: optimize))
      }
    }
  }

  private static func check(_ linkType: LinkType, _ before: [UInt8], _ frames: [Frame], _ programs: [Program]) {
    for frame in frames {
      let packet = before + frame.octets(datagram)
      for program in programs {
        #expect((program.verdict(packet) != 0) == frame.isReadable, "\(linkType) \(before.count) \(frame)")
      }
    }
  }

  @Test func withoutRadioHeader() throws {
    let programs = try Self.programs(.ieee80211)
    // Nothing in the frame indicates padding.
    Self.check(.ieee80211, [], Frame.all.filter { !$0.isPadded }, programs)
  }

  @Test func otherRadioHeaders() throws {
    let frames = Frame.all.filter { !$0.isPadded }
    let ppi: [UInt8] = [0, 0, 8, 0, 105, 0, 0, 0]
    Self.check(.ppi, ppi, frames, try Self.programs(.ppi))
    let avs: [UInt8] = [0x80, 0x21, 0x10, 1, 0, 0, 0, 64] + [UInt8](repeating: 0, count: 56)
    Self.check(.avs, avs, frames, try Self.programs(.avs))
    Self.check(.prism, avs, frames, try Self.programs(.prism))
    Self.check(.prism, [0, 0, 0, 0x44] + [UInt8](repeating: 0, count: 140), frames, try Self.programs(.prism))
  }

  /// Radiotap headers of every length, with up to eight presence words, with and without timestamp and flags.
  @Test(arguments: 8...40)
  func radiotap(_ length: Int) throws {
    let programs = try Self.programs(.radiotap)
    var made = 0
    for words in 1...8 {
      for hasTimestamp in [false, true] {
        for hasFlags in [false, true] {
          for isPadded in hasFlags ? [false, true] : [false] {
            var header: [UInt8] = [0, 0, UInt8(length), 0]
            for word in 1...words {
              let fields: UInt8 = word > 1 ? 0x20 : (hasTimestamp ? 1 : 0) | (hasFlags ? 2 : 0)
              header += [fields, 0, 0, word < words ? 0x80 : 0]
            }
            if hasTimestamp {
              while header.count % 8 != 0 { header.append(0xff) }
              header += [UInt8](repeating: 0xff, count: 8)
            }
            if hasFlags { header.append(isPadded ? 0x30 : 0x10) }
            guard header.count <= length else { continue }
            header += [UInt8](repeating: 0xff, count: length - header.count)
            Self.check(.radiotap, header, Frame.all.filter { $0.isPadded == isPadded }, programs)
            made += 1
          }
        }
      }
    }
    #expect(made > 0)
  }

  @Test func otherFramesHaveNoPayload() throws {
    let programs = try Self.programs(.ieee80211)
    for type: UInt8 in [0x00, 0x04, 0x0c] {
      var frame = Frame().octets(Self.datagram)
      frame[0] = frame[0] & 0xf3 | type
      for program in programs { #expect(program.verdict(frame) == 0) }
    }
  }

  /// libpcap's layout, for programs that are compared with libpcap's own.
  @Test func asLibpcapDoesIt() throws {
    var options = CompileOptions(linkType: .ieee80211)
    options.ieee80211Layout = .libpcap
    let program = try FilterCompiler.compile("udp", options)
    #expect(program.verdict(Frame(isQoS: true).octets(Self.datagram)) != 0)
    #expect(program.verdict(Frame(isQoS: true, isOrdered: true).octets(Self.datagram)) == 0)
    #expect(program.verdict(Frame(isProtected: true).octets(Self.datagram)) != 0)
  }
}
