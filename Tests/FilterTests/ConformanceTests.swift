import BPF
import Foundation
import Names
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Programs, verdicts and messages recorded from libpcap's next version.
@Suite(.enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
struct ConformanceTests {
  /// An expression, in several spellings, with its programs in text form.
  struct Accepted: Decodable {
    let name: String
    let dlt: String
    let aliases: [String]
    let snaplen: UInt32?
    let netmask: String?
    let linuxext: Bool
    let offline: String
    /// nil if nothing can match.
    let opt: String?
    let unopt: String
    let needs: [String]?
  }

  /// An expression, and its result for each packet of a savefile.
  struct Applied: Decodable {
    let name: String
    let savefile: String
    let expr: String
    let netmask: String?
    let results: [UInt32]
  }

  /// An expression that is refused, and a part of the error message.
  struct Rejected: Decodable {
    let name: String
    let dlt: String?
    let expr: String?
    let netmask: String?
    let errstr: String
    let needs: [String]?
  }

  @Test(arguments: 0..<4)
  func accepted(_ part: Int) throws {
    let blocks = try Self.read([Accepted].self, "accept.json").enumerated().filter { $0.offset % 4 == part }.map(
      \.element)
    var compared = 0
    for block in blocks where !Self.isForOthers(block.needs) {
      guard let options = Self.options(block) else { continue }
      var packets: [SavedPacket] = []
      var expected: [UInt32] = []
      // Some recorded programs jump backwards or read words that nothing has written: then ours is only compiled, not compared.
      if let recorded = try? Assembler.assemble(block.unopt) {
        var search = PacketSearch(seed: UInt64(part))
        packets = search.packets(for: recorded, count: 40)
        packets += PacketCorpus.of(options.linkType).sample(turn: part).prefix(60)
        expected = recorded.verdicts(packets)
        compared += 1
      }
      for (index, expression) in block.aliases.enumerated() {
        let what = "\(block.dlt) \(block.name)"
        check(expression, options, packets, expected, what, optimize: false)
        guard index == 0 || PacketCorpus.isThorough else { continue }
        check(expression, options, packets, expected, what, optimize: true)
      }
      #expect(Compiled(block.aliases[0], options).rejectsAll == (block.opt == nil), "\(block.dlt) \(block.aliases[0])")
    }
    #expect(compared > 100)
  }

  private func check(
    _ expression: String, _ options: CompileOptions, _ packets: [SavedPacket], _ expected: [UInt32], _ what: String,
    optimize: Bool
  ) {
    var options = options
    options.optimize = optimize
    let compiled = Compiled(expression, options)
    guard let verdicts = compiled.verdicts(packets) else {
      Issue.record("\(what): \(expression): \(compiled.message ?? "")")
      return
    }
    // Only the kernel has metadata: without it both programs reject every packet, so comparing them shows nothing.
    if options.target == .linuxKernel { return }
    if let difference = firstDifference(packets, verdicts, expected) {
      Issue.record("\(what): \(expression), \(optimize ? "" : "not ")optimised: ours and recorded: \(difference)")
    }
  }

  @Test func applied() throws {
    var files: [String: SavedCapture] = [:]
    for block in try Self.read([Applied].self, "apply.json") {
      let path = try #require(SharedData.file("filters/savefiles/\(block.savefile)")).path
      let capture = try files[block.savefile] ?? Libpcap.read(path)
      files[block.savefile] = capture
      for optimize in [false, true] {
        var options = CompileOptions(
          linkType: capture.linkType, snaplen: capture.snaplen, netmask: try Self.mask(block.netmask),
          optimize: optimize,
          target: .savefile(byteSwapped: capture.isByteSwapped), names: Self.names)
        options.ieee80211Layout = .libpcap
        let compiled = Compiled(block.expr, options)
        #expect(
          compiled.verdicts(capture.packets) == block.results, "\(block.name): \(block.expr) \(compiled.message ?? "")")
      }
    }
  }

  /// Checks a sample: most of the many recorded expressions were generated in loops.
  @Test func rejected() throws {
    let blocks = try Self.read([Rejected].self, "reject.json")
    let step = PacketCorpus.isThorough ? 1 : 11
    for block in stride(from: 0, to: blocks.count, by: step).map({ blocks[$0] }) where !Self.isForOthers(block.needs) {
      guard let expression = block.expr, let name = block.dlt, let linkType = LinkType(name: name) else { continue }
      let options = CompileOptions(linkType: linkType, netmask: try Self.mask(block.netmask), names: Self.names)
      let message = Compiled(expression, options).message
      #expect(message?.contains(block.errstr) == true, "\(name) \(expression): \(message ?? "taken")")
    }
  }

  // MARK: The data

  private static func read<T: Decodable>(_ type: T.Type, _ file: String) throws -> T {
    let path = try #require(SharedData.file("filters/\(file)"))
    return try JSONDecoder().decode(type, from: Data(contentsOf: path))
  }

  /// True for expressions recorded for other systems, or for a hook in libpcap's own test program.
  private static func isForOthers(_ needs: [String]?) -> Bool {
    needs?.contains { ["other-os", "big-endian", "build", "filtertest"].contains($0) } ?? false
  }

  private static func options(_ block: Accepted) -> CompileOptions? {
    guard let linkType = LinkType(name: block.dlt) else {
      Issue.record("no link type is called \(block.dlt)")
      return nil
    }
    let target: FilterTarget =
      switch block.offline {
      case "unswapped": .savefile(byteSwapped: false)
      case "swapped": .savefile(byteSwapped: true)
      default: block.linuxext ? .linuxKernel : .machine
      }
    var options = CompileOptions(
      linkType: linkType, snaplen: block.snaplen ?? 262_144, netmask: try? mask(block.netmask), target: target,
      names: names)
    options.ieee80211Layout = .libpcap
    return options
  }

  private static func mask(_ text: String?) throws -> UInt32? {
    guard let text else { return nil }
    return try #require(IPv4Address(text: Array(text.utf8))).rawValue
  }

  /// The names that the data was recorded with.
  private static let names: any NameResolver = {
    var paths = LocalNames.Paths()
    if let hosts = SharedData.file("filters/resolver/hosts") { paths.hosts = hosts.path }
    if let ethers = SharedData.file("filters/resolver/ethers") { paths.ethers = ethers.path }
    if let networks = SharedData.file("filters/resolver/networks") { paths.networks = networks.path }
    return LocalNames(paths: paths)
  }()
}
