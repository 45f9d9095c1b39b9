import Glibc
import Testing

@testable import Sandbox

/// Which descriptors are open, and which of these are packet sockets.
@Suite struct OpenDescriptorsTests {
  @Test func highNumbersAreFound() throws {
    let file = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    let high = fcntl(file, F_DUPFD_CLOEXEC, 700)
    try #require(file >= 0 && high >= 700)
    defer { for descriptor in [file, high] { close(descriptor) } }
    let all = OpenDescriptors.all()
    #expect(all.contains(file) && all.contains(high) && all == all.sorted())
    #expect(all.allSatisfy { fcntl($0, F_GETFD) >= 0 || $0 > STDERR_FILENO })
  }

  @Test(.enabled(if: geteuid() == 0, "packet sockets are root's")) func packetSocketsAreFound() throws {
    let socket = socket(AF_PACKET, CInt(SOCK_RAW.rawValue), 0)
    let high = fcntl(socket, F_DUPFD_CLOEXEC, 900)
    let other = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
    try #require(socket >= 0 && high >= 900 && other >= 0)
    defer { for descriptor in [socket, high, other] { close(descriptor) } }
    let found = OpenDescriptors.packetSockets()
    #expect(found.contains(socket) && found.contains(high) && !found.contains(other))
  }
}
