import Dissect
import PacketCore

extension Printer {
  /// Prints the results of a call, from `start` on.
  mutating func printResults(
    of call: NFSCall, _ bytes: PacketBytes, at start: Int
  ) throws(DecodeError) {
    switch call.procedure {
    case .null, .noOperation, .unknown: return
    default: break
    }
    var offset = start
    let status = try bytes.number(&offset)
    if writesFields { fields.write("status", status, "status_name", statusNames) }
    if status != 0 { write(" ERROR: ", status, as: .named(statusNames, unknown: .decimal("unk "))) }
    if call.version == 3 {
      try printResults3(of: call.procedure, bytes, &offset, isError: status != 0)
    } else if status == 0 {
      try printResults2(of: call.procedure, bytes, &offset)
    }
  }

  /// Results of version 2 (RFC 1094 section 2.2).
  private mutating func printResults2(
    of procedure: NFSProcedure, _ bytes: PacketBytes, _ offset: inout Int
  ) throws(DecodeError) {
    switch procedure {
    case .getattr, .setattr: try writeAttributes(bytes, &offset, isVersion3: false, isDetailed: false)
    case .lookup, .create, .mkdir:
      try writeHandle(bytes, &offset, false, key: "file_handle")
      if options.verbosity > 0 { try writeAttributes(bytes, &offset, isVersion3: false) }
    case .read, .write: if options.verbosity > 0 { try writeAttributes(bytes, &offset, isVersion3: false) }
    case .readlink: try writeTarget(bytes, &offset)
    case .fsstat:
      write(" tsize ", try bytes.number(&offset))
      write(" bsize ", try bytes.number(&offset))
      write(" blocks ", try bytes.number(&offset))
      write(" bfree ", try bytes.number(&offset))
      write(" bavail ", try bytes.number(&offset))
    default: break
    }
  }

  /// Results of version 3 (RFC 1813 section 3.3), which include attributes even if a procedure failed.
  private mutating func printResults3(
    of procedure: NFSProcedure, _ bytes: PacketBytes, _ offset: inout Int, isError: Bool
  ) throws(DecodeError) {
    let isVerbose = options.verbosity > 0
    switch procedure {
    case .getattr:
      if !isError { try writeAttributes(bytes, &offset, isVersion3: true, isDetailed: false) }
    case .lookup:
      if !isError {
        try writeHandle(bytes, &offset, true, key: "file_handle")
        if isVerbose { try writeOptionalAttributes(bytes, &offset) }
      }
      if options.verbosity > 1 {
        try writeOptionalAttributes(bytes, &offset, title: " post dattr:", key: "directory_attributes")
      }
    case .access:
      try writeOptionalAttributes(bytes, &offset, title: isVerbose ? " attr:" : "", isShown: isVerbose)
      if isError { return }
      let bits = try bytes.number(&offset)
      if writesFields { fields.write("access_bits", bits) }
      write(" c ", bits, as: .hex(4))
    case .readlink:
      if isError { return }
      try writeOptionalAttributes(bytes, &offset, isShown: isVerbose)
      try writeTarget(bytes, &offset)
    case .read:
      guard isVerbose else { return }
      try writeOptionalAttributes(bytes, &offset)
      if isError { return }
      write(" ", "byte_count", try bytes.number(&offset))
      out.write(" bytes")
      if try bytes.number(&offset) != 0 { out.write(" EOF") }
    case .setattr: if isVerbose { try writeChange(bytes, &offset, key: "file_attributes") }
    case .remove, .rmdir: if isVerbose { try writeChange(bytes, &offset) }
    case .write: if isVerbose { try printWritten(bytes, &offset, isError: isError) }
    case .create, .mkdir, .symlink, .mknod: try printCreated(bytes, &offset, isError: isError)
    case .rename:
      guard isVerbose else { return }
      out.write(" from:")
      try writeChange(bytes, &offset)
      out.write(" to:")
      try writeChange(bytes, &offset, key: "second_directory_attributes")
    case .link:
      guard isVerbose else { return }
      try writeOptionalAttributes(bytes, &offset, title: " file POST:")
      out.write(" dir:")
      try writeChange(bytes, &offset)
    case .readdir, .readdirplus:
      guard isVerbose else { return }
      try writeOptionalAttributes(bytes, &offset, title: " POST:", key: "directory_attributes")
      if !isError { write(" verf ", try bytes.longNumber(&offset), as: .hex(16)) }
    case .fsstat, .fsinfo, .pathconf:
      try writeOptionalAttributes(bytes, &offset, title: isVerbose ? " POST:" : "", isShown: isVerbose)
      if !isError { try printFileSystem(procedure, bytes, &offset) }
    case .commit:
      guard isVerbose else { return }
      try writeChange(bytes, &offset, key: "file_attributes")
      if !isError, options.verbosity > 1 { write(" verf ", try bytes.longNumber(&offset), as: .hex(1)) }
    default: break
    }
  }

  private mutating func printWritten(
    _ bytes: PacketBytes, _ offset: inout Int, isError: Bool
  ) throws(DecodeError) {
    try writeChange(bytes, &offset, key: "file_attributes")
    if isError { return }
    write(" ", "byte_count", try bytes.number(&offset))
    out.write(" bytes")
    guard options.verbosity > 1 else { return }
    let stability = try bytes.number(&offset)
    if writesFields { fields.write("stability", stability) }
    writeStability(stability)
    write(" verf ", try bytes.longNumber(&offset), as: .hex(1))
  }

  private mutating func printCreated(
    _ bytes: PacketBytes, _ offset: inout Int, isError: Bool
  ) throws(DecodeError) {
    let isVerbose = options.verbosity > 0
    if isError {
      if isVerbose { try writeChange(bytes, &offset) }
      return
    }
    guard try bytes.number(&offset) != 0 else { return }
    try writeHandle(bytes, &offset, true, key: "file_handle")
    guard isVerbose else { return }
    try writeOptionalAttributes(bytes, &offset)
    guard options.verbosity > 1 else { return }
    out.write(" dir attr:")
    try writeChange(bytes, &offset)
  }

  private mutating func printFileSystem(
    _ procedure: NFSProcedure, _ bytes: PacketBytes, _ offset: inout Int
  ) throws(DecodeError) {
    let isVerbose = options.verbosity > 0
    switch procedure {
    case .fsstat:
      write(" tbytes ", try bytes.longNumber(&offset))
      write(" fbytes ", try bytes.longNumber(&offset))
      write(" abytes ", try bytes.longNumber(&offset))
      guard isVerbose else { return }
      write(" tfiles ", try bytes.longNumber(&offset))
      write(" ffiles ", try bytes.longNumber(&offset))
      write(" afiles ", try bytes.longNumber(&offset))
      write(" invar ", try bytes.number(&offset))
    case .fsinfo:
      let start = offset
      try bytes.check(start, 48)
      write(" rtmax ", try bytes.u32(at: start))
      write(" rtpref ", try bytes.u32(at: start &+ 4))
      write(" wtmax ", try bytes.u32(at: start &+ 12))
      write(" wtpref ", try bytes.u32(at: start &+ 16))
      write(" dtpref ", try bytes.u32(at: start &+ 24))
      guard isVerbose else { return }
      write(" rtmult ", try bytes.u32(at: start &+ 8))
      write(" wtmult ", try bytes.u32(at: start &+ 20))
      write(" maxfsz ", try bytes.u64(at: start &+ 28))
      out.write(" delta ")
      offset = start &+ 36
      try writeFileTime(bytes, &offset)
      out.write(" ")
    default:
      write(" linkmax ", try bytes.number(&offset))
      write(" namemax ", try bytes.number(&offset))
      out.write(try bytes.number(&offset) != 0 ? " notrunc" : " ")
      out.write(try bytes.number(&offset) != 0 ? " chownres" : " ")
      out.write(try bytes.number(&offset) != 0 ? " igncase" : " ")
      out.write(try bytes.number(&offset) != 0 ? " keepcase" : " ")
    }
  }

  /// The target of a symbolic link.
  private mutating func writeTarget(_ bytes: PacketBytes, _ offset: inout Int) throws(DecodeError) {
    let target = try opaque(bytes, &offset)
    try write(" \"", "target", text: target)
    out.write("\"")
  }
}

/// Attributes of files.
extension Printer {
  /// The attributes of a file before and after a change (RFC 1813 section 2.6).
  private mutating func writeChange(
    _ bytes: PacketBytes, _ offset: inout Int, key: StaticString = "directory_attributes"
  ) throws(DecodeError) {
    let isDetailed = options.verbosity > 1
    if isDetailed { out.write(" PRE:") }
    if try bytes.number(&offset) != 0 {
      let size = try bytes.longNumber(&offset)
      if isDetailed {
        write(" sz ", size)
        out.write(" mtime ")
        try writeFileTime(bytes, &offset)
        out.write(" ctime ")
        try writeFileTime(bytes, &offset)
      } else {
        offset &+= 16
      }
    }
    try writeOptionalAttributes(bytes, &offset, title: " POST:", key: key)
  }

  /// Attributes, preceded by a flag that says whether they are present.
  private mutating func writeOptionalAttributes(
    _ bytes: PacketBytes, _ offset: inout Int, title: StaticString = "", key: StaticString = "file_attributes",
    isShown: Bool = true
  ) throws(DecodeError) {
    out.write(title)
    guard try bytes.number(&offset) != 0 else { return }
    if isShown {
      try writeAttributes(bytes, &offset, isVersion3: true, key: key)
    } else {
      offset &+= attributesLength3
    }
  }

  /// The attributes of a file; more of them with `-vv`.
  private mutating func writeAttributes(
    _ bytes: PacketBytes, _ offset: inout Int, isVersion3: Bool, key: StaticString = "file_attributes",
    isDetailed: Bool = true
  ) throws(DecodeError) {
    let start = offset
    let length = isVersion3 ? attributesLength3 : attributesLength2
    try bytes.check(start, length)
    offset &+= length
    let type = try bytes.u32(at: start)
    let mode = try bytes.u32(at: start &+ 4)
    let user = try bytes.u32(at: start &+ 12)
    let group = try bytes.u32(at: start &+ 16)
    let size = isVersion3 ? try bytes.u64(at: start &+ 20) : UInt64(try bytes.u32(at: start &+ 20))
    if writesFields {
      fields.beginObject(key)
      fields.write("file_type", type, "file_type_name", fileTypes)
      fields.write("mode", mode)
      fields.write("link_count", try bytes.u32(at: start &+ 8))
      fields.write("uid", user)
      fields.write("gid", group)
      fields.write("size", size)
      if isVersion3 {
        fields.write("file_system_id", try bytes.u64(at: start &+ 44))
        fields.write("file_id", try bytes.u64(at: start &+ 52))
      } else {
        fields.write("file_system_id", try bytes.u32(at: start &+ 36))
        fields.write("file_id", try bytes.u32(at: start &+ 40))
      }
      fields.end()
    }
    write(" ", type, as: .named(fileTypes, unknown: .decimal("unk-ft ", " ")))
    writeOctal(" ", mode)
    write(" ids ", user)
    write("/", group)
    write(" sz ", size)
    guard isDetailed, options.verbosity > 1 else { return }
    write(" nlink ", try bytes.u32(at: start &+ 8))
    var times = start &+ 44
    if isVersion3 {
      write(" rdev ", try bytes.u32(at: start &+ 36))
      write("/", try bytes.u32(at: start &+ 40))
      write(" fsid ", try bytes.u64(at: start &+ 44), as: .hex(1))
      write(" fileid ", try bytes.u64(at: start &+ 52), as: .hex(1))
      times = start &+ 60
    } else {
      write(" rdev 0x", try bytes.u32(at: start &+ 28), as: .hex(1))
      write(" fsid 0x", try bytes.u32(at: start &+ 36), as: .hex(1))
      write(" nodeid 0x", try bytes.u32(at: start &+ 40), as: .hex(1))
    }
    out.write(" a/m/ctime ")
    for index in 0..<3 {
      if index > 0 { out.write(" ") }
      try writeFileTime(bytes, &times)
    }
  }

  /// Seconds and, after the point, the nanoseconds (version 3) or microseconds (version 2) as stored, with at least six digits.
  mutating func writeFileTime(_ bytes: PacketBytes, _ offset: inout Int) throws(DecodeError) {
    let seconds = try bytes.number(&offset)
    let fraction = try bytes.number(&offset)
    out.write(decimal: seconds)
    out.write(".")
    out.write(decimal: fraction, width: 6)
  }

  /// `title` and a number in octal.
  mutating func writeOctal(_ title: StaticString, _ number: UInt32) {
    out.write(title)
    var shift: UInt32 = 30
    while shift > 0, number >> shift == 0 { shift &-= 3 }
    while true {
      out.write(decimal: number >> shift & 7)
      if shift == 0 { return }
      shift &-= 3
    }
  }
}

/// Length of the attributes of a file in versions 2 and 3, in bytes.
private let attributesLength2 = 68
private let attributesLength3 = 84

/// Types of files (RFC 1813 section 2.5.5).
let fileTypes: ValueNames = [
  0: "NON", 1: "REG", 2: "DIR", 3: "BLK", 4: "CHR", 5: "LNK", 7: "FIFO",
]

/// States of procedures (RFC 1094 section 2.3.1, RFC 1813 section 2.6).
private let statusNames: ValueNames = [
  1: "Operation not permitted", 2: "No such file or directory", 5: "Input/output error", 6: "Device not configured",
  13: "Permission denied", 17: "File exists", 18: "Cross-device link", 19: "Operation not supported by device",
  20: "Not a directory", 21: "Is a directory", 22: "Invalid argument", 26: "Text file busy", 27: "File too large",
  28: "No space left on device", 30: "Read-only file system", 31: "Too many links", 45: "Operation not supported",
  63: "File name too long", 66: "Directory not empty", 69: "Disc quota exceeded", 70: "Stale NFS file handle",
  71: "Too many levels of remote in path", 99: "Write cache flushed to disk", 10001: "Illegal NFS file handle",
  10002: "Update synchronization mismatch", 10003: "READDIR/READDIRPLUS cookie is stale",
  10004: "Operation not supported", 10005: "Buffer or request is too small", 10006: "Unspecified error on server",
  10007: "Object of that type not supported", 10008: "Request couldn't be completed in time",
]
