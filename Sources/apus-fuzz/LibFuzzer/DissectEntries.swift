import Dissect
import PacketCore
import TestSupport
import Protocols

/// Bytes as a packet of any link type, or as input of a single dissector, printed as text with one of several sets of flags.
///
/// The printer is the same for all inputs, as for the packets of a capture.
final class PrintEntry: FuzzEntry {
  private static let flags: [@Sendable (inout PrintOptions) -> Void] = [
    { $0.numeric = 2 },
    { ($0.numeric, $0.verbosity, $0.linkHeader) = (2, 3, true) },
    { ($0.verbosity, $0.linkHeader, $0.packetNumber, $0.lengths) = (2, true, true, true) },
    { ($0.numeric, $0.quiet, $0.dump) = (1, true, .hexAndASCII(linkHeader: true)) },
    { ($0.verbosity, $0.dump, $0.absoluteSequence) = (1, .ascii(linkHeader: false), true) },
    { ($0.numeric, $0.verbosity, $0.dottedAS, $0.singleLine, $0.dump) = (2, 3, true, true, .hex(linkHeader: false)) },
  ]
  private let printers = flags.map { PacketPrinter($0) }
  /// One for every argument of `-T`.
  private let typedPrinters = PayloadType.allCases.filter(\.isPrinted).map { type in
    PacketPrinter { ($0.numeric, $0.verbosity, $0.payload) = (2, 1, type) }
  }

  func take(_ input: [UInt8]) {
    let subject = DissectSubject(input)
    let flags = subject.flags
    let printers = flags & 0x80 == 0 ? printers : typedPrinters
    let text = printers[Int(flags & 0x7f) % printers.count].text(subject)
    if let octet = text.first(where: { $0 > 0x7e || $0 < 0x20 && $0 != 0x0a && $0 != 0x09 }) {
      fault("wrote octet \(octet)")
    }
    if text.last != UInt8(ascii: "\n") { fault("a text without an end") }
  }
}

/// The same as JSON: each packet must be one object on its own line.
final class JSONEntry: FuzzEntry {
  private let printers = [PrintOptions.PayloadForm?.none, .hex, .base64].map { form in
    PacketPrinter(recording: .fields) {
      $0 = $0.forFields
      $0.payloadForm = form
    }
  }

  func take(_ input: [UInt8]) {
    let subject = DissectSubject(input)
    let line = printers[Int(subject.flags) % printers.count].json(subject)
    guard line.last == UInt8(ascii: "\n"), !line.dropLast().contains(UInt8(ascii: "\n")) else { fault("not one line") }
    checkText(line)
    if let place = JSONText.firstFault(in: line.dropLast()) {
      fault("no JSON from octet \(place) on: \(String(decoding: line, as: UTF8.self))")
    }
  }
}

/// The input for a dissection, and its alleged length.
private struct DissectSubject {
  /// nil for a single dissector.
  let linkType: LinkType?
  let dissector: Int
  /// Flags for the entry that uses this input.
  let flags: UInt8
  let octets: [UInt8]
  let length: Int

  /// Parses three bytes and the packet. Bits of the first byte: 1 selects a single dissector, 2 a length other than the packet's, which
  /// follows the three bytes in two more, and 4 adds 256 to the link type. The second byte is a link type (DLT) or an index into the list
  /// of dissectors.
  init(_ octets: [UInt8]) {
    var input = FuzzInput(octets)
    let kind = input.octet()
    let number = Int(input.octet())
    flags = input.octet()
    let stated = kind & 2 == 0 ? nil : Int(input.word())
    linkType = kind & 1 == 0 ? LinkType(rawValue: UInt32(kind & 4) << 6 + UInt32(number)) : nil
    dissector = number % Registry.shared.dissectors.count
    self.octets = Array(input.rest)
    length = stated ?? self.octets.count
  }
}

/// A printer in a class, so that an array can contain it.
private final class PacketPrinter {
  private var printer: Printer

  init(recording: Recording = .nothing, _ set: (inout PrintOptions) -> Void) {
    var options = PrintOptions()
    options.timestamp = .none
    options.utcOffset = 0
    set(&options)
    printer = Printer(options: options, recording: recording)
  }

  func text(_ subject: DissectSubject) -> [UInt8] {
    printer.out.removeAll()
    // Safe: the bytes outlive the call.
    let bytes = PacketBytes(unsafe subject.octets.span.bytes, length: subject.length)
    if let linkType = subject.linkType {
      printer.packet(Packet(bytes: bytes, timestamp: Self.time, linkType: linkType), number: 1)
    } else {
      printer.packet(bytes, dissector: subject.dissector)
    }
    return printer.out.octets
  }

  func json(_ subject: DissectSubject) -> [UInt8] {
    guard let linkType = subject.linkType else {
      // The JSON line follows the text, which may have many lines.
      let octets = text(subject).dropLast()
      let start = octets.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? octets.startIndex
      return octets[start...] + [UInt8(ascii: "\n")]
    }
    printer.out.removeAll()
    // Safe: the bytes outlive the call.
    let bytes = PacketBytes(unsafe subject.octets.span.bytes, length: subject.length)
    printer.json(
      Packet(bytes: bytes, timestamp: Self.time, linkType: linkType), number: 1, interface: "eth\u{9b}0\"")
    return printer.out.octets
  }

  private static let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 0)
}
