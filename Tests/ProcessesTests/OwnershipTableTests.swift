import PacketCore
import Testing

@testable import Processes

/// Which process owned a socket at which time.
@Suite struct OwnershipTableTests {
  private static let addresses = SocketAddresses(
    version: 4, proto: 6, local: 0xc000_0201, remote: 0xc000_0202, localPort: 40_000, remotePort: 80)

  private static func owner(_ process: UInt32) -> ProcessOwner {
    ProcessOwner(
      process: process, thread: process, user: 0, controlGroup: nil, name: ProcessName("test".utf8), evidence: .event)
  }

  private static func event(
    _ process: UInt32?, at time: UInt64, in namespace: UInt64 = 1, _ addresses: SocketAddresses = addresses
  ) -> SocketEvent {
    SocketEvent(time: time, addresses: addresses, namespace: namespace, owner: process.map { owner($0) })
  }

  @Test func answersAsOfTheTimeOfThePacket() {
    var table = OwnershipTable()
    // Events may arrive in a different order than they happened.
    table.add(Self.event(2, at: 2_000_000))
    table.add(Self.event(1, at: 1_000_000))
    table.add(Self.event(3, at: 3_000_000))
    let cases: [(time: UInt64, process: UInt32)] = [
      // A time before the first event gives the first owner. The kernel may report an owner up to 100 µs after the packet.
      (0, 1), (1_000_000, 1), (1_899_999, 1), (1_900_000, 2), (2_500_000, 2), (2_900_000, 3), (9_000_000, 3),
    ]
    for (time, process) in cases {
      #expect(table.owner(of: Self.addresses, at: time, in: 1)?.process == process, "at \(time)")
    }
    var others = Self.addresses
    others.localPort = 40_001
    #expect(table.owner(of: others, at: 1_000_000, in: 1) == nil)
  }

  @Test func aSocketOfTheKernelHidesWhatWasBefore() {
    var table = OwnershipTable()
    table.add(Self.event(1, at: 1_000_000))
    table.add(Self.event(nil, at: 2_000_000))
    #expect(table.owner(of: Self.addresses, at: 1_000_000, in: 1)?.process == 1)
    #expect(table.owner(of: Self.addresses, at: 3_000_000, in: 1) == nil)
  }

  @Test func theOwnNamespaceComesFirst() {
    var table = OwnershipTable()
    table.add(Self.event(1, at: 1_000_000, in: 1))
    table.add(Self.event(2, at: 2_000_000, in: 2))
    #expect(table.owner(of: Self.addresses, at: 3_000_000, in: 1)?.process == 1)
    #expect(table.owner(of: Self.addresses, at: 3_000_000, in: 2)?.process == 2)
    // The addresses may be those of a host elsewhere.
    #expect(table.owner(of: Self.addresses, at: 3_000_000, in: 3)?.process == 2)
  }

  @Test func loopbackAddressesDoNotLeaveTheirNamespace() {
    for (version, address) in [(UInt8(4), UInt128(0x7f00_0001)), (6, 1)] {
      var addresses = Self.addresses
      (addresses.version, addresses.local, addresses.remote) = (version, address, address)
      var table = OwnershipTable()
      table.add(Self.event(1, at: 1, in: 2, addresses))
      #expect(table.owner(of: addresses, at: 1, in: 1) == nil)
      #expect(table.owner(of: addresses, at: 1, in: 2)?.process == 1)
    }
  }

  @Test func staysBelowItsCapacityAndKeepsWhatIsUsed() {
    var table = OwnershipTable(capacity: 1000)
    table.add(Self.event(7, at: 0))
    for number in 0..<10_000 {
      var addresses = Self.addresses
      addresses.remote = UInt128(number)
      table.add(Self.event(1, at: UInt64(number), in: 1, addresses))
      #expect(table.count <= 1001)
      if number % 100 == 0 { #expect(table.owner(of: Self.addresses, at: 1, in: 1)?.process == 7) }
    }
    #expect(table.dropped > 8_000)
    #expect(table.generation >= 18)
    var oldest = Self.addresses
    oldest.remote = 0
    #expect(table.owner(of: oldest, at: 1, in: 1) == nil)
  }

  @Test func keepsFewOwnersOfTheSameAddresses() {
    var table = OwnershipTable()
    for process in 1...UInt32(100) { table.add(Self.event(process, at: UInt64(process) * 1_000_000)) }
    #expect(table.owner(of: Self.addresses, at: 0, in: 1)?.process == 93)
    #expect(table.owner(of: Self.addresses, at: .max - 1_000_000, in: 1)?.process == 100)
  }
}
