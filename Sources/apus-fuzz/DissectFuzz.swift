import Dissect
import Glibc
import PacketCore
import Savefile
import TestSupport
import Protocols

/// Prints packets that were cut or changed, with several sets of flags: nothing may trap, take long, or write a byte that controls a
/// terminal.
///
/// The packets are those of `Fixtures/captures` and `Fixtures/forms`, and of the folders in the environment variable `APUS_CAPTURES`, which
/// are separated by colons.
struct DissectFuzz {
  /// The longest prefix to try, in bytes.
  private static let longestCut = 256
  /// The time limit for one packet in nanoseconds, for the best of three runs: a busy machine does not make a dissector slow.
  private static let limit: UInt64 = 1_000_000
  /// The number of packets of a capture that are cut at every length.
  private static let packetsCut = 50

  private var random: SeededRandom
  private var printers: [(flags: String, printer: PrinterBox)]
  private var (printed, faults, slowest): (Int, Int, UInt64) = (0, 0, 0)

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    printers = [
      ("-nn", PrinterBox { $0.numeric = 2 }),
      ("-nne", PrinterBox { ($0.numeric, $0.linkHeader) = (2, true) }),
      ("-nnvvve", PrinterBox { ($0.numeric, $0.verbosity, $0.linkHeader) = (2, 3, true) }),
      ("-nnqX", PrinterBox { ($0.numeric, $0.quiet, $0.dump) = (2, true, .hexAndASCII(linkHeader: false)) }),
      ("-vA", PrinterBox { ($0.verbosity, $0.dump) = (1, .ascii(linkHeader: false)) }),
    ]
  }

  /// True if there was no fault with any prefix, or with that many changed packets of each capture.
  mutating func run(mutations: Int) -> Bool {
    let captures = Self.captures()
    for path in captures where faults < 20 {
      let packets = Self.packets(of: path)
      guard !packets.isEmpty else { continue }
      for packet in packets.prefix(Self.packetsCut) {
        for length in 0...min(Self.longestCut, packet.octets.count) {
          check(Array(packet.octets.prefix(length)), packet.length, packet.linkType, path)
        }
      }
      for _ in 0..<mutations {
        let packet = packets[Int(random.next() % UInt64(packets.count))]
        let octets = changed(packet.octets)
        let length = random.next() % 4 == 0 ? octets.count : max(packet.length, octets.count)
        check(octets, length, packet.linkType, path)
      }
    }
    print("\(captures.count) captures, \(printed) texts, slowest \(slowest / 1000) µs, \(faults) faults")
    return faults == 0
  }

  /// A packet with a few bytes set to values that often break lengths and counts, or cut, or extended.
  private mutating func changed(_ octets: [UInt8]) -> [UInt8] {
    var octets = octets
    guard !octets.isEmpty else { return octets }
    let boundaries: [UInt8] = [0, 1, 2, 3, 4, 7, 8, 0x0f, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff]
    for _ in 0...(random.next() % 4) {
      let place = Int(random.next() % UInt64(octets.count))
      let value = random.next()
      octets[place] =
        value & 0x100 == 0 ? UInt8(truncatingIfNeeded: value) : boundaries[Int(value >> 9) % boundaries.count]
    }
    switch random.next() % 8 {
    case 0: octets.removeLast(Int(random.next() % UInt64(octets.count)))
    case 1: octets += random.octets(Int(random.next() % 64))
    default: break
    }
    return octets
  }

  private mutating func check(_ octets: [UInt8], _ length: Int, _ linkType: LinkType, _ path: String) {
    for (flags, box) in printers {
      var best = box.print(octets, length, linkType)
      for _ in 0..<2 where best > Self.limit { best = min(best, box.print(octets, length, linkType)) }
      printed += 1
      slowest = max(slowest, best)
      if best > Self.limit { report("took \(best / 1000) µs", flags, octets, length, linkType, path) }
      if let octet = box.unprintable { report("wrote octet \(octet)", flags, octets, length, linkType, path) }
    }
  }

  private mutating func report(
    _ what: String, _ flags: String, _ octets: [UInt8], _ length: Int, _ linkType: LinkType, _ path: String
  ) {
    faults += 1
    let hex = octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    print("\(path): \(flags) \(what), link type \(linkType.rawValue), length \(length): \(hex)")
  }

  // MARK: Captures

  private struct Sample {
    let octets: [UInt8]
    let length: Int
    let linkType: LinkType
  }

  private static func packets(of path: String) -> [Sample] {
    var samples: [Sample] = []
    do throws(SavefileError) {
      var reader = try SavefileReader(path: path)
      while samples.count < 2_000, let packet = try reader.next() {
        var octets: [UInt8] = []
        for offset in 0..<packet.caplen { if let octet = try? packet.bytes.u8(at: offset) { octets.append(octet) } }
        samples.append(Sample(octets: octets, length: packet.len, linkType: packet.linkType))
      }
    } catch {
      // A capture may be damaged on purpose; the packets before the fault count.
    }
    return samples
  }

  /// The captures of the fixtures, and of the folders in `APUS_CAPTURES`.
  static func captures() -> [String] {
    var paths = Fixture.all.map(Fixture.capture) + Set(Fixture.forms.map(\.capture)).sorted()
    // Safe: the environment is not changed while the program runs.
    if let folders = unsafe getenv("APUS_CAPTURES").map({ unsafe String(cString: $0) }) {
      for folder in folders.split(separator: ":") { paths += files(in: String(folder)) }
    }
    return paths
  }

  private static func files(in folder: String) -> [String] {
    guard let directory = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    // Safe: the entry is read before the next call of readdir().
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name.contains(".pcap") { names.append(folder + "/" + name) }
    }
    return names.sorted()
  }
}

/// A printer in a class, so that an array can contain it.
private final class PrinterBox {
  private var printer: Printer

  init(_ set: (inout PrintOptions) -> Void) {
    var options = PrintOptions()
    options.timestamp = .none
    set(&options)
    printer = Printer(options: options)
  }

  /// Prints one packet; returns the nanoseconds that it took.
  func print(_ octets: [UInt8], _ length: Int, _ linkType: LinkType) -> UInt64 {
    printer.out.removeAll()
    let start = Self.now()
    // Safe: the bytes outlive the call.
    let bytes = PacketBytes(unsafe octets.span.bytes, length: length)
    printer.packet(
      Packet(bytes: bytes, timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: linkType), number: 1)
    return Self.now() &- start
  }

  /// A byte of the text that is not printable ASCII, a tab or a newline; nil if there is none.
  var unprintable: UInt8? {
    printer.out.octets.first { $0 > 0x7e || ($0 < 0x20 && $0 != 0x0a && $0 != 0x09) }
  }

  private static func now() -> UInt64 {
    var time = timespec()
    // Safe: the argument is a local variable.
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
