import BPF
import PacketCore

/// Finds names for the values of a filter: which header their bytes belong to, given where the headers are for a term and what is known
/// about the packet so far.
struct FieldNamer {
  let values: ValueTable
  /// Where the headers are.
  let layers: LinkLayer
  /// The name of a number that an earlier step stored.
  var kept = FieldName(name: "a place in the packet", isNamed: false)
  /// Values known to have one of these numbers.
  var known: [ValueID: Set<UInt32>] = [:]

  init(_ values: ValueTable, _ layers: LinkLayer) {
    self.values = values
    self.layers = layers
  }

  /// How many values one name may be made of. Values share their operands, so a name may be longer than all of them together.
  private static let mostParts = 64

  // MARK: Names

  /// The name of `value`; parts that would make it too long are left out.
  func name(_ value: ValueID) -> FieldName {
    var parts = Self.mostParts
    return name(value, &parts)
  }

  /// The same, with the number of parts that are left.
  private func name(_ value: ValueID, _ parts: inout Int) -> FieldName {
    guard parts > 0 else { return FieldName(name: "…", isNamed: false) }
    parts -= 1
    switch values[value] {
    case .constant(let number): return FieldName(name: "\(number)", isNamed: false)
    case .packetLength: return FieldName(name: "len")
    case .ancillary(let number):
      return FieldName(name: Ancillary(rawValue: number).map { "[\($0.name)]" } ?? "[ancillary \(number)]")
    case .variable: return kept
    case .negate(let operand): return FieldName(name: "-" + name(operand, &parts).name, isNamed: false)
    case .load(let size, let base, let offset): return field(size, base, offset, &parts)
    case .arithmetic(let operation, let left, let right):
      if case .constant(let number) = values[right], let masked = masked(operation, left, number) { return masked }
      if isHeaderLength(value) { return FieldName(name: "ip header length") }
      let outer = name(left, &parts)
      let operands = [operand(of: operation, left, outer), operand(of: operation, right, name(right, &parts))]
      let form: FieldName.Form
      switch (operation, outer.form) {
      case (.and, .ipv4), (.and, .ipv6), (.and, .mac): form = outer.form
      case (.and, _), (.or, _), (.xor, _): form = .hexadecimal
      default: form = .decimal
      }
      return FieldName(name: operands.joined(separator: " \(operation.sign) "), form: form, isNamed: outer.isNamed)
    }
  }

  /// An operand next to the operator: bit masks in hexadecimal.
  private func operand(of operation: ArithmeticOperation, _ value: ValueID, _ name: FieldName) -> String {
    guard case .constant(let number) = values[value], [.and, .or, .xor].contains(operation) else { return name.name }
    return FieldName.Form.hexadecimal.text(number)
  }

  /// Fields that are only some bits of their bytes.
  private func masked(_ operation: ArithmeticOperation, _ left: ValueID, _ number: UInt32) -> FieldName? {
    guard operation == .and, case .load(let size, let base, let offset) = values[left] else { return nil }
    let atNetwork = distance(base, offset, from: layers.networkHeader)
    switch (size, number) {
    case (.half, 0x1fff) where atNetwork == 6 && network != EtherType.ipv6:
      return FieldName(name: "ip fragment offset")
    case (.byte, 0xf0) where atNetwork == 0 || distance(base, offset, from: layers.payload) == 0:
      return FieldName(name: "ip version", form: .shifted(by: 4))
    case (.half, 0x0fff) where atNetwork == 0: return FieldName(name: "vlan id")
    case (.word, 0xffff_f000) where atNetwork == 0: return FieldName(name: "mpls label", form: .shifted(by: 12))
    case (.byte, 1) where distance(base, offset, from: layers.type) == 2:
      if case .mpls = layers.field { return FieldName(name: "mpls bottom of stack") }
      return nil
    default: return nil
    }
  }

  /// Moves the constants added to the base into the offset.
  private func peeled(_ base: ValueID?, _ offset: UInt32) -> (ValueID?, UInt32) {
    var (base, offset) = (base, offset)
    while let value = base, value != layers.header.base, value != layers.networkHeader.base,
      case .arithmetic(.add, let left, let right) = values[value]
    {
      let (constant, rest) = if case .constant = values[left] { (left, right) } else { (right, left) }
      guard case .constant(let number) = values[constant] else { break }
      let (sum, overflow) = offset.addingReportingOverflow(number)
      if overflow { break }
      (base, offset) = (rest, sum)
    }
    return (base, offset)
  }

  private func field(
    _ size: LoadSize, _ place: ValueID?, _ distance: UInt32, _ parts: inout Int
  ) -> FieldName {
    let (base, offset) = peeled(place, distance)
    if let name = transportField(size, base, offset) { return name }
    if base == layers.type.base, offset == layers.type.offset, let name = typeField(size) { return name }
    if let place = self.distance(base, offset, from: layers.networkHeader), let name = networkField(size, place) {
      return name
    }
    if let place = self.distance(base, offset, from: layers.header), base == layers.header.base {
      if let name = macField(size, place) { return name }
      return Self.accessor("ether", place, size)
    }
    var from = "\(offset)"
    if let base { from = "\(name(base, &parts).name) + \(from)" }
    return FieldName(name: "[\(from)\(size == .byte ? "" : ":\(size.rawValue)")]", isNamed: false)
  }

  private static func accessor(_ proto: String, _ place: UInt32, _ size: LoadSize) -> FieldName {
    FieldName(name: "\(proto)[\(place)\(size == .byte ? "" : ":\(size.rawValue)")]", isNamed: false)
  }

  /// Bytes from `position` to this place; nil if that is unknown.
  private func distance(_ base: ValueID?, _ offset: UInt32, from position: Position) -> UInt32? {
    base == position.base && offset >= position.offset ? offset - position.offset : nil
  }

  // MARK: Headers

  private func typeField(_ size: LoadSize) -> FieldName? {
    switch (layers.field, size) {
    case (.ethernet, .half), (.linuxSLL, .half), (.etherType, .half), (.llc, .half), (.ieee80211, .half),
      (.ciscoHDLC, .half), (.sunATM, .half):
      FieldName(name: "ethertype", form: .etherType)
    case (.addressFamily, .word), (.addressFamilyOctet, .byte), (.solarisFamily, .byte):
      FieldName(name: "address family", form: .addressFamily)
    case (.ppp, .half), (.pppCompressed, .half): FieldName(name: "ppp protocol", form: .pppProtocol)
    default: nil
    }
  }

  private func macField(_ size: LoadSize, _ place: UInt32) -> FieldName? {
    guard case .mac(let source, let destination) = layers.addresses else { return nil }
    for (name, start) in [("ether src", source), ("ether dst", destination)] {
      guard place >= start, place + UInt32(size.rawValue) <= start + 6 else { continue }
      let octets = "\(place - start)" + (size == .byte ? "" : "-\(place - start + UInt32(size.rawValue) - 1)")
      return FieldName(
        name: "\(name) byte\(size == .byte ? "" : "s") \(octets)", form: .mac(octets: Int(size.rawValue)))
    }
    return nil
  }

  private func networkField(_ size: LoadSize, _ place: UInt32) -> FieldName? {
    switch network {
    case EtherType.ipv4:
      switch (place, size) {
      case (9, .byte): return FieldName(name: "ip proto", form: .ipProtocol)
      case (12, .word): return FieldName(name: "ip src", form: .ipv4)
      case (16, .word): return FieldName(name: "ip dst", form: .ipv4)
      case (2, .half): return FieldName(name: "ip length")
      case (8, .byte): return FieldName(name: "ip ttl")
      case (6, .half): return FieldName(name: "ip fragment bits", form: .hexadecimal)
      default: return Self.accessor("ip", place, size)
      }
    case EtherType.ipv6:
      switch (place, size) {
      case (6, .byte): return FieldName(name: "ip6 proto", form: .ipProtocol)
      case (8..<24, .word), (24..<40, .word):
        let start: UInt32 = place < 24 ? 8 : 24
        return FieldName(
          name: "ip6 \(place < 24 ? "src" : "dst") bytes \(place - start)-\(place - start + 3)", form: .ipv6)
      case (40..., _):
        if place == 40, size == .byte, transports == [44] {
          return FieldName(name: "ip6 proto after the fragment header", form: .ipProtocol)
        }
        return transportField(size, place - 40)
      default: return Self.accessor("ip6", place, size)
      }
    case EtherType.arp, EtherType.reverseARP:
      let name = network == EtherType.arp ? "arp" : "rarp"
      switch (place, size) {
      case (14, .word): return FieldName(name: "\(name) sender", form: .ipv4)
      case (24, .word): return FieldName(name: "\(name) target", form: .ipv4)
      case (6, .half): return FieldName(name: "\(name) operation")
      default: return Self.accessor(name, place, size)
      }
    default: return nil
    }
  }

  /// A field after an IPv4 header, if the base is that header's length.
  private func transportField(_ size: LoadSize, _ base: ValueID?, _ offset: UInt32) -> FieldName? {
    guard let base else { return nil }
    if isHeaderLength(base), offset >= layers.networkHeader.offset {
      return transportField(size, offset - layers.networkHeader.offset)
    }
    return nil
  }

  private func transportField(_ size: LoadSize, _ place: UInt32) -> FieldName {
    let names = transports.compactMap { Self.transports[$0] }.sorted()
    let hasPorts = !transports.isEmpty && transports.isSubset(of: [6, 17, 132])
    let proto = names.count == 1 ? names[0] : ""
    switch (place, size) {
    case (0, .half) where hasPorts: return FieldName(name: proto.isEmpty ? "src port" : "\(proto) src port")
    case (2, .half) where hasPorts: return FieldName(name: proto.isEmpty ? "dst port" : "\(proto) dst port")
    case (13, .byte) where proto == "tcp": return FieldName(name: "tcp flags", form: .hexadecimal)
    case (0, .byte) where proto.hasPrefix("icmp"): return FieldName(name: "\(proto) type")
    case (1, .byte) where proto.hasPrefix("icmp"): return FieldName(name: "\(proto) code")
    default: return Self.accessor(proto.isEmpty ? "payload" : proto, place, size)
    }
  }

  private static let transports: [UInt32: String] = [
    1: "icmp", 2: "igmp", 6: "tcp", 9: "igrp", 17: "udp", 50: "esp", 51: "ah", 58: "icmp6", 103: "pim", 112: "vrrp",
    132: "sctp",
  ]

  // MARK: What is known

  /// The network-layer protocol that the packet is known to carry, as an EtherType.
  private var network: UInt32? {
    if case .always(let type) = layers.field { return type }
    let header = layers.networkHeader
    for (value, numbers) in known {
      switch values[value] {
      case .load(_, layers.type.base, layers.type.offset):
        let types = Set(numbers.map { networkType($0) })
        if types.count == 1, let type = types.first { return type }
      case .arithmetic(.and, let octet, let mask):
        guard values[mask] == .constant(0xf0), case .load(.byte, let base, let offset) = values[octet],
          numbers.count == 1, let version = numbers.first,
          base == header.base && offset == header.offset || base == layers.payload.base && offset == 0
        else { continue }
        if version == 0x40 { return EtherType.ipv4 }
        if version == 0x60 { return EtherType.ipv6 }
      default: continue
      }
    }
    return nil
  }

  /// The EtherType that a number in the type field stands for.
  private func networkType(_ number: UInt32) -> UInt32 {
    switch layers.field {
    case .addressFamily, .addressFamilyOctet, .solarisFamily:
      switch min(number, number.byteSwapped) {
      case 2: EtherType.ipv4
      case 10, 24, 26, 28, 30: EtherType.ipv6
      default: 0
      }
    case .ppp, .pppCompressed:
      switch number {
      case PPPProtocol.ipv4, PPPProtocol.compressedTCP, PPPProtocol.uncompressed: EtherType.ipv4
      case PPPProtocol.ipv6: EtherType.ipv6
      default: 0
      }
    default: number
    }
  }

  /// The transport protocols that the packet may carry according to what is known.
  private var transports: Set<UInt32> {
    let place: UInt32
    switch network {
    case EtherType.ipv4: place = 9
    case EtherType.ipv6: place = 6
    default: return []
    }
    for (value, numbers) in known {
      guard case .load(.byte, let base, let offset) = values[value],
        distance(base, offset, from: layers.networkHeader) == place
      else { continue }
      return numbers
    }
    return []
  }

  /// True for `4 * (ip[0] & 15)`, and for the same plus the start of the header.
  private func isHeaderLength(_ value: ValueID) -> Bool {
    let header = layers.networkHeader
    switch values[value] {
    case .arithmetic(.shiftLeft, let masked, let shift):
      guard values[shift] == .constant(2), case .arithmetic(.and, let octet, let mask) = values[masked],
        values[mask] == .constant(15)
      else { return false }
      return values[octet] == .load(.byte, base: header.base, offset: header.offset)
    case .arithmetic(.add, let length, let base): return base == header.base && isHeaderLength(length)
    default: return false
    }
  }

  /// Records the outcome of a comparison.
  mutating func assume(_ comparison: Comparison, _ outcome: Bool) {
    guard comparison.relation == .equal, case .constant(let number) = values[comparison.right] else { return }
    if outcome {
      known[comparison.left] = [number]
    } else {
      known[comparison.left]?.remove(number)
    }
  }
}

extension ArithmeticOperation {
  /// The operator's sign in an expression.
  var sign: String {
    switch self {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .modulo: "%"
    case .and: "&"
    case .or: "|"
    case .xor: "^"
    case .shiftLeft: "<<"
    case .shiftRight: ">>"
    }
  }
}
