import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// The meaning of single words, worked out by hand for every number that they test.
@Suite struct WordMeaningTests {
  private static func programs(_ expression: String, _ options: CompileOptions) throws -> [Program] {
    try [true, false].map { optimize in
      var options = options
      options.optimize = optimize
      return try FilterCompiler.compile(expression, options)
    }
  }

  // MARK: LLC

  /// The control field values of a kind of PDU (IEEE 802.2 section 5.4): with and without the poll/final bit, and, for numbered frames,
  /// with every sequence number.
  @Test(arguments: [
    ("i", (0...255).filter { $0 & 1 == 0 }), ("s", (0...255).filter { $0 & 3 == 1 }),
    ("u", (0...255).filter { $0 & 3 == 3 }), ("rr", (0...15).map { $0 << 4 | 0x01 }),
    ("rnr", (0...15).map { $0 << 4 | 0x05 }), ("rej", (0...15).map { $0 << 4 | 0x09 }), ("ui", [0x03, 0x13]),
    ("ua", [0x63, 0x73]), ("dm", [0x0f, 0x1f]), ("disc", [0x43, 0x53]), ("sabme", [0x6f, 0x7f]),
    ("test", [0xe3, 0xf3]), ("xid", [0xaf, 0xbf]), ("frmr", [0x87, 0x97]),
  ])
  func kindsOfLLC(_ kind: String, _ octets: [Int]) throws {
    for program in try Self.programs("llc \(kind)", CompileOptions(linkType: .tokenRing)) {
      let taken = (0...255).filter { octet in
        program.verdict([UInt8](repeating: 0, count: 14) + [0x42, 0x42, UInt8(octet)]) != 0
      }
      #expect(taken == octets)
    }
  }

  @Test func slowProtocols() throws {
    let frame = [UInt8](repeating: 0, count: 12) + [0x88, 0x09, 1, 1]
    for program in try Self.programs("ether proto slow", CompileOptions(linkType: .ethernet)) {
      #expect(program.verdict(frame) != 0)
      #expect(program.verdict([UInt8](repeating: 0, count: 12) + [0x88, 0x08, 1, 1]) == 0)
    }
  }

  // MARK: Direction

  /// Values of the byte at `offset` with which a packet is inbound, and outbound.
  struct DirectionField: Sendable, CustomTestStringConvertible {
    let linkType: LinkType
    let offset: Int
    let inbound: @Sendable (UInt8) -> Bool
    let outbound: @Sendable (UInt8) -> Bool

    var testDescription: String { linkType.name ?? "?" }
  }

  @Test(arguments: [
    // The operation code of a Broadcom tag is 0 on the way to the processor, and 1 from it.
    DirectionField(linkType: .dsaTagBroadcom, offset: 12, inbound: { $0 >> 5 == 0 }, outbound: { $0 >> 5 == 1 }),
    DirectionField(linkType: .dsaTagMarvell, offset: 12, inbound: { $0 & 0x80 != 0 }, outbound: { $0 >> 6 == 1 }),
    DirectionField(linkType: .slip, offset: 0, inbound: { $0 == 0 }, outbound: { $0 == 1 }),
    DirectionField(linkType: .pppPPPD, offset: 0, inbound: { $0 == 0 }, outbound: { $0 == 1 }),
    DirectionField(linkType: .ipnet, offset: 3, inbound: { $0 == 2 }, outbound: { $0 == 1 }),
    DirectionField(linkType: .pflog, offset: 60, inbound: { $0 == 1 }, outbound: { $0 == 2 }),
    DirectionField(linkType: .linuxSLL, offset: 1, inbound: { $0 != 4 }, outbound: { $0 == 4 }),
    DirectionField(linkType: .linuxSLL2, offset: 10, inbound: { $0 != 4 }, outbound: { $0 == 4 }),
  ])
  func direction(_ field: DirectionField) throws {
    let options = CompileOptions(linkType: field.linkType)
    for (word, isTaken) in [("inbound", field.inbound), ("outbound", field.outbound)] {
      for program in try Self.programs(word, options) {
        for value in UInt8.min...UInt8.max {
          var packet = [UInt8](repeating: 0, count: 64)
          packet[field.offset] = value
          #expect((program.verdict(packet) != 0) == isTaken(value), "\(word) \(value)")
        }
      }
    }
  }

  // MARK: Networks of mask 0

  /// Every packet of the protocol is in such a network, however short.
  @Test(arguments: [
    ("net 0.0.0.0/0", 0x0800), ("src net 0.0.0.0/0", 0x0806), ("dst net 0.0.0.0/0", 0x8035),
    ("src and dst net 0.0.0.0/0", 0x0800), ("ip net 0.0.0.0 mask 0.0.0.0", 0x0800), ("arp net 0.0.0.0/0", 0x0806),
    ("rarp src net 0.0.0.0/0", 0x8035), ("net ::/0", 0x86dd), ("ip6 src net ::/0", 0x86dd),
    ("src or dst net ::/0", 0x86dd),
  ])
  func theWholeAddressSpace(_ expression: String, _ type: Int) throws {
    let short = [UInt8](repeating: 0, count: 12) + [UInt8(type >> 8), UInt8(type & 0xff)]
    for program in try Self.programs(expression, CompileOptions(linkType: .ethernet)) {
      #expect(program.verdict(short) != 0)
      #expect(program.verdict([UInt8](repeating: 0, count: 60)) == 0)
      #expect(program.verdict(Array(short.dropLast())) == 0)
    }
  }

  @Test(arguments: PacketBuilder.linkTypes)
  func theWholeAddressSpaceLoadsNoAddress(_ linkType: LinkType) throws {
    let options = CompileOptions(linkType: linkType, optimize: false)
    for (network, proto) in [("ip net 0.0.0.0/0", "ip"), ("ip6 net ::/0", "ip6")] {
      let program = try FilterCompiler.compile(network, options)
      #expect(program.instructions == (try FilterCompiler.compile(proto, options)).instructions)
    }
  }

  // MARK: Chains of headers

  private static func chain(_ count: Int) -> [UInt8] {
    var builder = PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2")
    for _ in 0..<count { builder = builder.ipv6Options() }
    return builder.tcp(1, 2).octets
  }

  @Test func longChains() throws {
    for program in try Self.programs("ip6 protochain 6", CompileOptions(linkType: .ethernet)) {
      for count in [0, 1, 15, 16, 17, 40, 63] { #expect(program.verdict(Self.chain(count)) != 0, "\(count)") }
      #expect(program.verdict(Self.chain(64)) == 0)
    }
    for program in try Self.programs("ip6 protochain 17", CompileOptions(linkType: .ethernet)) {
      for count in [0, 16, 63] { #expect(program.verdict(Self.chain(count)) == 0) }
    }
  }

  /// The kernel's program walks fewer headers, and accepts every packet that the machine's program might accept.
  @Test(arguments: ["ip6 protochain 6", "not ip6 protochain 6", "ip6 protochain 17", "not ip6 protochain 17"])
  func theKernelRefusesNoMore(_ expression: String) throws {
    let machine = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
    let kernel = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet, target: .linuxKernel))
    #expect(kernel.instructions.count < machine.instructions.count)
    for count in 0...70 where machine.verdict(Self.chain(count)) != 0 {
      #expect(kernel.verdict(Self.chain(count)) != 0, "\(count)")
    }
    #expect((kernel.verdict(Self.chain(5)) != 0) == (machine.verdict(Self.chain(5)) != 0))
  }
}
