/// Metadata that Linux offers to filters in the kernel, read by an absolute load whose offset is `SKF_AD_OFF` plus the raw value
/// (`linux/filter.h`). Outside the kernel such a load is past the end of every packet, and rejects it.
public enum Ancillary: UInt32, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  case proto = 0
  case type = 4
  case ifidx = 8
  case nla = 12
  case nlan = 16
  case mark = 20
  case queue = 24
  case hatype = 28
  case rxhash = 32
  case cpu = 36
  /// Not a load: A becomes A xor X.
  case xor_x = 40
  case vlan_tci = 44
  case vlanp = 48
  case poff = 52
  case random = 56
  case vlan_tpid = 60

  /// `SKF_AD_OFF`: the first offset that is not an offset in a packet.
  public static let base: UInt32 = 0xffff_f000

  /// What an absolute load at `offset` reads; nil if that is an offset in the packet, or unknown to Linux.
  public init?(offset: UInt32) {
    guard offset >= Self.base else { return nil }
    self.init(rawValue: offset &- Self.base)
  }

  /// The offset of the absolute load that reads it.
  public var offset: UInt32 { Self.base &+ rawValue }

  /// What the instruction loads, if it is an absolute load of ancillary data; nil for other instructions.
  public init?(_ instruction: Instruction) {
    guard instruction.opcode?.facts.operand == .absolute else { return nil }
    self.init(offset: instruction.k)
  }

  /// The word that `tcpdump -d` writes between the brackets.
  public var name: StaticString {
    switch self {
    case .proto: "proto"
    case .type: "type"
    case .ifidx: "ifidx"
    case .nla: "nla"
    case .nlan: "nlan"
    case .mark: "mark"
    case .queue: "queue"
    case .hatype: "hatype"
    case .rxhash: "rxhash"
    case .cpu: "cpu"
    case .xor_x: "xor_x"
    case .vlan_tci: "vlan_tci"
    case .vlanp: "vlanp"
    case .poff: "poff"
    case .random: "random"
    case .vlan_tpid: "vlan_tpid"
    }
  }
}
