import PacketCore

/// Subtypes of the Multipath TCP option (RFC 8684 section 3).
private enum MultipathSubtype {
  static let capable: UInt8 = 0
  static let join: UInt8 = 1
  static let dataSequence: UInt8 = 2
  static let addAddress: UInt8 = 3
  static let removeAddress: UInt8 = 4
  static let priority: UInt8 = 5
  static let fail: UInt8 = 6
  static let fastClose: UInt8 = 7
  static let reset: UInt8 = 8
}

private let capableFlags: FlagNames = [
  0x80: "A", 0x40: "B", 0x20: "C", 0x10: "D", 0x08: "E", 0x04: "F", 0x02: "G", 0x01: "H",
]
private let resetFlags: FlagNames = [0x08: "U", 0x04: "V", 0x02: "W", 0x01: "T"]
private let resetReasons: ValueNames = [
  0: "Unspecified error", 1: "MPTCP-specific error", 2: "Lack of resources", 3: "Administratively prohibited",
  4: "Too much outstanding data", 5: "Unacceptable performance", 6: "Middlebox interference",
]

/// Flags of the DSS subtype (RFC 8684 section 3.3).
private enum DataSequenceFlags {
  static let hasAck: UInt8 = 0x01
  static let longAck: UInt8 = 0x02
  static let hasMap: UInt8 = 0x04
  static let longSequence: UInt8 = 0x08
  static let fin: UInt8 = 0x10
}

extension Printer {
  /// The value of a Multipath TCP option (RFC 8684), whose `length` includes kind and length; returns the number of bytes read, or nil if
  /// it is malformed. `value` begins at the subtype.
  mutating func printMultipath(_ value: PacketBytes, length: Int, _ flags: UInt16) throws(DecodeError) -> Int? {
    if length < 3 { return nil }
    let octets = length &- 2
    try value.check(0, octets)
    protocolName = "mptcp"
    write(" ", length)
    let first = try value.u8(at: 0)
    let isRight =
      switch first >> 4 {
      case MultipathSubtype.capable: try printCapable(value, length, flags)
      case MultipathSubtype.join: try printJoin(value, length, flags)
      case MultipathSubtype.dataSequence: try printDataSequence(value, length, flags)
      case MultipathSubtype.addAddress: try printAddAddress(value, length)
      case MultipathSubtype.removeAddress: try printRemoveAddress(value, length)
      case MultipathSubtype.priority: try printPriority(value, length)
      case MultipathSubtype.fail: try printFail(value, length)
      case MultipathSubtype.fastClose: try printFastClose(value, length)
      case MultipathSubtype.reset: try printMultipathReset(value, length)
      default: printUnknownSubtype()
      }
    return isRight ? octets : nil
  }

  private mutating func printUnknownSubtype() -> Bool {
    out.write(" unknown")
    return true
  }

  private mutating func writeKey(_ value: PacketBytes, at offset: Int) throws(DecodeError) {
    out.write("0x")
    out.write(hex: try value.u64(at: offset))
  }

  private mutating func printCapable(_ value: PacketBytes, _ length: Int, _ flags: UInt16) throws(DecodeError) -> Bool {
    let isSYN = flags & TCPFlags.syn != 0
    let isACK = flags & TCPFlags.ack != 0
    let version = try value.u8(at: 0) & 15
    out.write(" capable")
    let allowed: Bool =
      switch length {
      case 4, 12: isSYN
      case 20, 22, 24: !isSYN && isACK
      default: false
      }
    guard allowed else { return false }
    if version > 1 {
      write(" Unknown Version (", version)
      out.write(")")
      return true
    }
    write(" v", version)
    let bits = try value.u8(at: 1)
    out.write(" flags [")
    write(capableFlags, bits, separator: "")
    out.write("]")
    if bits & 0x80 != 0 { out.write(" csum") }
    if length == 4 { return true }
    out.write(" {")
    try writeKey(value, at: 2)
    if length > 12 {
      out.write(",")
      try writeKey(value, at: 10)
    }
    if length > 20 {
      out.write(",data_len=")
      out.write(decimal: try value.u16(at: 18))
    }
    if length > 22 {
      out.write(",csum=0x")
      out.write(hex: try value.u16(at: 20))
    }
    out.write("}")
    return true
  }

  private mutating func printJoin(_ value: PacketBytes, _ length: Int, _ flags: UInt16) throws(DecodeError) -> Bool {
    let isSYN = flags & TCPFlags.syn != 0
    let isACK = flags & TCPFlags.ack != 0
    out.write(" join")
    guard (isSYN && (length == 12 || (isACK && length == 16))) || (isACK && length == 24) else { return false }
    if length != 24 {
      if try value.u8(at: 0) & 1 != 0 { out.write(" backup") }
      out.write(" id ")
      out.write(decimal: try value.u8(at: 1))
    }
    switch length {
    case 12:
      out.write(" token 0x")
      out.write(hex: try value.u32(at: 2))
      out.write(" nonce 0x")
      out.write(hex: try value.u32(at: 6))
    case 16:
      out.write(" hmac 0x")
      out.write(hex: try value.u64(at: 2))
      out.write(" nonce 0x")
      out.write(hex: try value.u32(at: 10))
    default:
      out.write(" hmac 0x")
      try writeHexOctets(try value.dropping(2), 20)
    }
    return true
  }

  private mutating func printDataSequence(
    _ value: PacketBytes, _ length: Int, _ flags: UInt16
  ) throws(DecodeError) -> Bool {
    out.write(" dss")
    // The length of the option must match its flags, with or without a checksum; a SYN must not have this option.
    if length < 4 || flags & TCPFlags.syn != 0 { return false }
    let bits = try value.u8(at: 1)
    let end = length &- 2
    if bits & DataSequenceFlags.fin != 0 { out.write(" fin") }
    var offset = 2
    if bits & DataSequenceFlags.hasAck != 0 {
      let isLong = bits & DataSequenceFlags.longAck != 0
      out.write(" ack ")
      if end < offset &+ (isLong ? 8 : 4) { return false }
      offset &+= try writeSequence(value, at: offset, isLong: isLong)
    }
    if bits & DataSequenceFlags.hasMap != 0 {
      let isLong = bits & DataSequenceFlags.longSequence != 0
      out.write(" seq ")
      if end < offset &+ (isLong ? 8 : 4) { return false }
      offset &+= try writeSequence(value, at: offset, isLong: isLong)
      if end < offset &+ 4 { return false }
      out.write(" subseq ")
      out.write(decimal: try value.u32(at: offset))
      if end < offset &+ 6 { return false }
      out.write(" len ")
      out.write(decimal: try value.u16(at: offset &+ 4))
      offset &+= 6
      if end >= offset &+ 2 {
        out.write(" csum 0x")
        out.write(hex: try value.u16(at: offset))
        offset &+= 2
      }
    }
    return offset == end
  }

  private mutating func writeSequence(_ value: PacketBytes, at offset: Int, isLong: Bool) throws(DecodeError) -> Int {
    if isLong {
      out.write(decimal: try value.u64(at: offset))
      return 8
    }
    out.write(decimal: try value.u32(at: offset))
    return 4
  }

  private mutating func printAddAddress(_ value: PacketBytes, _ length: Int) throws(DecodeError) -> Bool {
    out.write(" add-addr")
    let bits = try value.u8(at: 0) & 15
    let isIPv4 = length == 8 || length == 10 || length == 16 || length == 18
    let isIPv6 = length == 20 || length == 22 || length == 28 || length == 30
    guard isIPv4 || isIPv6 else { return false }
    // Version 0 has the version of IP here, version 1 an echo flag.
    switch bits {
    case 0: out.write(" v1")
    case 1: out.write(" v1-echo")
    case 4: out.write(" v0-ip4")
    case 6: out.write(" v0-ip6")
    default: writeFault(" [bad version/echo]")
    }
    out.write(" id ")
    out.write(decimal: try value.u8(at: 1))
    out.write(" ")
    var offset = 2
    if isIPv4 {
      writeHost(try value.ipv4(at: offset))
      offset &+= 4
    } else {
      writeHost(try value.ipv6(at: offset))
      offset &+= 16
    }
    if length == 10 || length == 18 || length == 22 || length == 30 {
      out.write(":")
      out.write(decimal: try value.u16(at: offset))
      offset &+= 2
    }
    if length == 16 || length == 18 || length == 28 || length == 30 {
      out.write(" hmac 0x")
      out.write(hex: try value.u64(at: offset))
    }
    return true
  }

  private mutating func printRemoveAddress(_ value: PacketBytes, _ length: Int) throws(DecodeError) -> Bool {
    out.write(" rem-addr")
    if length < 4 { return false }
    out.write(" id")
    for offset in 1..<(length &- 2) {
      out.write(" ")
      out.write(decimal: try value.u8(at: offset))
    }
    return true
  }

  private mutating func printPriority(_ value: PacketBytes, _ length: Int) throws(DecodeError) -> Bool {
    out.write(" prio")
    guard length == 3 || length == 4 else { return false }
    out.write(try value.u8(at: 0) & 1 != 0 ? " backup" : " non-backup")
    if length == 4 {
      out.write(" id ")
      out.write(decimal: try value.u8(at: 1))
    }
    return true
  }

  private mutating func printFail(_ value: PacketBytes, _ length: Int) throws(DecodeError) -> Bool {
    out.write(" fail")
    guard length == 12 else { return false }
    out.write(" seq ")
    out.write(decimal: try value.u64(at: 2))
    return true
  }

  private mutating func printFastClose(_ value: PacketBytes, _ length: Int) throws(DecodeError) -> Bool {
    out.write(" fast-close")
    guard length == 12 else { return false }
    out.write(" key 0x")
    out.write(hex: try value.u64(at: 2))
    return true
  }

  private mutating func printMultipathReset(_ value: PacketBytes, _ length: Int) throws(DecodeError) -> Bool {
    out.write(" tcprst")
    guard length == 4 else { return false }
    out.write(" flags [")
    write(resetFlags, try value.u8(at: 0) & 15, separator: "")
    out.write("] reason ")
    let reason = try value.u8(at: 1)
    write(resetReasons, reason, unknown: .hex("unknown (0x", ")"))
    return true
  }
}
