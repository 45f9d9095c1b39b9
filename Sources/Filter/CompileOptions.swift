import BPF
public import Names
public import PacketCore

/// Where a compiled filter will run, which decides what it may load and in which byte order some link types store a number.
public enum FilterTarget: Hashable, Sendable {
  /// Packets of this host, filtered by apus itself: numbers in this host's byte order, no ancillary loads.
  case machine
  /// Packets of a savefile; `byteSwapped` where its headers have the opposite byte order to this host's.
  case savefile(byteSwapped: Bool)
  /// The Linux kernel, live: VLAN tags and direction come from ancillary loads.
  case linuxKernel
}

/// How the payload of an IEEE 802.11 frame is found.
public enum IEEE80211Layout: Hashable, Sendable {
  /// As the frame's header says (IEEE 802.11 section 9.3.2.1): with its fourth address, QoS control and HT control, and the pad that
  /// radiotap reports. A protected frame, and one without data, has no payload.
  case standard
  /// As libpcap does it: 24 bytes, two more with QoS control; radiotap's pad counts from the packet's first byte.
  case libpcap
}

/// What is known about a packet besides its bytes. Other targets cannot load it.
public struct PacketMetadata: Hashable, Sendable {
  /// True if this host sent the packet.
  public var isOutgoing: Bool
  /// The number of the interface the packet was captured on; nil if unknown.
  public var interfaceIndex: UInt32?

  public init(isOutgoing: Bool, interfaceIndex: UInt32?) {
    self.isOutgoing = isOutgoing
    self.interfaceIndex = interfaceIndex
  }
}

/// Everything besides the expression that decides what program is generated.
public struct CompileOptions: Sendable {
  /// The link type of the packets: what they begin with.
  public var linkType: LinkType
  /// What an accepting program returns: the number of bytes of the packet to keep.
  public var snaplen: UInt32
  /// Netmask of the network the capture is on, for `ip broadcast`; nil if it is not known.
  public var netmask: UInt32?
  /// False to leave the program as it was lowered.
  public var optimize: Bool
  public var target: FilterTarget
  /// Where the payload of IEEE 802.11 frames begins.
  public var ieee80211Layout = IEEE80211Layout.standard
  /// The metadata of the packets to filter: where the packet itself does not hold the answer, `inbound`, `outbound` and `ifindex` become
  /// constants. Nil if it is not known at compile time.
  public var metadata: PacketMetadata?
  /// Turns names into numbers.
  public var names: any NameResolver
  /// True once the program is no longer wanted: compilation then stops soon with `FilterError.cancelled`.
  public var isCancelled: @Sendable () -> Bool = { false }
  /// The most blocks an expression may be lowered to before optimisation; a program cannot have more instructions than this.
  var maximumBlocks = Program.maximumCount

  public init(
    linkType: LinkType, snaplen: UInt32 = 262_144, netmask: UInt32? = nil, optimize: Bool = true,
    target: FilterTarget = .machine, names: any NameResolver = LocalNames()
  ) {
    self.linkType = linkType
    self.snaplen = snaplen
    self.netmask = netmask
    self.optimize = optimize
    self.target = target
    self.names = names
  }
}
