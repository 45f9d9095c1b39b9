import Dissect
import PacketCore
import TestSupport
import Testing
import Protocols

/// The text of one packet.
func text(
  _ octets: [UInt8], _ linkType: LinkType = .ethernet, len: Int? = nil, _ options: PrintOptions = .numbers
) -> String {
  var printer = Printer(options: options)
  return append(octets, linkType, len: len, to: &printer)
}

/// The text that a printer appends for one packet.
func append(_ octets: [UInt8], _ linkType: LinkType, len: Int?, to printer: inout Printer) -> String {
  printer.out.removeAll()
  printer.packet(
    Packet(
      bytes: PacketBytes(unsafe octets.span.bytes, length: len ?? octets.count),
      timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: linkType), number: 1)
  return unsafe printer.out.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
}

extension PrintOptions {
  /// `-nnt`, with the test's own settings on top.
  static func numbers(_ set: (inout PrintOptions) -> Void = { _ in }) -> PrintOptions {
    var options = PrintOptions()
    options.numeric = 2
    options.timestamp = .none
    set(&options)
    return options
  }
  static var numbers: PrintOptions { numbers() }
}

@Test func tcpSegment() {
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
  #expect(text(packet).hasPrefix("IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [S], seq "))
}

/// A packet whose protocol has no dissector, or that is cut in its header, still prints its source and destination, whatever carries it.
@Test(arguments: [33, 132, 136, 200] as [UInt8])
func everyProtocolKeepsItsAddresses(_ number: UInt8) {
  let payload: [UInt8] = [0x1b, 0x59, 0x1b, 0x58] + [UInt8](repeating: 0, count: 28)
  let ipv4 = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2", proto: number).payload(payload).octets
  let ipv6 = PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2", proto: number).payload(payload).octets
  let gre = PacketBuilder().ethernet().ipv4("198.51.100.1", "198.51.100.2").gre()
    .ipv4("192.0.2.1", "192.0.2.2", proto: number).payload(payload).octets
  let mpls = PacketBuilder().ethernet().mpls(16).ipv4("192.0.2.1", "192.0.2.2", proto: number).payload(payload).octets
  for packet in [ipv4, gre, mpls] {
    #expect(text(packet).contains("192.0.2.1") && text(packet).contains("> 192.0.2.2"), "\(text(packet))")
  }
  #expect(text(ipv6).contains("2001:db8::1") && text(ipv6).contains("> 2001:db8::2"), "\(text(ipv6))")
  // The options of an extension header are between the addresses and the protocol.
  let behindOptions = PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2").ipv6Options(proto: number)
    .payload(payload).octets
  #expect(text(behindOptions).contains("2001:db8::1") && text(behindOptions).contains("> 2001:db8::2"))
}

// MARK: Times and colours

struct TimeForm: Sendable, CustomTestStringConvertible {
  let form: PrintOptions.TimestampForm
  let offset: Int
  let text: String
  var testDescription: String { text }
}

@Test(arguments: [
  TimeForm(form: .rfc3339, offset: 0, text: "2001-09-09T01:46:40.000000+00:00 IP"),
  TimeForm(form: .rfc3339, offset: 19_800, text: "2001-09-09T07:16:40.000000+05:30 IP"),
  TimeForm(form: .rfc3339, offset: -12_600, text: "2001-09-08T22:16:40.000000-03:30 IP"),
  TimeForm(form: .utc, offset: 19_800, text: "2001-09-09T01:46:40.000000Z IP"),
  TimeForm(form: .date, offset: 3_600, text: "2001-09-09 02:46:40.000000 IP"),
  TimeForm(form: .epoch, offset: 3_600, text: "1000000000.000000 IP"),
])
func timeForms(_ expected: TimeForm) {
  let octets = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
  var printer = Printer(options: .numbers { ($0.timestamp, $0.utcOffset) = (expected.form, expected.offset) })
  printer.packet(
    Packet(
      bytes: PacketBytes(unsafe octets.span.bytes), timestamp: Timestamp(seconds: 1_000_000_000, nanoseconds: 0),
      linkType: .ethernet), number: 1)
  let text = unsafe printer.out.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  #expect(text.hasPrefix(expected.text))
}

/// Colours add escape sequences and change nothing else.
@Test func colorsAreAddedOnly() {
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
  for length in 1...packet.count {
    let octets = Array(packet.prefix(length))
    let plain = text(octets, len: packet.count, .numbers { $0.dump = .hexAndASCII(linkHeader: true) })
    let colored = text(
      octets, len: packet.count, .numbers { ($0.dump, $0.color) = (.hexAndASCII(linkHeader: true), true) })
    #expect(colored != plain)
    #expect(colored.replacing(#/\u{1b}\[\d+m/#, with: "") == plain)
  }
}

/// Colours show what a text means: resets, faults and failures are red, starts are green, offsets of dumps are dim.
@Test(
  arguments: [
    (.rst, "Flags [R]", 31), ([.rst, .ack], "Flags [R.]", 31), (.syn, "Flags [S]", 32),
    ([.syn, .ack], "Flags [S.]", 32),
  ] as [(TCPFlags, String, Int)])
func flagsHaveColors(_ flags: TCPFlags, _ words: String, _ color: Int) {
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: flags).octets
  let colored = text(packet, .ethernet, .numbers { $0.color = true })
  #expect(colored.contains(": \u{1b}[\(color)m\(words)\u{1b}[0m, "), "\(colored)")
}

@Test func otherFlagsHaveNone() {
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .ack).octets
  #expect(text(packet, .ethernet, .numbers { $0.color = true }).contains(": Flags [.], "))
  // Text in a payload must not be taken for a TCP flag.
  let payload = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .ack)
    .payload("GET /Flags [R] HTTP/1.1\r\n").octets
  #expect(!text(payload, .ethernet, .numbers { $0.color = true }).contains("\u{1b}[31m"))
}

@Test func faultsAreRed() {
  var tcp = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .ack).octets
  tcp[14 + 20 + 16] ^= 0x55
  var header = tcp
  header[14 + 10] ^= 1
  var udp = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(40000, 9).payload("hello").octets
  udp[14 + 20 + 6] ^= 1
  var icmp = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").icmp().octets
  icmp[14 + 20 + 2] ^= 1
  for (packet, pattern) in [
    (tcp, #/cksum 0x[0-9a-f]+ \u{1b}\[31m\(incorrect -> 0x[0-9a-f]+\)\u{1b}\[0m/#),
    (header, #/\u{1b}\[31mbad cksum [0-9a-f]+ \(->[0-9a-f]+\)!\u{1b}\[0m/#),
    (udp, #/\u{1b}\[31m\[bad udp cksum 0x[0-9a-f]+ -> 0x[0-9a-f]+!\]\u{1b}\[0m/#),
    (icmp, #/\u{1b}\[31m\(wrong icmp cksum [0-9a-f]+ \(->[0-9a-f]+\)!\)\u{1b}\[0m/#),
  ] {
    let colored = text(packet, .ethernet, .numbers { ($0.verbosity, $0.color) = (2, true) })
    #expect(colored.contains(pattern), "\(colored)")
  }
}

@Test(arguments: [(0, nil), (2, "ServFail"), (3, "NXDomain"), (5, "Refused")] as [(UInt8, String?)])
func dnsCodesThatAnswerNothingAreRed(_ code: UInt8, _ name: String?) {
  let question: [UInt8] = [1, UInt8(ascii: "a"), 0, 0, 1, 0, 1]
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(53, 40000)
    .payload([0, 7, 0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0] + question).octets
  let colored = text(packet, .ethernet, .numbers { $0.color = true })
  #expect(name.map { colored.contains(" 7 \u{1b}[31m\($0)\u{1b}[0m") } ?? !colored.contains("\u{1b}[31m"), "\(colored)")
}

@Test func offsetsOfDumpsAreDim() {
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(40000, 9).payload("hello").octets
  let colored = text(packet, .ethernet, .numbers { ($0.dump, $0.color) = (.hexAndASCII(linkHeader: false), true) })
  #expect(colored.contains("\n\u{1b}[2m\t0x0010:\u{1b}[0m  c000 0202 9c40 0009 "), "\(colored)")
}

// MARK: Hostile text

private func isHarmless(_ octet: UInt8) -> Bool {
  switch octet {
  case 0x20..<0x7f, 0x0a, 0x09: true
  default: false
  }
}

/// Every byte from the wire that a dissector writes as text is escaped.
@Test(arguments: [80, 21, 25, 53, 5353, 161, 69, 67, 123, 23, 22, 546, 5060, 4789, 6081] as [UInt16])
func nothingFromTheWireReachesATerminal(_ port: UInt16) {
  var random = SeededRandom(seed: UInt64(port))
  for turn in 0..<400 {
    // Text with control characters in it, on some turns with a plausible beginning.
    var payload = turn % 2 == 0 ? Array("GET / \u{1b}[2J HTTP/1.1\r\n".utf8) : random.octets(4)
    payload += random.octets(Int(random.next() % 120))
    let packets = [
      PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(40000, port).payload(payload).octets,
      PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, port, flags: .ack).payload(payload).octets,
    ]
    for packet in packets {
      for verbosity in [0, 3] {
        let printed = text(packet, .ethernet, .numbers { $0.verbosity = verbosity })
        #expect(printed.utf8.allSatisfy(isHarmless))
      }
    }
  }
}

/// The same for each dissector alone, on random bytes and on changed packets from captures.
@Test func noDissectorWritesWhatATerminalObeys() throws {
  var random = SeededRandom(seed: 11)
  var printers: [HeldPrinter] = []
  for verbosity in [0, 3] {
    printers.append(HeldPrinter(.numbers { ($0.verbosity, $0.linkHeader) = (verbosity, true) }))
    printers.append(HeldPrinter(PrintOptions()))
  }
  let samples = Fixture.packets().map(\.octets).filter { $0.count > 60 }
  try #require(!samples.isEmpty)
  for dissector in 0..<Registry.shared.dissectors.count {
    for turn in 0..<120 {
      var octets =
        turn % 3 == 0 ? random.octets(Int(random.next() % 120)) : samples[Int(random.next() % UInt64(samples.count))]
      // The packet from the header of some layer on.
      if turn % 3 != 0 { octets.removeFirst([0, 14, 34, 42, 54][turn % 5]) }
      for _ in 0..<3 where !octets.isEmpty {
        octets[Int(random.next() % UInt64(octets.count))] = [0x1b, 0x9b, 0x07, 0x0d, 0xc2][turn % 5]
      }
      let held = printers[turn % printers.count]
      let text = held.text(octets, dissector)
      let isHarmful = text.contains { !isHarmless($0) }
      #expect(!isHarmful, "dissector \(dissector): \(String(decoding: text, as: UTF8.self).debugDescription)")
    }
  }
}

/// A printer that can be stored in an array.
private final class HeldPrinter {
  private var printer: Printer
  init(_ options: PrintOptions) { printer = Printer(options: options) }

  func text(_ octets: [UInt8], _ dissector: Int) -> [UInt8] {
    printer.out.removeAll()
    printer.packet(PacketBytes(unsafe octets.span.bytes), dissector: dissector)
    return printer.out.octets
  }
}
