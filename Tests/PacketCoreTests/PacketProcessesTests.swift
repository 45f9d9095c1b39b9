import PacketCore
import Testing

/// The processes of a packet in the options of a pcapng file.
@Suite struct PacketProcessesTests {
  private static let curl = ProcessOwner(
    process: 3987, thread: 3988, user: 1000, controlGroup: ControlGroup("/user.slice/a b;c"),
    name: ProcessName("my curl=1;%".utf8), evidence: .event)
  private static let server = ProcessOwner(
    process: 4_000_000_000, thread: 0, user: nil, controlGroup: nil, name: ProcessName([0xff, 0x1b]), evidence: .scan)

  private static func options(_ processes: PacketProcesses, _ direction: PacketDirection) -> [UInt8] {
    var options: [UInt8] = []
    processes.appendOptions(direction, to: &options)
    return options
  }

  private static func read(_ octets: [UInt8], _ direction: PacketDirection = .unknown) -> PacketProcesses {
    PacketProcesses(PacketOptions(unsafe octets.span.bytes, isByteSwapped: false), direction)
  }

  @Test func comeBackAsTheyWere() {
    for processes in [
      PacketProcesses(sender: Self.curl, receiver: Self.server), PacketProcesses(sender: Self.server),
      PacketProcesses(receiver: Self.curl), PacketProcesses(),
    ] {
      for direction in [PacketDirection.unknown, .inbound, .outbound] {
        #expect(Self.read(Self.options(processes, direction), direction) == processes)
      }
    }
  }

  /// epb_processid_threadid names the process on the capturing side.
  @Test func theOptionIsOfTheCapturingSide() {
    let both = PacketProcesses(sender: Self.curl, receiver: Self.server)
    func process(_ direction: PacketDirection, _ processes: PacketProcesses) -> UInt32? {
      var found: UInt32?
      let octets = Self.options(processes, direction)
      PacketOptions(unsafe octets.span.bytes, isByteSwapped: false).forEach { code, value in
        guard code == 8, value.byteCount == 8 else { return }
        found = unsafe value.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
      }
      return found
    }
    #expect(process(.outbound, both) == 3987)
    #expect(process(.inbound, both) == 4_000_000_000)
    #expect(process(.unknown, both) == 3987)
    #expect(process(.inbound, PacketProcesses(sender: Self.curl)) == 3987)
    #expect(Self.direction(Self.options(both, .inbound)) == .inbound)
  }

  private static func direction(_ octets: [UInt8]) -> PacketDirection {
    PacketOptions(unsafe octets.span.bytes, isByteSwapped: false).direction
  }

  /// Other programs write only the process and thread numbers.
  @Test func theOptionAlone() {
    let option: [UInt8] = [8, 0, 8, 0, 42, 0, 0, 0, 43, 0, 0, 0]
    let owner = ProcessOwner(
      process: 42, thread: 43, user: nil, controlGroup: nil, name: ProcessName([]), evidence: .file)
    #expect(Self.read(option, .inbound) == PacketProcesses(receiver: owner))
    #expect(Self.read(option, .outbound) == PacketProcesses(sender: owner))
    let swapped: [UInt8] = [0, 8, 0, 8, 0, 0, 0, 42, 0, 0, 0, 43]
    #expect(
      PacketProcesses(PacketOptions(unsafe swapped.span.bytes, isByteSwapped: true), .outbound)
        == PacketProcesses(sender: owner))
  }

  @Test func otherCommentsSayNothing() {
    for text in ["", "apus: ", "hello", "apus: from", "apus: from pid=x", "apus: from pid=0", "apus: off pid=3;;; to"] {
      let comment = Array(text.utf8)
      let length = UInt8(comment.count)
      let octets = [1, 0, length, 0] + comment + [UInt8](repeating: 0, count: (4 - comment.count % 4) % 4)
      #expect(Self.read(octets).isEmpty, "\(text)")
    }
  }
}

/// Process names and control groups.
@Suite struct ProcessOwnerTests {
  @Test func namesEndAtTheFirstZero() {
    let bits = [UInt8]("kube\0proxy\0\0\0\0\0\0".utf8).reversed().reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    #expect(ProcessName(littleEndian: bits) == ProcessName("kube".utf8))
    #expect(ProcessName(littleEndian: .max).count == ProcessName.maximumLength)
    #expect(ProcessName(littleEndian: 0).isEmpty && ProcessName([]).bytes == [])
    #expect(ProcessName("a very long name of one".utf8).text == "a very long nam")
  }

  @Test func prefixes() {
    let name = ProcessName("kube-proxy".utf8)
    for prefix in ["", "k", "kube-", "kube-proxy"] { #expect(name.hasPrefix(ProcessName(prefix.utf8)), "\(prefix)") }
    for other in ["x", "kubf", "kube-proxy2", "ube"] { #expect(!name.hasPrefix(ProcessName(other.utf8)), "\(other)") }
  }

  @Test func groupsAreWithinOthers() {
    let group = ControlGroup("/user.slice/a")
    for path in ["/", "/user.slice", "/user.slice/a"] { #expect(group.isWithin(path), "\(path)") }
    for path in ["/user", "/user.slice/ab", "/user.slice/a/b", "/system.slice"] {
      #expect(!group.isWithin(path), "\(path)")
    }
    #expect(ControlGroup("/").isWithin("/") && !ControlGroup("/").isWithin("/a"))
  }
}
