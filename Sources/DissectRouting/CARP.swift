package import Dissect
import PacketCore

extension Layer {
  static let carp = Layer("carp", "Common Address Redundancy Protocol", "OpenBSD carp(4)") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("type", .uint8, "Message type; 1 is an advertisement.", always: true),
      Field("virtual_host_id", .uint8, "Number of the group of hosts."),
      Field("advertisement_skew", .uint8, "Delay in 256ths of a second; the host with the least is the master."),
      Field("authentication_words", .uint8, "Length of counter and digest in words of 32 bits: 7."),
      Field("advertisement_seconds", .uint8, "Seconds between advertisements."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("checksum_correct", .flag, "Whether it is right; left out where not all that it is over was captured."),
      Field("counter", .uint64, "Counter against replays."),
      Field("digest", .hex, "HMAC of SHA-1 over the group's password, number, addresses and counter."),
    ]
  }
}

extension Dissector {
  /// Common Address Redundancy Protocol: it shares its protocol number with VRRP, so it is only shown with `-T carp`.
  package static let carp = Dissector(name: "carp", claims: [.ipPayloadType(.carp)], layers: [.carp], print: printCARP)
}

private let types: ValueNames = [1: "advertise"]
private let knownVersion: UInt8 = 2
private let advertisement: UInt8 = 1

///     0               1               2      3                   4     5                  6          8         16
///     +---------------+---------------+------+-------------------+-----+------------------+----------+---------+--------
///     | version, type | virtual host  | skew | words of 32 bits  |  0  | seconds between  | checksum | counter | digest (20)
///     +---------------+---------------+------+-------------------+-----+------------------+----------+---------+--------
@Sendable
private func printCARP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let first = try bytes.u8(at: 0)
  let (version, type) = (first >> 4, first & 15)
  if printer.enter(.carp) {
    printer.fields.write("version", version)
    printer.fields.write("type", type)
  }
  printer.write("CARPv", version)
  printer.write("-", type, as: .named(types, unknown: "unknown"))
  printer.write(" ", bytes.length)
  printer.out.write(": ")
  if printer.network.hopLimit != 255 {
    printer.write("[ttl=", printer.network.hopLimit)
    printer.out.write("!] ")
  }
  guard version == knownVersion, type == advertisement else { return }
  try bytes.check(1, 5)
  printer.write("vhid=", "virtual_host_id", try bytes.u8(at: 1))
  printer.write(" advbase=", "advertisement_seconds", try bytes.u8(at: 5))
  printer.write(" advskew=", "advertisement_skew", try bytes.u8(at: 2))
  printer.write(" authlen=", "authentication_words", try bytes.u8(at: 3))
  printer.out.write(" ")
  if printer.writesFields, bytes.has(6, 2) { printer.fields.write("checksum", try bytes.u16(at: 6)) }
  if printer.options.verbosity > 0, bytes.count >= bytes.length {
    var sum = InternetChecksum()
    sum.add(bytes.clamped(to: bytes.length))
    printer.recordChecksum(isCorrect: sum.value == 0)
    if sum.value != 0 {
      printer.noteInvalid()
      printer.write(" (bad carp cksum ", try bytes.u16(at: 6), as: .hex(1))
      printer.out.write("!)")
    }
  }
  printer.write("counter=", "counter", try bytes.u64(at: 8))
  if printer.writesFields, let digest = try? bytes.slice(at: 16, length: 20) {
    printer.fields.write("digest", hex: digest)
  }
}
