import Capture
import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// libpcap and apus's own reader read the same packets from a savefile.
@Suite struct EngineAgreementTests {
  /// The files that are read differently, and the error that libpcap gives.
  private static let differences = [
    "interfaces.pcapng": "an interface has a type 276 different from the type of the first interface"
  ]

  /// Every recorded capture: those of the project and, if present, those of the conformance data.
  private static let captures: [String] = {
    let folders = [Fixture.folder.path, SharedData.conformance?.path].compactMap(\.self)
    return folders.flatMap { folder in
      (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? [])
        .filter { $0.hasSuffix(".pcap") || $0.hasSuffix(".pcapng") }.sorted().map { "\(folder)/\($0)" }
    }
  }()

  /// The packets of a file, and whether it was read without an error.
  private struct Contents: Equatable {
    struct Record: Equatable {
      let time: Timestamp
      let len: Int
      let octets: [UInt8]
    }
    var linkType: LinkType?
    var records: [Record] = []
    /// The file was read to its end.
    var isWhole = true

    mutating func add(_ packet: borrowing Packet) {
      let octets = unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe Array($0) }
      records.append(Record(time: packet.timestamp, len: packet.len, octets: octets))
    }
  }

  private static func read(_ path: String) -> Contents {
    var contents = Contents()
    do {
      var reader = try SavefileReader(path: path)
      contents.linkType = reader.linkType
      while let packet = try reader.next() { contents.add(packet) }
    } catch {
      contents.isWhole = false
    }
    return contents
  }

  private static func readThroughLibrary(
    _ path: String, descriptor: CInt? = nil
  ) -> (contents: Contents, error: String?) {
    var contents = Contents()
    do {
      let file = unsafe descriptor ?? open(path, O_RDONLY)
      var reader = try LibraryReader(path: descriptor == nil ? path : "-", descriptor: file)
      contents.linkType = reader.linkType
      repeat {
        while let packet = try reader.next() { contents.add(packet) }
      } while reader.wait(milliseconds: 5000)
    } catch {
      contents.isWhole = false
      return (contents, "\(error)")
    }
    return (contents, nil)
  }

  /// The same for a file that is read through a pipe.
  private static func readPiped(_ path: String) throws -> (contents: Contents, error: String?) {
    let octets = try Data(contentsOf: URL(fileURLWithPath: path))
    let pipe = Pipe()
    let (source, sink) = (pipe.fileHandleForReading, pipe.fileHandleForWriting)
    Thread {
      try? sink.write(contentsOf: octets)
      try? sink.close()
    }.start()
    // The reader closes the descriptor that it gets.
    return readThroughLibrary(path, descriptor: dup(source.fileDescriptor))
  }

  /// Files that libpcap 1.10 reads, and that its next version and apus refuse: bits of the link type field that must be 0 are set.
  private static let refused: Set = ["linktype-reserved-field-not-zero.pcap"]

  @Test func everyRecordedCapture() throws {
    var compared = 0
    for path in Self.captures {
      let name = URL(fileURLWithPath: path).lastPathComponent
      let (own, (library, error)) = (Self.read(path), Self.readThroughLibrary(path))
      if let difference = Self.differences[name] {
        #expect(error?.contains(difference) == true && own.isWhole, "\(path): \(error ?? "read to its end")")
        continue
      }
      if Self.refused.contains(name) {
        #expect(!own.isWhole && own.records.isEmpty && library.isWhole, "\(path)")
        continue
      }
      #expect(own == library, "\(path): \(own.records.count) packets, \(library.records.count), \(error ?? "")")
      let piped = try Self.readPiped(path)
      #expect(own == piped.contents, "\(path), piped: \(piped.contents.records.count) packets, \(piped.error ?? "")")
      compared += own.records.count
    }
    #expect(compared > 300, "\(compared) packets in \(Self.captures.count) captures")
  }

  // MARK: The program

  private static func apus(_ arguments: [String], stdin: Data? = nil) throws -> Outcome {
    try Subprocess.run(Subprocess.apusPath(), arguments, stdin: stdin)
  }

  /// Compares the program's output for files and for pipes. The packets of every capture are compared above, and the text depends on them
  /// alone, so one file of each format and byte order is enough here.
  @Test func theTextIsTheSame() throws {
    let paths = [
      "http.pcap", "big-endian.pcap", "nanosecond.pcap", "snaplen.pcap", "cooked.pcap", "null-big-endian.pcap",
      "raw.pcap",
      "dumpcap.pcapng",
    ].map(Fixture.capture)
    let script = """
      for file; do
        "$apus" -nn -e -r "$file" > own.txt 2> /dev/null; own=$?
        "$apus" --engine libpcap -nn -e -r "$file" > library.txt 2> /dev/null; library=$?
        cat "$file" | "$apus" --engine libpcap -nn -e -r - > piped.txt 2> /dev/null; piped=$?
        cmp -s own.txt library.txt && cmp -s own.txt piped.txt && [ "$own $own" = "$library $piped" ] || echo "$file"
        lines=$((lines + $(wc -l < own.txt)))
      done; echo "$lines"
      """
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    let outcome = try Subprocess.run(
      "/bin/bash", ["-c", "cd \(folder); lines=0; \(script)", "bash"] + paths,
      environment: ["apus": Subprocess.apusPath()])
    #expect(
      outcome.output.split(separator: "\n").count == 1 && (Int(outcome.output.dropLast()) ?? 0) > 80,
      "\(outcome.output)")
  }

  private static let (http, arp) = (Fixture.capture("http.pcap"), Fixture.capture("arp.pcap"))

  /// Every task gives the same result with the packets of either engine.
  @Test(arguments: [
    ["--count", "-r", http, "tcp[tcpflags] & tcp-syn != 0"], ["-nn", "-r", http, "-c", "3", "--skip", "4"],
    ["-nn", "-r", http, "-r", arp], ["-nn", "-r", arp, "-r", http, "not tcp"], ["-r", http, "-d", "tcp port 80"],
    ["--stats", "protocols", "-nn", "-r", http], ["--explain", "-nn", "-r", arp, "arp"],
    ["--profile", "-r", http, "tcp"], ["--annotate", "-r", http, "tcp"], ["--json", "-r", http, "-c", "2"],
    ["-nn", "--from", "22:55:47.78", "--to", "22:55:47.79", "-r", http], ["-nn", "-r", http, "inbound"],
    ["-nn", "-r", Fixture.capture("dumpcap.pcapng"), "-c", "3"], ["-nn", "-r", "/nowhere"],
    ["-nn", "-r", http, "prot 80"],
  ]) func everyTask(_ arguments: [String]) throws {
    let (own, library) = (try Self.apus(arguments), try Self.apus(["--engine", "libpcap"] + arguments))
    #expect(own == library, "\(own.output)\(own.errors)\(library.output)\(library.errors)")
    #expect(
      own.status == 0 || arguments.last == "inbound" || arguments.last == "/nowhere" || arguments.last == "prot 80")
  }

  /// Copies are the same, byte for byte.
  @Test(arguments: ["http.pcap", "nanosecond.pcap", "big-endian.pcap", "cooked.pcap", "dumpcap.pcapng"])
  func copies(_ name: String) throws {
    let paths = try (0..<2).map { _ in try Subprocess.temporaryFile() }
    defer { paths.forEach(Subprocess.remove) }
    let source = Fixture.capture(name)
    #expect(try Self.apus(["-r", source, "-w", paths[0]]).status == 0)
    #expect(try Self.apus(["--engine", "libpcap", "-r", source, "-w", paths[1]]).status == 0)
    let copies = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(copies[0] == copies[1] && copies[0].count > 100, "\(copies)")
  }

  /// A truncated file or pipe gives the packets before the cut, a message and status 1.
  @Test func aFileThatIsCut() throws {
    let octets = try Data(contentsOf: URL(fileURLWithPath: Self.http))
    for count in [0, 3, 20, 24, 30, 41, octets.count / 2, octets.count - 1] {
      let path = try Subprocess.temporaryFile(octets.prefix(count))
      defer { Subprocess.remove(path) }
      let own = try Self.apus(["-nn", "-r", path])
      for library in [
        try Self.apus(["--engine", "libpcap", "-nn", "-r", path]),
        try Self.apus(["--engine", "libpcap", "-nn", "-r", "-"], stdin: octets.prefix(count)),
      ] {
        #expect(own.output == library.output && own.status == library.status, "\(count): \(library.errors)")
        #expect(library.status == 0 || library.errors.split(separator: "\n").last?.hasPrefix("apus: ") == true)
      }
    }
  }

  /// Options that libpcap does not support are refused before anything is read.
  @Test(arguments: ["--merge", "--recover", "--follow"]) func whatLibpcapLacks(_ flag: String) throws {
    let outcome = try Self.apus(["--engine", "libpcap", flag, "-r", Self.http])
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == "apus: libpcap has no \(flag): leave --engine libpcap out\n")
    #expect(
      try Self.apus(["--engine", "mine", "-r", Self.http]).errors
        == "apus: unknown engine 'mine': use auto or libpcap\n")
  }

  /// `-v` and `--version` name the engine in use.
  @Test func theEngineIsNamed() throws {
    #expect(try Self.apus(["-v", "-r", Self.arp]).errors.contains(", read by apus\n"))
    #expect(
      try Self.apus(["--engine", "libpcap", "-v", "-r", Self.arp]).errors.contains(
        ", read by libpcap version "))
    #expect(
      try Self.apus(["--version"]).output.contains("\nengines: packet ring (TPACKET_V3) for network interfaces, "))
    #expect(
      try Self.apus(["--version", "--engine", "libpcap"]).output.contains(
        "\nengine: libpcap for all devices and capture files"))
  }

  /// Packets from a pipe are printed when they arrive, and a signal ends the wait for more.
  @Test func aPipeThatIsIdle() throws {
    let script = """
      mkfifo pipe; exec 3<> pipe; "$apus" --engine libpcap -nn -r pipe > out & pid=$!
      head -c 500 "$1" >&3; for i in $(seq 100); do [ -s out ] && break; sleep 0.05; done
      wc -l < out; kill -USR1 $pid; sleep 0.2; kill -0 $pid && kill -INT $pid; wait $pid; echo "status $?"
      """
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    let outcome = try Subprocess.run(
      "/bin/bash", ["-c", "cd \(folder); \(script)", "bash", Self.http], environment: ["apus": Subprocess.apusPath()])
    #expect(outcome.output == "4\nstatus 0\n", "\(outcome.output)\(outcome.errors)")
  }
}
