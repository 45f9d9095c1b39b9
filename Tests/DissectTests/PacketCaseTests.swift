import Foundation
import PacketCore
import Protocols
import Synchronization
import TestSupport
import Testing

@testable import ApusCLI
@testable import Dissect

/// The packets of `Fixtures/packets`: what is printed of them, and that every protocol is among them.
///
/// `RECORD=1 swift test --disable-xctest --filter PacketCaseTests` writes what is printed into the files; what has changed there is then to
/// be read.
struct PacketCaseTests {
  private static let records = ProcessInfo.processInfo.environment["RECORD"] != nil

  /// The packets of a file in their order, through one printer for each form: an answer may lean on its question.
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

  /// The defaults, with what `-T` says in the forms of a file.
  private static func options(of file: PacketCaseFile) -> PrintOptions {
    var options = PrintOptions()
    options.payload = file.payload.flatMap(PayloadType.init(rawValue:))
    return options
  }

  /// The flags of a form, as the command line takes them. Names are not looked up and packets have no time, so that the text is the same
  /// everywhere and always.
  private static func options(_ flags: String) throws -> PrintOptions {
    if let known = known.withLock({ $0[flags] }) { return known }
    let words = ["--color", "never", "-r", "-"] + flags.split(separator: " ").map(String.init)
    let options = try Configuration(ApusCommandLine.options(words)).printing
    #expect(options.numeric > 1 && options.timestamp == .none, "\(flags): -nnt is missing")
    known.withLock { $0[flags] = options }
    return options
  }

  /// The parser of options takes its time, and most files have the same ones.
  private static let known = Mutex<[String: PrintOptions]>([:])

  /// A layer has the file of its name, and is in each packet of it and of files with another word after a dot.
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

  /// Those of the hot path, which Ethernet, IP and the printer call without looking for a claim; their layers have files.
  private static let calledDirectly: Set<String> = ["ether", "ip", "ip6", "tcp", "udp"]

  /// Every dissector of the list has printed something of the packets.
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

/// Which dissectors have been called, by their places in the list.
private final class ReachedDissectors: Sendable {
  private let places = Mutex<Set<Int>>([])

  func contains(_ place: Int) -> Bool { places.withLock { $0.contains(place) } }

  /// The same dissector, which notes that it is called.
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
  /// The text of a packet, or of its first octets.
  mutating func text(_ packet: PacketCase, count: Int = .max) -> String {
    text(Array(packet.octets.prefix(count)), packet)
  }

  /// The same of other octets in its place.
  mutating func text(_ octets: [UInt8], _ packet: PacketCase) -> String {
    out.removeAll()
    self.packet(
      Packet(
        bytes: PacketBytes(unsafe octets.span.bytes, length: packet.len),
        timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: packet.linkType), number: 1)
    return out.string
  }

  /// The object of a packet, or of its first octets.
  mutating func object(_ packet: PacketCase, count: Int = .max) -> String {
    object(Array(packet.octets.prefix(count)), packet)
  }

  /// The same of other octets in its place.
  mutating func object(_ octets: [UInt8], _ packet: PacketCase) -> String {
    out.removeAll()
    json(
      Packet(
        bytes: PacketBytes(unsafe octets.span.bytes, length: packet.len),
        timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: packet.linkType), number: 1, interface: nil)
    // One line.
    return String(out.string.dropLast())
  }
}
