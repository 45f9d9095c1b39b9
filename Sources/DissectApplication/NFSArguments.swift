import Dissect
import PacketCore

/// Reads consecutive XDR numbers (RFC 4506).
extension PacketBytes {
  func number(_ offset: inout Int) throws(DecodeError) -> UInt32 {
    let number = try u32(at: offset)
    offset &+= 4
    return number
  }

  func longNumber(_ offset: inout Int) throws(DecodeError) -> UInt64 {
    let number = try u64(at: offset)
    offset &+= 8
    return number
  }
}

/// Length of a file handle of version 2, in bytes.
private let handleLength2 = 32

extension Printer {
  /// The arguments of a call, from `start` on.
  mutating func printArguments(
    of call: NFSCall, _ bytes: PacketBytes, at start: Int
  ) throws(DecodeError) {
    var offset = start
    let isVersion3 = call.version == 3
    try writeHandle(bytes, &offset, isVersion3, key: "file_handle")
    switch call.procedure {
    case .lookup, .remove, .rmdir, .create, .mkdir: try writeName(bytes, &offset, key: "name")
    case .access:
      let bits = try bytes.number(&offset)
      if writesFields { fields.write("access_bits", bits) }
      writeAccess(bits)
    case .read where isVersion3, .commit:
      let position = try bytes.longNumber(&offset)
      write(" ", "byte_count", try bytes.number(&offset))
      write(" bytes @ ", "position", position)
    case .read:
      let position = try bytes.number(&offset)
      write(" ", "byte_count", try bytes.number(&offset))
      write(" bytes @ ", "position", position)
    case .write: try printWrite(bytes, &offset, isVersion3)
    case .symlink: try printSymlink(bytes, &offset, isVersion3)
    case .mknod:
      try writeName(bytes, &offset, key: "name")
      let type = try bytes.number(&offset)
      write(" ", type, as: .named(fileTypes, unknown: .decimal("unk-ft ")))
      guard options.verbosity > 0 else { return }
      try writeNewAttributes(bytes, &offset)
      if type == 3 || type == 4 {
        let major = try bytes.number(&offset)
        write(" ", major)
        write("/", try bytes.number(&offset))
      }
    case .rename:
      try writeName(bytes, &offset, key: "name")
      out.write(" ->")
      try writeHandle(bytes, &offset, isVersion3, key: "second_file_handle")
      try writeName(bytes, &offset, key: "new_name")
    case .link:
      out.write(" ->")
      try writeHandle(bytes, &offset, isVersion3, key: "second_file_handle")
      try writeName(bytes, &offset, key: "new_name")
    case .readdir, .readdirplus: try printReadDirectory(call, bytes, &offset, isVersion3)
    default: break
    }
  }

  private mutating func printWrite(
    _ bytes: PacketBytes, _ offset: inout Int, _ isVersion3: Bool
  ) throws(DecodeError) {
    if isVersion3 {
      let position = try bytes.longNumber(&offset)
      let count = try bytes.number(&offset)
      let stability = try bytes.number(&offset)
      write(" ", try bytes.number(&offset))
      write(" (", "byte_count", count)
      write(") bytes @ ", "position", position)
      if writesFields { fields.write("stability", stability) }
      if options.verbosity > 0 { writeStability(stability) }
    } else {
      let begin = try bytes.number(&offset)
      let position = try bytes.number(&offset)
      let count = try bytes.number(&offset)
      write(" ", try bytes.number(&offset))
      write(" (", "byte_count", count)
      write(") bytes @ ", "position", position)
      write(" (", begin)
      out.write(")")
    }
  }

  private mutating func printSymlink(
    _ bytes: PacketBytes, _ offset: inout Int, _ isVersion3: Bool
  ) throws(DecodeError) {
    try writeName(bytes, &offset, key: "name")
    // In version 3 the attributes precede the target.
    let attributes = offset
    if isVersion3 { try skipNewAttributes(bytes, &offset) }
    out.write(" ->")
    let target = try opaque(bytes, &offset)
    try write("\"", "target", text: target)
    out.write("\"")
    if isVersion3, options.verbosity > 0 {
      offset = attributes
      try writeNewAttributes(bytes, &offset)
    }
  }

  private mutating func printReadDirectory(
    _ call: NFSCall, _ bytes: PacketBytes, _ offset: inout Int, _ isVersion3: Bool
  ) throws(DecodeError) {
    guard isVersion3 else {
      let position = try bytes.number(&offset)
      write(" ", "byte_count", try bytes.number(&offset))
      write(" bytes @ ", "position", position)
      return
    }
    let position = try bytes.longNumber(&offset)
    let verifier = try bytes.longNumber(&offset)
    write(" ", "byte_count", try bytes.number(&offset))
    write(" bytes @ ", "position", position)
    if call.procedure == .readdirplus {
      let maximum = try bytes.number(&offset)
      if options.verbosity > 0 { write(" max ", maximum) }
    }
    if options.verbosity > 0 { write(" verf ", verifier, as: .hex(16)) }
  }

  /// ` <unstable>`: how much a write has committed to disk before its reply.
  mutating func writeStability(_ stability: UInt32) {
    out.write(" <")
    write(stabilities, stability, unknown: .decimal("#"))
    out.write(">")
  }

  /// The names of kinds of access, or the number if one of them has no name.
  private mutating func writeAccess(_ bits: UInt32) {
    if bits == 0 { return }
    out.write(" ")
    if bits == 0x3f { return out.write("NFS_ACCESS_FULL") }
    guard bits < 0x40 else { return out.write(hex: bits, width: 4) }
    write(accessNames, bits, separator: "|")
  }

  /// The attributes of a new file, each preceded by a flag that says whether it is present (RFC 1813 section 2.5.3).
  private mutating func writeNewAttributes(_ bytes: PacketBytes, _ offset: inout Int) throws(DecodeError) {
    if try bytes.number(&offset) != 0 { writeOctal(" mode ", try bytes.number(&offset)) }
    if try bytes.number(&offset) != 0 { write(" uid ", try bytes.number(&offset)) }
    if try bytes.number(&offset) != 0 { write(" gid ", try bytes.number(&offset)) }
    if try bytes.number(&offset) != 0 { write(" size ", try bytes.longNumber(&offset)) }
    if try bytes.number(&offset) == clientTime {
      out.write(" atime ")
      try writeFileTime(bytes, &offset)
    }
    if try bytes.number(&offset) == clientTime {
      out.write(" mtime ")
      try writeFileTime(bytes, &offset)
    }
  }

  private func skipNewAttributes(_ bytes: PacketBytes, _ offset: inout Int) throws(DecodeError) {
    for _ in 0..<3 { if try bytes.number(&offset) != 0 { offset &+= 4 } }
    if try bytes.number(&offset) != 0 { offset &+= 8 }
    for _ in 0..<2 { if try bytes.number(&offset) == clientTime { offset &+= 8 } }
  }
}

/// Says that a time for the new file follows; otherwise the server sets it.
private let clientTime: UInt32 = 2

private let stabilities: ValueNames = [0: "unstable", 1: "datasync", 2: "filesync"]

private let accessNames: FlagNames = [
  0x01: "NFS_ACCESS_READ", 0x02: "NFS_ACCESS_LOOKUP", 0x04: "NFS_ACCESS_MODIFY", 0x08: "NFS_ACCESS_EXTEND",
  0x10: "NFS_ACCESS_DELETE", 0x20: "NFS_ACCESS_EXECUTE",
]

/// The largest length that can be padded to a multiple of four.
private let maximumPaddedLength: UInt32 = 0xffff_fffc

/// Bytes preceded by their length; names and handles have this form.
extension Printer {
  /// Bytes preceded by their length, padded to a multiple of four (RFC 4506 section 4.10).
  @_lifetime(copy bytes)
  mutating func opaque(_ bytes: PacketBytes, _ offset: inout Int) throws(DecodeError) -> PacketBytes {
    let length = try bytes.number(&offset)
    guard length <= maximumPaddedLength else {
      writeFault(" [cannot pad to 32-bit boundaries] (invalid)")
      throw .truncated
    }
    let padded = (Int(length) &+ 3) / 4 &* 4
    try bytes.check(offset, padded)
    let value = try bytes.slice(at: offset, length: Int(length))
    offset &+= padded
    return value
  }

  /// ` "name"`.
  private mutating func writeName(
    _ bytes: PacketBytes, _ offset: inout Int, key: StaticString
  ) throws(DecodeError) {
    // The message about an impossible length begins with its own space.
    if (try? bytes.u32(at: offset)) ?? 0 <= maximumPaddedLength { out.write(" ") }
    let name = try opaque(bytes, &offset)
    try write("\"", key, text: name)
    out.write("\"")
  }

  /// ` fh 8,1/12345`, or with `-u` ` fh[1:2:3]`.
  mutating func writeHandle(
    _ bytes: PacketBytes, _ offset: inout Int, _ isVersion3: Bool, key: StaticString
  ) throws(DecodeError) {
    var start = offset
    var length = handleLength2
    if isVersion3 {
      let handle = try opaque(bytes, &offset)
      start &+= 4
      length = handle.length
    } else {
      try bytes.check(offset, length)
      offset &+= length
    }
    let handle = try bytes.slice(at: start, length: length)
    if writesFields { fields.write(key, hex: handle) }
    out.write(" fh")
    if options.rawNFSHandles {
      out.write("[")
      for index in 0..<(length / 4) {
        if index > 0 { out.write(":") }
        out.write(hex: try handle.u32(at: index &* 4))
      }
      out.write("]")
    } else {
      out.write(" ")
      try writeDecodedHandle(handle)
    }
  }

  /// Only its server knows what a handle contains, but the forms of some systems can be recognised, and give device and file:
  ///
  ///     0       2              4       6              8        12     16
  ///     +-------+--------------+-------+--------------+--------+------+-----
  ///     | 0     | major, minor |                      |        | file |
  ///     +-------+--------------+-------+--------------+--------+------+-----
  ///     | 0                    |       | major, minor |        | file |
  ///     +-------+--------------+-------+--------------+--------+------+-----
  ///     | minor, major | 0     |       | 0            |        | file | in little-endian byte order
  ///     +--------------+-------+-------+--------------+--------+------+-----
  private mutating func writeDecodedHandle(_ handle: PacketBytes) throws(DecodeError) {
    // Show as many characters of a name as the handle has words.
    let limit = handle.length / 4
    if handle.length >= 16 {
      let file = try handle.u32(at: 12)
      let first = try handle.u32(at: 0)
      if first == 0 { return writeDevice(try handle.u8(at: 6), try handle.u8(at: 7), file) }
      if first >> 16 == 0 { return writeDevice(try handle.u8(at: 2), try handle.u8(at: 3), file) }
      if first & 0xffff == 0, try handle.u16(at: 6) == 0 {
        return writeDevice(try handle.u8(at: 1), try handle.u8(at: 0), try handle.u32le(at: 12))
      }
    }
    if handle.length >= 28, try handle.hasVolumeName {
      for index in 1..<min(limit &+ 1, handle.length) {
        let octet = try handle.u8(at: index)
        if octet <= UInt8(ascii: " ") { break }
        out.write(byte: octet)
      }
      let file = UInt32(try handle.u16(at: 26)) << 16 | UInt32(try handle.u16le(at: 22))
      return write("/", file)
    }
    let unknown: StaticString = "Unknown"
    unknown.withUTF8Buffer { letters in
      // Safe: the index is one of `letters.indices`.
      for index in letters.indices.prefix(limit) { out.write(byte: unsafe letters[index]) }
    }
    out.write("/")
    for index in 0..<min(limit &* 4, handleLength2) { writeUpperHex(try handle.u8(at: index)) }
  }

  private mutating func writeDevice(_ major: UInt8, _ minor: UInt8, _ file: UInt32) {
    out.write(decimal: major)
    write(",", minor)
    write("/", file)
  }
}

extension PacketBytes {
  /// True if the handle begins with a byte and the name of a volume, padded with zeros, as VMS makes them.
  fileprivate var hasVolumeName: Bool {
    get throws(DecodeError) {
      var length = 0
      for index in 1...13 {
        let octet = try u8(at: index)
        switch octet {
        case 0x20..<0x7f where length == index &- 1: length = index
        case 0: break
        default: return false
        }
      }
      return length >= 3
    }
  }
}
