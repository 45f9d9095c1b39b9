import EBPF

/// The programs that record in the kernel which process owns a socket, and report to this process each new pair of addresses that the
/// socket is used with. They are written in the syntax of `EBPFAssembler`.
///
/// Every socket has 56 bytes of memory (`store`), which an accepted socket inherits from its listener:
///
///      0  network namespace (its cookie)
///      8  process, thread
///     16  user, bits of the directions that need no event any more (below the number of the generation of which that is true)
///     24  control group
///     32  name of the process, 16 bytes
///     48  lower half of the cookie of the socket of which `verdicts` has the owner; 1 where the connection began during the capture
///
/// An event (`SocketEvent`) is 104 bytes. From 16 on it has the key of `flows`, of 48 bytes, and from 56 on the first 48 bytes of `store`:
///
///      0  time since the start of the system, in nanoseconds
///      8  socket (its cookie)
///     16  local address, and from 32 on the remote one, 16 bytes each
///     48  local port, remote port; protocol, IP version, two bytes of zeros
///     56  as `store`, but with a direction instead of the bits
///
/// Addresses and ports are in network byte order. For ICMP, the identifier and the type are stored instead of ports.
struct OwnershipPrograms {
  /// The descriptors of the maps.
  let store: CInt
  let flows: CInt
  let events: CInt
  let counters: CInt
  /// True if the kernel provides the names of processes, which requires CAP_PERFMON.
  let isNaming: Bool
  /// True if the kernel gives the packet programs the network namespace of a socket, as Linux 6.15 and later do. `judgement` requires it.
  let isPlacing: Bool
  /// What the kernel has to decide about owners by itself; nil if it only reports.
  var judgement: Judgement?

  /// How the kernel decides about the owners of sockets, so that it can drop packets before they are captured (`PacketSelection`).
  struct Judgement {
    /// The descriptor of the map from the cookies of sockets to verdicts (`OwnerTests`).
    let verdicts: CInt
    /// The descriptor of the map whose keys are the addresses used by sockets of other network namespaces, 16 bytes each.
    let others: CInt
    /// The cookie of the network namespace in which packets are captured.
    let namespace: UInt64
    let criterion: Criterion

    enum Criterion {
      /// Tests of the filter. A verdict is stored whenever a process has taken over a socket.
      case tests(OwnerTests)
      /// The socket was made in the control group with this number, directly below the root, or below that group. Other sockets are not
      /// reported, and their verdict is `unwanted`.
      case group(UInt64, unwanted: Int)
    }
  }

  /// The counters: events that found no room; and four times the number of the generation, which grows when the process that reads events
  /// has forgotten some of them: they are then reported again.
  static let lossCounter = 0
  static let generationCounter = 1
  /// Nonzero once more addresses of other network namespaces were used than the map can hold.
  static let excessCounter = 2
  static let counterCount = 3

  static let storeSize = 56
  static let flowKeySize = 48
  static let flowValueSize = 16
  static let eventSize = 104

  /// The direction of the packets that a program sees.
  enum Direction: Int {
    case egress = 1
    case ingress = 2
  }

  /// Helpers of the kernel (bpf-helpers(7)).
  enum Helper {
    static let lookUp = 1
    static let update = 2
    static let delete = 3
    static let time = 5
    static let process = 14
    static let user = 15
    static let name = 16
    static let loadBytes = 26
    static let socketCookie = 46
    static let controlGroup = 80
    static let fullSocket = 95
    static let socketStorage = 107
    static let namespaceCookie = 122
    static let socketGroup = 129
    static let output = 130
  }

  // MARK: Parts

  /// Makes the running process the owner in the storage at r7; the context of the program is in r6.
  private var takeOver: String {
    """
      call \(Helper.process)
      *(u32 *)(r7 + 12) = r0
      r0 >>= 32
      *(u32 *)(r7 + 8) = r0
      call \(Helper.user)
      *(u32 *)(r7 + 16) = r0
      *(u32 *)(r7 + 20) = 0
      call \(Helper.controlGroup)
      *(u64 *)(r7 + 24) = r0
    \(isNaming ? takeName : "")
    """
  }

  private let takeName = """
      r1 = r7
      r1 += 32
      r2 = 16
      call \(Helper.name)

    """

  /// Records the network namespace of the context in r6.
  let noteNamespace = """
      r1 = r6
      call \(Helper.namespaceCookie)
      *(u64 *)(r7 + 0) = r0

    """

  /// Sets r7 to the storage of the socket in r2, and jumps to `label` if there is none.
  func storage(makes: Bool, orGoto label: String) -> String {
    """
      r1 = map[fd:\(store)]
      r3 = 0
      r4 = \(makes ? 1 : 0)
      call \(Helper.socketStorage)
      if r0 == 0 goto \(label)
      r7 = r0

    """
  }

  /// Sets r0 to the address of a counter, and jumps to `label` if there is none.
  func counter(_ number: Int, orGoto label: String) -> String {
    """
      *(u32 *)(r10 - 192) = \(number)
    \(MapCalls.lookUp(counters, key: -192))
      if r0 == 0 goto \(label)

    """
  }

  private func ending(_ result: Int) -> String {
    """
    done:
      r0 = \(result)
      exit

    """
  }

  // MARK: Programs

  /// A socket is created: it belongs to the process that creates it.
  var creation: String {
    "r6 = r1\nr2 = r1\n" + storage(makes: true, orGoto: "done") + noteNamespace + takeOver + noteBirth + ending(1)
  }

  /// A socket is connected: what was recorded about its packets is no longer valid.
  var connection: String {
    "r6 = r1\nr2 = *(u64 *)(r6 + 64)\n" + storage(makes: true, orGoto: "done") + noteNamespace + takeOver + noteBirth
      + withdrawal + ending(1)
  }

  /// A socket is used with an address: it belongs to the process that uses it.
  var use: String {
    "r6 = r1\nr2 = *(u64 *)(r6 + 64)\n" + storage(makes: true, orGoto: "done") + leaveOwn(to: "done") + noteNamespace
      + takeOver + withdrawal + ending(1)
  }

  /// A socket has sent or received: it belongs to the process that did so. Only this program notices a socket that was handed over
  /// silently.
  var transfer: String {
    """
      r6 = r1
      r1 = *(u64 *)(r6 + 8)
      if w1 s< 0 goto done
      r6 = *(u64 *)(r6 + 0)
      r2 = r6

    """ + storage(makes: false, orGoto: "done") + leaveOwn(to: tests == nil ? "done" : "own") + takeOver + verdict
      + ending(0)
  }

  /// Jumps to `label` if the running process already owns the storage at r7.
  private func leaveOwn(to label: String) -> String {
    """
      call \(Helper.process)
      r0 >>= 32
      r1 = *(u32 *)(r7 + 8)
      if r1 == r0 goto \(label)

    """
  }

  var tests: OwnerTests? { if case .tests(let tests) = judgement?.criterion { tests } else { nil } }
}
