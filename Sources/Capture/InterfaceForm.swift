import Glibc
import PacketCore

/// How the packets of an interface begin when they come from a packet socket.
struct InterfaceForm: Equatable {
  /// The header in front of the network header.
  enum Header {
    /// Whatever the driver has put there, possibly nothing.
    case frame
    /// An Ethernet header, from which the kernel removes a VLAN tag.
    case ethernet
    /// None: the ring inserts a cooked header of 16 bytes (LINKTYPE_LINUX_SLL).
    case cooked
    /// None: the ring inserts a cooked header of 20 bytes (LINKTYPE_LINUX_SLL2).
    case cookedWithInterface
  }

  let linkType: LinkType
  let header: Header

  /// The socket delivers packets without their link-layer header.
  var isCooked: Bool { header == .cooked || header == .cookedWithInterface }

  /// Bytes of the cooked header.
  var cookedLength: Int {
    switch header {
    case .frame, .ethernet: 0
    case .cooked: 16
    case .cookedWithInterface: 20
    }
  }

  /// The form on `any`, that is on all interfaces.
  static let any = InterfaceForm(linkType: .linuxSLL2, header: .cookedWithInterface)
  private static let ethernet = InterfaceForm(linkType: .ethernet, header: .ethernet)
  private static let cooked = InterfaceForm(linkType: .linuxSLL, header: .cooked)

  /// Hardware types (net/if_arp.h) whose packets begin with the network header: SLIP and its relatives, DLCI, raw HDLC, IP in IP, SIT (IPv6
  /// in IPv4), and devices without a link layer, such as tun and WireGuard.
  private static let raw: Set<UInt16> = [15, 256, 257, 258, 259, 264, 518, 768, 776, 0xfffe]
  /// Hardware types whose frames libpcap delivers unchanged: Cisco HDLC, and IEEE 802.11 without, with Prism and with radiotap headers.
  private static let frames: [UInt16: LinkType] = [513: .ciscoHDLC, 801: .ieee80211, 802: .prism, 803: .radiotap]
  /// Hardware types that are left to libpcap, since it changes their packets or chooses among link types: AX.25, Token Ring, ARCNET,
  /// FireWire, CAN, Frame Relay, LocalTalk, FDDI, IrDA, Fibre Channel, IEEE 802.15.4, netlink, vsock and others.
  private static let reserved: Set<UInt16> = [
    2, 3, 4, 5, 6, 7, 19, 24, 280, 770, 773, 774, 783, 784, 785, 786, 787, 800, 804, 805, 820, 824, 826,
  ]

  private init(linkType: LinkType, header: Header) {
    self.linkType = linkType
    self.header = header
  }

  /// The form on an interface, `any` for all; nil if it must be left to libpcap, or if there is no such interface. No privilege is needed.
  /// `wanted` is the requested link type; nil for the interface's own.
  init?(_ device: String, _ query: InterfaceQuery, wanted: LinkType? = nil) {
    var form = Self.any
    if device == "any" {
      if wanted == .linuxSLL { form = Self.cooked }
    } else {
      guard let hardware = query.hardware(device) else { return nil }
      switch hardware {
      case PacketSocket.ethernet, PacketSocket.loopback:
        // Frames of a switch (DSA) begin with its own tag.
        guard unsafe access("/sys/class/net/\(device)/dsa", F_OK) != 0 else { return nil }
        form = Self.ethernet
      case _ where Self.raw.contains(hardware): form = InterfaceForm(linkType: .raw, header: .frame)
      case _ where Self.reserved.contains(hardware): return nil
      default: form = Self.frames[hardware].map { InterfaceForm(linkType: $0, header: .frame) } ?? Self.cooked
      }
    }
    guard wanted == nil || wanted == form.linkType else { return nil }
    self = form
  }
}
