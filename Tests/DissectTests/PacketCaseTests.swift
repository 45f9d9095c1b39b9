import Foundation
import PacketCore
import Protocols
import Synchronization
import TestSupport
import Testing

@testable import ApusCLI
@testable import Dissect

/// Checks the output for the packets of `Fixtures/packets`, and that they cover every protocol.
///
/// `RECORD=1 swift test --disable-xctest --filter PacketCaseTests` writes the current output into the files; review the changes afterwards.
struct PacketCaseTests {
  private static let records = ProcessInfo.processInfo.environment["RECORD"] != nil

  /// Prints the packets of a file in order, with one printer for each form, since the output for an answer may depend on its question.
  @Test(arguments: PacketCaseFile.names)
  func printsWhatIsWanted(_ name: String) throws {
    var file = try PacketCaseFile(name)
    for form in file.forms {
      let isObject = form == "json"
      var printer =
        isObject
        ? Printer(options: Self.options(of: file).forFields, recording: .fields)
        : Printer(options: try Self.options(form))
      for (index, packet) in file.packets.enumerated() {
        let printed = isObject ? printer.object(packet) : printer.text(packet)
        let lines =
          isObject
          ? PacketObjectText.lines(printed, withoutLayers: packet.carrierLayers)
          : printed.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        guard let wanted = packet.expectations.first(where: { $0.form == form })?.lines else { continue }
        if Self.records {
          file.record(lines, packet: index, form: form)
        } else {
          #expect(lines == wanted, "\(name).txt, \(packet.title), \(form):\n\(lines.joined(separator: "\n"))")
        }
      }
    }
    if Self.records { try file.write() }
  }

  /// The defaults, with the `-T` of the file's forms if they have one.
  private static func options(of file: PacketCaseFile) -> PrintOptions {
    var options = PrintOptions()
    options.payload = file.payload.flatMap(PayloadType.init(rawValue:))
    return options
  }

  /// The flags of a form, parsed as on the command line. Names are not looked up and packets have no time, so that the text is the same on
  /// every machine and every day.
  private static func options(_ flags: String) throws -> PrintOptions {
    if let known = known.withLock({ $0[flags] }) { return known }
    let words = ["--color", "never", "-r", "-"] + flags.split(separator: " ").map(String.init)
    let options = try Configuration(ApusCommandLine.options(words)).printing
    #expect(options.numeric > 1 && options.timestamp == .none, "\(flags): -nnt is missing")
    known.withLock { $0[flags] = options }
    return options
  }

  /// Parsed flags: parsing takes time, and most files use the same ones.
  private static let known = Mutex<[String: PrintOptions]>([:])

  /// Every layer has a file with its name, and occurs in each packet of it and of files that have another word after a dot.
  @Test func everyLayerHasItsFile() throws {
    let layers = Registry.shared.layers.map { "\($0.name)" }
    for layer in layers where !PacketCaseFile.names.contains(layer) {
      Issue.record("Fixtures/packets/\(layer).txt is missing")
    }
    for name in PacketCaseFile.names {
      let layer = String(name.prefix { $0 != "." })
      #expect(layers.contains(layer), "\(name).txt: no layer has this name")
      let file = try PacketCaseFile(name)
      for packet in file.packets {
        var printer = Printer(options: Self.options(of: file).forFields, recording: .fields)
        let object = try JSONValue(printer.object(packet).utf8)
        let contained = (object["layers"]?.elements ?? []).compactMap { $0["layer"]?.text }
        #expect(contained.contains(layer), "\(name).txt, \(packet.title) has \(contained)")
      }
    }
  }

  /// Dissectors of the hot path, which Ethernet, IP and the printer call directly instead of looking up a claim; their layers have files
  /// too.
  private static let calledDirectly: Set<String> = ["ether", "ip", "ip6", "tcp", "udp"]

  /// Every registered dissector has printed at least one of the packets.
  @Test func everyDissectorIsReached() throws {
    let reached = ReachedDissectors()
    let registry = Registry(
      Registry.shared.dissectors.enumerated().map { index, dissector in reached.observed(dissector, index) })
    for name in PacketCaseFile.names {
      let file = try PacketCaseFile(name)
      var options = Self.options(of: file)
      options.numeric = 2
      options.verbosity = 3
      var printer = Printer(options: options, registry: registry)
      for packet in file.packets { _ = printer.text(packet) }
    }
    for (index, dissector) in Registry.shared.dissectors.enumerated() where !reached.contains(index) {
      guard !Self.calledDirectly.contains("\(dissector.name)") else { continue }
      Issue.record("no packet reaches \(dissector.name) (\(dissector.claims.map(\.words).joined(separator: ", ")))")
    }
  }
}

/// Which dissectors have been called, by their index in the registry.
private final class ReachedDissectors: Sendable {
  private let places = Mutex<Set<Int>>([])

  func contains(_ place: Int) -> Bool { places.withLock { $0.contains(place) } }

  /// The same dissector, but recording that it was called.
  func observed(_ dissector: Dissector, _ place: Int) -> Dissector {
    let print = dissector.print
    return Dissector(name: dissector.name, claims: dissector.claims, layers: dissector.layers) {
      (bytes, printer) throws(DecodeError) in
      self.places.withLock { _ = $0.insert(place) }
      try print(bytes, &printer)
    }
  }
}

extension Printer {
  /// The text of a packet, or of its first bytes.
  mutating func text(_ packet: PacketCase, count: Int = .max) -> String {
    text(Array(packet.octets.prefix(count)), packet)
  }

  /// The same with other bytes instead of the packet's.
  mutating func text(_ octets: [UInt8], _ packet: PacketCase) -> String {
    out.removeAll()
    self.packet(
      Packet(
        bytes: PacketBytes(unsafe octets.span.bytes, length: packet.len),
        timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: packet.linkType), number: 1)
    return out.string
  }

  /// The object of a packet, or of its first bytes.
  mutating func object(_ packet: PacketCase, count: Int = .max) -> String {
    object(Array(packet.octets.prefix(count)), packet)
  }

  /// The same with other bytes instead of the packet's.
  mutating func object(_ octets: [UInt8], _ packet: PacketCase) -> String {
    out.removeAll()
    json(
      Packet(
        bytes: PacketBytes(unsafe octets.span.bytes, length: packet.len),
        timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: packet.linkType), number: 1, interface: nil)
    // Without the newline at the end.
    return String(out.string.dropLast())
  }
}
