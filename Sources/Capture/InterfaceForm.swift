import Glibc
import PacketCore

/// How the packets of an interface begin when a packet socket delivers them.
struct InterfaceForm: Equatable {
  /// What is in front of the network header.
  enum Header {
    /// What the driver has put there, perhaps nothing.
    case frame
    /// An Ethernet header, from which the kernel takes a VLAN tag.
    case ethernet
    /// Nothing: the ring puts a cooked header of 16 bytes there (LINKTYPE_LINUX_SLL).
    case cooked
    /// Nothing: the ring puts a cooked header of 20 bytes there (LINKTYPE_LINUX_SLL2).
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

  /// The form on all interfaces.
  static let any = InterfaceForm(linkType: .linuxSLL2, header: .cookedWithInterface)
  private static let ethernet = InterfaceForm(linkType: .ethernet, header: .ethernet)
  private static let cooked = InterfaceForm(linkType: .linuxSLL, header: .cooked)

  /// Kinds of hardware (net/if_arp.h) whose packets begin with the network header: SLIP and its relatives, DLCI, raw HDLC, IP in IP, SIT
  /// (IPv6 in IPv4), and devices without a link layer, such as tun and WireGuard.
  private static let raw: Set<UInt16> = [15, 256, 257, 258, 259, 264, 518, 768, 776, 0xfffe]
  /// Kinds of hardware whose frames libpcap delivers as they are: Cisco HDLC, and IEEE 802.11 bare, with Prism and with radiotap headers.
  private static let frames: [UInt16: LinkType] = [513: .ciscoHDLC, 801: .ieee80211, 802: .prism, 803: .radiotap]
  /// Kinds of hardware that only libpcap serves, since it changes their packets or chooses among link types: AX.25, Token Ring, ARCNET,
  /// FireWire, CAN, Frame Relay, LocalTalk, FDDI, IrDA, Fibre Channel, IEEE 802.15.4, netlink, vsock and others.
  private static let reserved: Set<UInt16> = [
    2, 3, 4, 5, 6, 7, 19, 24, 280, 770, 773, 774, 783, 784, 785, 786, 787, 800, 804, 805, 820, 824, 826,
  ]

  private init(linkType: LinkType, header: Header) {
    self.linkType = linkType
    self.header = header
  }

  /// The form on an interface, `any` for all; nil where libpcap alone may know one, and where there is no such interface. No privilege is
  /// needed. `wanted` is the link type that is requested; nil for the interface's own.
  init?(_ device: String, _ query: InterfaceQuery, wanted: LinkType? = nil) {
    var form = Self.any
    if device == "any" {
      if wanted == .linuxSLL { form = Self.cooked }
    } else {
      guard let hardware = query.hardware(device) else { return nil }
      switch hardware {
      case PacketSocket.ethernet, PacketSocket.loopback:
        // Frames of a switch begin with its own tag.
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
