import EBPF
import Glibc
import PacketCore
import Testing

@testable import Processes

/// Which packets the kernel may drop because of their processes.
@Suite struct PacketSelectionTests {
  private static let curl = OwnerTests.Value.name(ProcessName("curl".utf8), isPrefix: false)

  /// Every combination of test results at both ends, and whether the packet is unwanted.
  @Test func requirements() throws {
    typealias Ends = OwnerTests.Ends
    for ends in [Ends.sender, .receiver, .either, .both] {
      for isDenied in [false, true] {
        let tests = try #require(OwnerTests([.init(ends, Self.curl, isDenied: isDenied)]))
        let requirement = tests.requirement
        // An end is curl, another process, or unknown.
        for (sender, isSender) in [(1, true), (tests.nothingHolds, false), (0, nil)] as [(Int, Bool?)] {
          for (receiver, isReceiver) in [(1, true), (tests.nothingHolds, false), (0, nil)] as [(Int, Bool?)] {
            let holds: Bool? =
              switch ends {
              case .sender: isSender
              case .receiver: isReceiver
              case .either:
                isSender == true || isReceiver == true ? true : isSender == nil || isReceiver == nil ? nil : false
              case .both:
                isSender == false || isReceiver == false ? false : isSender == nil || isReceiver == nil ? nil : true
              }
            let isUnwanted =
              sender & requirement.sender == requirement.sender
              && receiver & requirement.receiver == requirement.receiver
              && sender & receiver & requirement.both == requirement.both
              && (sender | receiver) & requirement.either == requirement.either
            #expect(isUnwanted == (holds == isDenied), "\(ends) \(isDenied) \(isSender as Any) \(isReceiver as Any)")
          }
        }
      }
    }
    #expect(OwnerTests([]) == nil)
    #expect(OwnerTests(Array(repeating: .init(.either, Self.curl, isDenied: false), count: 9)) == nil)
  }

  private let programs = OwnershipPrograms(store: 3, flows: 4, events: 5, counters: 6, isNaming: true, isPlacing: true)

  /// All programs can be assembled with all kinds of tests.
  @Test func assembles() throws {
    let values: [OwnerTests.Value] =
      [.process(5), .user(.max)]
      + ["a", "abc", "abcd", "abcdefghijklmno"].flatMap { name in
        [true, false].map { .name(ProcessName(name.utf8), isPrefix: $0) }
      }
    for value in values {
      let tests = try #require(OwnerTests([.init(.either, value, isDenied: false)]))
      for criterion in [OwnershipPrograms.Judgement.Criterion.tests(tests), .group(77, unwanted: 256)] {
        var programs = programs
        programs.judgement = .init(verdicts: 7, others: 8, namespace: .max, criterion: criterion)
        for text in [
          programs.creation, programs.connection, programs.use, programs.transfer, programs.packet(.egress),
          programs.packet(.ingress),
        ] {
          _ = try EBPFAssembler.assemble(text)
        }
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root may attach programs"))
  func theVerifierTakesThem() throws {
    let names = ["a", "abc", "abcdefg", "abcdefghijklmno"].map { ProcessName($0.utf8) }
    let tests = try #require(
      OwnerTests(names.flatMap { name in [true, false].map { .init(.both, .name(name, isPrefix: $0), isDenied: $0) } }))
    let tracker = ProcessTracker(selecting: tests)
    #expect(tracker.facilities.refusal == nil && tracker.facilities.shortfall == nil)
    #expect(tracker.selection != nil)
    #expect(ProcessTracker().selection == nil)
  }

  // MARK: In the kernel

  private static let namespace: UInt64 = 9
  private static let client = SocketAddresses(
    version: 4, proto: 6, local: 0x7f00_0001, remote: 0x7f00_0001, localPort: 40_000, remotePort: 80)

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    unsafe withUnsafeBytes(of: number.littleEndian) { unsafe Array($0) }
  }

  /// The key of `flows`.
  private static func key(_ port: UInt16, _ other: UInt16, proto: UInt8 = 6, version: UInt8 = 4) -> [UInt8] {
    let address: [UInt8] =
      version == 4
      ? [127, 0, 0, 1] + [UInt8](repeating: 0, count: 12) : [UInt8](repeating: 0, count: 15) + [1]
    return address + address + bytes(port.bigEndian) + bytes(other.bigEndian) + [proto, version, 0, 0]
      + bytes(Self.namespace)
  }

  /// A frame from port 40000 to port 80.
  private static func frame(
    version: UInt8 = 4, proto: UInt8 = 6, flags: UInt8 = 0x10, fragment: UInt16 = 0, type: [UInt8]? = nil
  ) -> [UInt8] {
    let ports: [UInt8] = [0x9c, 0x40, 0, 80]
    let transport =
      ports + (proto == 6 ? [0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags] + [UInt8](repeating: 0, count: 6) : [0, 8, 0, 0])
    let header: [UInt8]
    if version == 4 {
      header =
        [0x45, 0, 0, UInt8(20 + transport.count), 0, 0, UInt8(fragment >> 8), UInt8(fragment & 255), 64, proto, 0, 0]
        + [127, 0, 0, 1, 127, 0, 0, 1]
    } else {
      let address = [UInt8](repeating: 0, count: 15) + [1]
      header = [0x60, 0, 0, 0, 0, UInt8(transport.count), proto, 64] + address + address
    }
    return [UInt8](repeating: 0, count: 12) + (type ?? (version == 4 ? [8, 0] : [0x86, 0xdd])) + header + transport
  }

  /// Runs the program in the kernel, with its own maps.
  private final class Kernel {
    private struct Maps: ~Copyable {
      let flows: KernelMap
      let verdicts: KernelMap
      let counters: KernelCounters
      let others: KernelMap
    }

    private let maps: Maps

    init() throws(KernelError) {
      maps = Maps(
        flows: try KernelMap(
          .leastRecentlyUsedHash, keySize: OwnershipPrograms.flowKeySize, valueSize: OwnershipPrograms.flowValueSize,
          capacity: 64),
        verdicts: try KernelMap(.leastRecentlyUsedHash, keySize: 8, valueSize: 8, capacity: 64),
        counters: try KernelCounters(count: OwnershipPrograms.counterCount),
        others: try KernelMap(.hash, keySize: 16, valueSize: 8, capacity: 64))
    }

    func setGeneration(_ number: UInt64) { maps.counters.set(OwnershipPrograms.generationCounter, to: number) }

    /// True if the packet is unwanted.
    func rejects(_ frame: [UInt8], _ tests: OwnerTests) throws -> Bool {
      let selection = PacketSelection(
        flows: maps.flows.descriptor, verdicts: maps.verdicts.descriptor, counters: maps.counters.map.descriptor,
        others: maps.others.descriptor,
        namespace: PacketSelectionTests.namespace, requirement: tests.requirement, absent: tests.nothingHolds)
      let instructions = try #require(selection.instructions(for: .ethernet))
      let program = try EBPFProgram(validating: instructions + Operation.exit.encoded)
      let loaded = try KernelEBPFProgram(program, as: .socketFilter)
      let result = loaded.run(frame)
      return try #require(result) == 1
    }

    func note(_ key: [UInt8], socket: UInt64, generation: UInt32 = 0, listens: Bool = false) {
      let word = UInt64(generation) << 32 | (listens ? 1 << 32 : 0) | 42
      let isStored = maps.flows.store(PacketSelectionTests.bytes(socket) + PacketSelectionTests.bytes(word), at: key)
      #expect(isStored)
    }

    func judge(_ socket: UInt64, _ verdict: Int) {
      let isStored = maps.verdicts.store(
        PacketSelectionTests.bytes(UInt64(verdict)), at: PacketSelectionTests.bytes(socket))
      #expect(isStored)
    }
  }

  /// A packet is unwanted only if both ends are known, and neither is the wanted process.
  @Test(.enabled(if: geteuid() == 0, "only root may load programs"), arguments: [4, 6] as [UInt8])
  func bothEnds(_ version: UInt8) throws {
    let tests = try #require(OwnerTests([.init(.either, Self.curl, isDenied: false)]))
    let kernel = try Kernel()
    let frame = Self.frame(version: version)
    func rejects() throws -> Bool { try kernel.rejects(frame, tests) }
    #expect(try !rejects())
    let (sender, receiver) = (Self.key(40_000, 80, version: version), Self.key(80, 40_000, version: version))
    kernel.note(sender, socket: 1)
    kernel.note(receiver, socket: 2)
    #expect(try !rejects())
    kernel.judge(1, tests.nothingHolds)
    #expect(try !rejects())
    kernel.judge(2, tests.nothingHolds)
    #expect(try rejects())
    // A SYN may be for a different socket than the previous one with these addresses, and so may a segment for a listening socket.
    #expect(try !kernel.rejects(Self.frame(version: version, flags: 2), tests))
    #expect(try kernel.rejects(Self.frame(version: version, flags: 0x12), tests))
    kernel.note(receiver, socket: 2, listens: true)
    #expect(try !rejects())
    kernel.note(receiver, socket: 2)
    kernel.judge(2, 1)
    #expect(try !rejects())
    kernel.judge(2, tests.nothingHolds | 1 << OwnerTests.bornBit)
    #expect(try rejects())
    // Entries of an earlier generation do not count.
    kernel.setGeneration(4)
    #expect(try !rejects())
    kernel.note(sender, socket: 1, generation: 4)
    kernel.note(receiver, socket: 2, generation: 4)
    #expect(try rejects())
    // On the loopback interface, an end without an entry may be any process.
    kernel.note(Self.key(40_000, 81, version: version), socket: 1, generation: 4)
    var other = frame
    other[other.count - 17] = 81
    #expect(try !kernel.rejects(other, tests))
  }

  /// Packets other than complete TCP packets over IP.
  @Test(.enabled(if: geteuid() == 0, "only root may load programs"))
  func otherPackets() throws {
    let tests = try #require(OwnerTests([.init(.either, Self.curl, isDenied: false)]))
    let sending = try #require(OwnerTests([.init(.sender, Self.curl, isDenied: false)]))
    let kernel = try Kernel()
    for proto: UInt8 in [6, 17] {
      kernel.note(Self.key(40_000, 80, proto: proto), socket: 1)
      kernel.note(Self.key(80, 40_000, proto: proto), socket: 2)
    }
    for socket: UInt64 in [1, 2] { kernel.judge(socket, tests.nothingHolds) }
    #expect(try kernel.rejects(Self.frame(), tests))
    // A datagram's receiver is not known yet, but its sender is.
    #expect(try !kernel.rejects(Self.frame(proto: 17), tests))
    #expect(try kernel.rejects(Self.frame(proto: 17), sending))
    for frame in [
      Self.frame(fragment: 0x2000), Self.frame(fragment: 1), Self.frame(proto: 1), Self.frame(type: [0x81, 0]),
      Self.frame(type: [8, 6]), Self.frame(type: [0x86, 0xdd]), Array(Self.frame().prefix(47)),
      Array(Self.frame().prefix(20)),
    ] {
      #expect(try !kernel.rejects(frame, tests))
    }
    var short = Self.frame()
    short[14] = 0x44
    #expect(try !kernel.rejects(short, tests))
  }

  /// `not` drops packets that are known to belong to the process.
  @Test(.enabled(if: geteuid() == 0, "only root may load programs"))
  func denials() throws {
    let tests = try #require(OwnerTests([.init(.either, Self.curl, isDenied: true)]))
    let kernel = try Kernel()
    kernel.note(Self.key(40_000, 80), socket: 1)
    #expect(try !kernel.rejects(Self.frame(), tests))
    kernel.judge(1, tests.nothingHolds)
    #expect(try !kernel.rejects(Self.frame(), tests))
    kernel.judge(1, 1)
    #expect(try kernel.rejects(Self.frame(), tests))
  }
}
