import PacketCore
import Protocols
import TestSupport
import Testing

@testable import Dissect

/// The packets of `Fixtures/packets`, cut and changed: nothing traps, no control characters reach a terminal, and text and object agree.
struct BrokenPacketCaseTests {
  private static let options: PrintOptions = .numbers {
    ($0.verbosity, $0.linkHeader, $0.absoluteSequence) = (3, true, true)
    ($0.timestamp, $0.precision, $0.lengths) = (.epoch, .nanoseconds, true)
  }

  /// Prints a packet as text and as an object, and checks what must hold for any packet.
  private struct Check: ~Copyable {
    private var text = Printer(options: options)
    private var fields = Printer(options: options.forFields, recording: .fields)
    /// The last output, without the packet's length.
    private var last = ""

    /// Prints `octets` instead of the packet's bytes. Output that differs from the last only in the length is not checked again.
    mutating func print(_ octets: [UInt8], _ packet: PacketCase, _ place: String) throws {
      let line = text.text(octets, packet)
      let json = fields.object(octets, packet)
      let count = "\(octets.count)"
      let printed = (line + json).replacing(count, with: "")
      guard printed != last else { return }
      last = printed
      for printed in [line, json] {
        let control = TerminalControl.first(in: Array(printed.utf8))
        #expect(control == nil, "\(place): \(control ?? "")\n\(printed.debugDescription)")
      }
      let object = try JSONValue(json.utf8)
      do {
        try PacketSchemaTests.validator.get().validate(object)
      } catch {
        Issue.record("\(place): \(error)\n\(json)")
      }
      for difference in Comparison(line, object).differences {
        Issue.record("\(place): \(difference)\n\(line)\(json)")
      }
    }
  }

  /// The text of every prefix longer than the carrier's headers is either complete or has the truncation mark of a layer. Hex dumps just
  /// end with the captured bytes, without a mark.
  @Test(arguments: PacketCaseFile.names)
  func everyPrefix(_ name: String) throws {
    for packet in try PacketCaseFile(name).packets {
      var check = Check()
      // Checksums can only be verified with the whole packet.
      var plain = Printer(
        options: .numbers {
          ($0.verbosity, $0.linkHeader, $0.absoluteSequence, $0.skipChecksums) = (1, true, true, true)
        })
      let whole = plain.text(packet).withoutDumps
      var isSilent = false
      for count in max(packet.carrierLength, 1)..<packet.octets.count {
        let place = "\(name).txt, \(packet.title), \(count) of \(packet.octets.count) octets"
        let text = plain.text(packet, count: count)
        if text.withoutDumps != whole, !text.contains("[|") {
          isSilent = true
          #expect(packet.silence != nil, "\(place): less is printed, without a mark:\n\(text)\(whole)")
        }
        try check.print(Array(packet.octets.prefix(count)), packet, place)
      }
      #expect(packet.silence == nil || isSilent, "\(name).txt, \(packet.title): there is a mark wherever it is cut")
    }
  }

  /// Flips a few bits at a time.
  @Test(arguments: PacketCaseFile.names)
  func bitFlips(_ name: String) throws {
    var random = SeededRandom(seed: 3)
    for packet in try PacketCaseFile(name).packets {
      var check = Check()
      for turn in 0..<24 {
        var octets = packet.octets
        for _ in 0...turn % 6 { octets[Self.place(in: packet, &random)] ^= 1 << UInt8(random.next() % 8) }
        try check.print(octets, packet, "\(name).txt, \(packet.title), turn \(turn)")
      }
    }
  }

  /// Overwrites bytes with ones that a terminal may obey: escape, C1 alone and in UTF-8, carriage return, bell, and a mark of bidirectional
  /// text.
  @Test(arguments: PacketCaseFile.names)
  func controlCharacters(_ name: String) throws {
    let controls: [[UInt8]] = [[0x1b, 0x5b], [0x9b], [0xc2, 0x9b], [0x0d], [0x07], [0xe2, 0x80, 0xae]]
    var random = SeededRandom(seed: 5)
    for packet in try PacketCaseFile(name).packets {
      var check = Check()
      for turn in 0..<24 {
        var octets = packet.octets
        for _ in 0...turn % 4 {
          let place = Self.place(in: packet, &random)
          for (offset, octet) in controls[turn % controls.count].enumerated() where place + offset < octets.count {
            octets[place + offset] = octet
          }
        }
        try check.print(octets, packet, "\(name).txt, \(packet.title), turn \(turn)")
      }
    }
  }

  /// The offset of a random byte after the carrier's headers.
  private static func place(in packet: PacketCase, _ random: inout SeededRandom) -> Int {
    packet.carrierLength + Int(random.next() % UInt64(packet.octets.count - packet.carrierLength))
  }
}

extension String {
  /// The text without lines of hex dumps.
  fileprivate var withoutDumps: String {
    guard contains("\t") else { return self }
    return split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { index, line in
      index == 0 || !line.hasPrefix("\t") || line.prefixMatch(of: #/\t *0x[0-9a-f]{4}: /#) == nil
    }.map(\.element).joined(separator: "\n")
  }
}
