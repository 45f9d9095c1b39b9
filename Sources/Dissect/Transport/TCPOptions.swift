import PacketCore

/// Option kinds of TCP (IANA "TCP Option Kind Numbers").
private enum TCPOption {
  static let end: UInt8 = 0
  static let noOperation: UInt8 = 1
  static let maximumSegmentSize: UInt8 = 2
  static let windowScale: UInt8 = 3
  static let sackPermitted: UInt8 = 4
  static let sack: UInt8 = 5
  static let echo: UInt8 = 6
  static let echoReply: UInt8 = 7
  static let timestamps: UInt8 = 8
  static let connectionCount: UInt8 = 11
  static let connectionCountNew: UInt8 = 12
  static let connectionCountEcho: UInt8 = 13
  static let md5Signature: UInt8 = 19
  static let scps: UInt8 = 20
  static let userTimeout: UInt8 = 28
  static let authentication: UInt8 = 29
  static let multipath: UInt8 = 30
  static let fastOpen: UInt8 = 34
  static let experiment2: UInt8 = 254

  static let names: ValueNames = [
    0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 6: "echo", 7: "echoreply", 8: "TS", 11: "cc",
    12: "ccnew", 13: "ccecho", 19: "md5", 20: "scps", 28: "uto", 29: "tcp-ao", 30: "mptcp", 34: "tfo", 254: "exp",
  ]

  /// The experiment identifier of TCP Fast Open (RFC 7413 section 4.1.1).
  static let fastOpenExperiment: UInt16 = 0xf989
}

extension Printer {
  /// Prints the options of a segment, in brackets; false if one of them is malformed and the rest of the segment is not printed.
  mutating func printTCPOptions(
    _ bytes: PacketBytes, length: Int, _ numbers: TCPSequence, _ flags: UInt16
  ) throws(DecodeError) -> Bool {
    out.write(", options [")
    if writesFields { fields.beginArray("options") }
    var offset = 0
    while offset < length {
      if offset > 0 { out.write(byte: UInt8(ascii: ",")) }
      let kind = try bytes.u8(at: offset)
      if writesFields {
        fields.beginObject()
        fields.write("kind", kind)
        if kind <= TCPOption.noOperation { fields.end() }
      }
      if kind == TCPOption.noOperation {
        out.write("nop")
        offset &+= 1
        continue
      }
      if kind == TCPOption.end {
        out.write("eol")
        break
      }
      let optionLength = Int(try bytes.u8(at: offset &+ 1))
      guard optionLength >= 2, optionLength <= length &- offset else {
        writeBadOption(isFirst: offset == 0)
        return false
      }
      write(TCPOption.names, kind, unknown: .decimal("unknown-"))
      guard
        let read = try printTCPOption(
          kind, try bytes.dropping(offset &+ 2), length: optionLength, room: length &- offset &- 2, numbers, flags)
      else {
        writeBadOption(isFirst: offset == 0)
        return false
      }
      if read &+ 2 != optionLength {
        writeFault("[len ")
        out.write(decimal: optionLength)
        out.write("]")
      }
      if writesFields { fields.end() }
      offset &+= read &+ 2
    }
    if writesFields { fields.end() }
    out.write("]")
    return true
  }

  /// Records the value of an option: as numbers if they have names of their own, otherwise as bytes.
  private mutating func recordTCPOption(_ kind: UInt8, _ value: PacketBytes, length: Int) throws(DecodeError) {
    switch (kind, length) {
    case (TCPOption.maximumSegmentSize, 2): fields.write("mss", try value.u16(at: 0))
    case (TCPOption.windowScale, 1): fields.write("shift", try value.u8(at: 0))
    case (TCPOption.timestamps, 8):
      fields.write("value", try value.u32(at: 0))
      fields.write("echo_reply", try value.u32(at: 4))
    case (TCPOption.sack, _) where length % 8 == 0:
      fields.beginArray("blocks")
      for start in stride(from: 0, to: length, by: 8) {
        try value.check(start, 8)
        fields.beginObject()
        fields.write("left", try value.u32(at: start))
        fields.write("right", try value.u32(at: start &+ 4))
        fields.end()
      }
      fields.end()
    default:
      if kind == TCPOption.multipath, let subtype = try? value.u8(at: 0) { fields.write("subtype", subtype >> 4) }
      if length > 0 { fields.write("data", hex: value.clamped(to: length)) }
    }
  }

  private mutating func writeBadOption(isFirst: Bool) {
    out.write(isFirst ? "[bad opt]" : "[bad opt]]")
    noteInvalid()
  }

  /// Prints one option's value; returns the number of bytes read, or nil if the option needs more than the `room` there is.
  private mutating func printTCPOption(
    _ kind: UInt8, _ value: PacketBytes, length: Int, room: Int, _ numbers: TCPSequence, _ flags: UInt16
  ) throws(DecodeError) -> Int? {
    if writesFields { try recordTCPOption(kind, value, length: length &- 2) }
    switch kind {
    case TCPOption.maximumSegmentSize:
      if room < 2 { return nil }
      let size = try value.u16(at: 0)
      out.write(" ")
      out.write(decimal: size)
      return 2
    case TCPOption.windowScale:
      if room < 1 { return nil }
      let shift = try value.u8(at: 0)
      out.write(" ")
      out.write(decimal: shift)
      return 1
    case TCPOption.sackPermitted: return 0
    case TCPOption.sack:
      return try printSACK(value, length: length &- 2, numbers)
    case TCPOption.echo, TCPOption.echoReply, TCPOption.connectionCount, TCPOption.connectionCountNew,
      TCPOption.connectionCountEcho:
      if room < 4 { return nil }
      let number = try value.u32(at: 0)
      out.write(" ")
      out.write(decimal: number)
      return 4
    case TCPOption.timestamps:
      if room < 8 { return nil }
      try value.check(0, 8)
      out.write(" val ")
      out.write(decimal: try value.u32(at: 0))
      out.write(" ecr ")
      out.write(decimal: try value.u32(at: 4))
      return 8
    case TCPOption.scps:
      if room < 2 { return nil }
      try value.check(0, 2)
      out.write(" cap ")
      out.write(hex: try value.u8(at: 0), width: 2)
      out.write(" id ")
      out.write(decimal: try value.u8(at: 1))
      return 2
    case TCPOption.md5Signature:
      if room < 16 { return nil }
      // A digest is shown only if it was captured whole.
      try value.check(0, 16)
      out.write(" ")
      try writeHexOctets(value, 16)
      return 16
    case TCPOption.userTimeout:
      if room < 2 { return nil }
      let timeout = try value.u16(at: 0)
      out.write(" 0x")
      out.write(hex: timeout)
      out.write(" ")
      // Granularity (set: minutes) and number, in the order in which tcpdump reads them: in RFC 5482 section 3 the flag is the upper bit.
      out.write(decimal: UInt32(timeout >> 1) &* (timeout & 1 != 0 ? 60 : 1))
      return 2
    case TCPOption.multipath:
      return try printMultipath(value, length: length, flags)
    case TCPOption.authentication, TCPOption.fastOpen, TCPOption.experiment2:
      return try printLaterOption(kind, value, length: length)
    default:
      if length > 2 {
        out.write(" 0x")
        try writeHexOctets(value, length &- 2)
      }
      return length &- 2
    }
  }

  /// Options whose content depends on their length.
  private mutating func printLaterOption(
    _ kind: UInt8, _ value: PacketBytes, length: Int
  ) throws(DecodeError) -> Int? {
    let octets = length &- 2
    switch kind {
    case TCPOption.authentication:
      // RFC 5925 section 2.2
      guard octets >= 2 else {
        writeFault(" (invalid)")
        return octets
      }
      try value.check(0, 2)
      out.write(" keyid ")
      out.write(decimal: try value.u8(at: 0))
      out.write(" rnextkeyid ")
      out.write(decimal: try value.u8(at: 1))
      if octets > 2 {
        out.write(" mac 0x")
        try writeHexOctets(try value.dropping(2), octets &- 2)
      }
    case TCPOption.fastOpen:
      try value.check(0, octets)
      out.write(" ")
      try writeFastOpen(value, octets)
    default:
      // RFC 6994: an experiment identifier precedes the data.
      if octets < 2 { return nil }
      try value.check(0, octets)
      let experiment = try value.u16(at: 0)
      if experiment == TCPOption.fastOpenExperiment {
        out.write("-tfo")
        try writeFastOpen(try value.dropping(2), octets &- 2)
      } else {
        out.write("-")
        out.write(hex: experiment, width: 4)
      }
    }
    return octets
  }

  /// A request for, or the value of, a Fast Open cookie (RFC 7413 section 4.1.1).
  private mutating func writeFastOpen(_ value: PacketBytes, _ length: Int) throws(DecodeError) {
    if length == 0 {
      out.write(" cookiereq")
    } else if length % 2 != 0 || length < 4 || length > 16 {
      writeFault(" (invalid)")
    } else {
      out.write(" cookie ")
      try writeHexOctets(value, length)
    }
  }

  private mutating func printSACK(
    _ value: PacketBytes, length: Int, _ numbers: TCPSequence
  ) throws(DecodeError) -> Int {
    if length % 8 != 0 {
      writeFault(" invalid sack")
      return length
    }
    out.write(" ")
    out.write(decimal: length / 8)
    out.write(" ")
    // The blocks refer to the sequence numbers that the other side sends.
    let base = numbers.isReverse ? numbers.forwardBase : numbers.backwardBase
    for offset in stride(from: 0, to: length, by: 8) {
      try value.check(offset, 8)
      out.write("{")
      out.write(decimal: try value.u32(at: offset) &- base)
      out.write(":")
      out.write(decimal: try value.u32(at: offset &+ 4) &- base)
      out.write("}")
    }
    return length
  }
}
