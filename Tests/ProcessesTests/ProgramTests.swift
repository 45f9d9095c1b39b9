import EBPF
import Glibc
import PacketCore
import Testing

@testable import Processes

/// The eBPF programs in the kernel, and the events that they report.
@Suite struct OwnershipProgramTests {
  private let programs = OwnershipPrograms(store: 3, flows: 4, events: 5, counters: 6, isNaming: true, isPlacing: true)

  @Test func assembles() throws {
    let texts = [
      programs.creation, programs.connection, programs.use, programs.transfer, programs.packet(.egress),
      programs.packet(.ingress),
    ]
    for text in texts { _ = try EBPFAssembler.assemble(text) }
  }

  @Test(.enabled(if: geteuid() == 0, "only root may attach programs"))
  func theVerifierTakesThem() {
    let tracker = ProcessTracker()
    #expect(tracker.facilities.refusal == nil)
    #expect(tracker.facilities.shortfall == nil)
    #expect(ProcessTracker.availability == "processes: followed by eBPF in control groups and tracepoints")
  }

  private static let addresses4 = SocketAddresses(
    version: 4, proto: 17, local: 0xc000_0201, remote: 0xc000_0202, localPort: 40_000, remotePort: 53)

  private static func record(version: UInt8, process: UInt32) -> [UInt8] {
    func little(_ number: some FixedWidthInteger, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    let padding = [UInt8](repeating: 0, count: 12)
    return little(123_456_789, 8) + little(77, 8) + [192, 0, 2, 1] + padding + [192, 0, 2, 2] + padding
      + [0x9c, 0x40, 0, 53, 17, version, 0, 0] + little(9, 8) + little(process, 4) + little(43, 4) + little(1000, 4)
      + little(1, 4) + little(5, 8) + Array("curl\0junk\0\0\0\0\0\0\0".utf8)
  }

  @Test func readsEvents() throws {
    let known = Self.record(version: 4, process: 42)
    let event = try #require(SocketEvent(unsafe known.span.bytes) { $0 == 5 ? ControlGroup("/user.slice") : nil })
    #expect(
      event
        == SocketEvent(
          time: 123_456_789, cookie: 77, addresses: Self.addresses4, namespace: 9,
          owner: ProcessOwner(
            process: 42, thread: 43, user: 1000, controlGroup: ControlGroup("/user.slice"),
            name: ProcessName("curl".utf8),
            evidence: .event)))
    let old = Self.record(version: 4, process: 0)
    #expect(try #require(SocketEvent(unsafe old.span.bytes) { _ in nil }).owner == nil)
    let short = Array(known.dropLast())
    #expect(SocketEvent(unsafe short.span.bytes) { _ in nil } == nil)
  }
}

/// Container identifiers in the paths of control groups.
@Suite struct ContainerIdentifierTests {
  private static let digits = String(repeating: "0123456789abcdef", count: 4)

  @Test func isFoundInThePathsOfRuntimes() {
    let digits = Self.digits
    let paths = [
      "/docker/\(digits)", "/system.slice/docker-\(digits).scope", "/machine.slice/libpod-\(digits).scope/container",
      "/kubepods.slice/kubepods-burstable.slice/cri-containerd-\(digits).scope",
      "/kubepods/besteffort/pod1b2c3d4e-0000-0000-0000-000000000000/\(digits)",
    ]
    for path in paths { #expect(ContainerIdentifier.find(in: path) == digits, "\(path)") }
    for path in ["/", "", "/user.slice", "/docker/\(digits.dropLast())", "/docker/\(digits)0"] {
      #expect(ContainerIdentifier.find(in: path) == nil, "\(path)")
    }
  }
}
