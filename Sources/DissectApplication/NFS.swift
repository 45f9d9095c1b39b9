package import Dissect
import PacketCore

/// Attributes of a file (RFC 1813 section 2.5, RFC 1094 section 2.3.5).
private let attributeFields: [Field] = [
  Field("file_type", .uint32, "Type of the file.", always: true),
  Field("file_type_name", .text, "Name of the type."),
  Field("mode", .uint32, "Permissions, and in version 2 the type."),
  Field("link_count", .uint32, "Hard links to the file."),
  Field("uid", .uint32, "User who owns the file."),
  Field("gid", .uint32, "Group that owns the file."),
  Field("size", .uint64, "Bytes of the file."),
  Field("file_system_id", .uint64, "File system of the file."),
  Field("file_id", .uint64, "Number of the file in its file system."),
]

extension Layer {
  static let nfs = Layer("nfs", "Network File System", "RFC 1094, RFC 1813, RFC 5531") {
    [
      Field("xid", .uint32, "Transaction identifier that a reply repeats.", always: true),
      Field("reply", .flag, "Whether this is a reply.", always: true),
      Field("program", .uint32, "RPC program of a call, 100003 for NFS."),
      Field("program_version", .uint32, "Version of the program, of a call."),
      Field("procedure", .uint32, "Procedure of a call, or of the call that is replied to where that was seen."),
      Field("procedure_name", .text, "Name of the procedure."),
      Field("file_handle", .hex, "File handle, of a call the first."),
      Field("name", .text, "Name in the directory that the file handle stands for."),
      Field("second_file_handle", .hex, "Directory that a file is renamed or linked into."),
      Field("new_name", .text, "Name in the second directory."),
      Field("target", .text, "What a symbolic link points to."),
      Field("position", .uint64, "Offset in a file, or cookie of a directory entry."),
      Field("byte_count", .uint32, "Bytes that are wanted, written or were read."),
      Field("stability", .uint32, "How safely data is, or is to be, written: 0 unstable, 1 the data, 2 all."),
      Field("access_bits", .uint32, "Kinds of access requested or granted."),
      Field("reply_state", .uint32, "0 for a call that was accepted, 1 for one that was denied."),
      Field("accept_state", .uint32, "Outcome of an accepted call."),
      Field("accept_state_name", .text, "Its name."),
      Field("authentication_error", .uint32, "Why authentication failed."),
      Field("status", .uint32, "Status of the procedure, 0 for success."),
      Field("status_name", .text, "Name of the status."),
      Field("file_attributes", .object(attributeFields), "Attributes of the file."),
      Field("directory_attributes", .object(attributeFields), "Attributes of the directory."),
      Field(
        "second_directory_attributes", .object(attributeFields),
        "Attributes of the directory that a file was renamed into."),
    ]
  }
}

extension Dissector {
  /// Network File System over UDP.
  package static let nfs = Dissector(
    name: "nfs", claims: [.udpPort(2049), .payloadType(.rpc)], layers: [.nfs], print: printDatagram)
  /// Network File System over TCP.
  package static let nfsOverTCP = Dissector(
    name: "nfs", claims: [.tcpPort(2049), .tcpPayloadType(.rpc)], layers: [.nfs], print: printSegment)
}

/// Kinds of RPC message (RFC 5531 section 9).
private enum Direction {
  static let call: UInt32 = 0
  static let reply: UInt32 = 1
}

@Sendable
private func printDatagram(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard let direction = try? bytes.u32(at: 4), direction <= Direction.reply else {
    return printer.writeUDPLength()
  }
  printer.removeUDPVerdict()
  try printMessage(bytes, direction, &printer)
}

/// Only the first record of a segment is read, and only if the segment begins with it.
///
///     0                         4
///     +------+------------------+-------------
///     | last | length (31 bits) | RPC message      (RFC 5531 section 11)
///     +------+------------------+-------------
@Sendable
private func printSegment(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard bytes.length >= 12 else { return }
  // Until this is known to be an RPC message, a truncation is one of TCP data.
  printer.protocolName = "tcp"
  let mark = try bytes.u32(at: 0)
  guard let direction = try? bytes.u32(at: 8), direction <= Direction.reply else { return }
  printer.protocolName = "nfs"
  printer.out.write(": ")
  let record = try bytes.dropping(4).clamped(to: Int(mark & 0x7fff_ffff))
  try printMessage(record, direction, &printer)
}

/// A call, whose credentials and verifier are skipped:
///
///     0     4          8             12        16        20          24            +8+n        +8+m
///     +-----+----------+-------------+---------+---------+-----------+-------------+-----------+-----------
///     | xid | call (0) | RPC version | program | version | procedure | credentials | verifier  | arguments
///     +-----+----------+-------------+---------+---------+-----------+-------------+-----------+-----------
private func printMessage(
  _ bytes: PacketBytes, _ direction: UInt32, _ printer: inout Printer
) throws(DecodeError) {
  let identifier = try bytes.u32(at: 0)
  _ = printer.enter(.nfs)
  if direction == Direction.reply { return try printReply(bytes, identifier, &printer) }
  printer.write("NFS request xid ", "xid", identifier)
  if printer.writesFields { printer.fields.write("reply", false) }
  printer.write(" ", bytes.length)
  let number = try bytes.u32(at: 20)
  let call = NFSCall(version: try bytes.u32(at: 16), number: number)
  printer.state(calls).remember(call, identifier, printer.network)
  if printer.writesFields { printer.fields.write("program", try bytes.u32(at: 12)) }
  if printer.writesFields { printer.fields.write("program_version", call.version) }
  printer.writeProcedure(call)
  switch call.procedure {
  case .null, .noOperation, .unknown: return
  default: break
  }
  let start = try printer.endOfAuthentication(bytes, at: 24, what: "credentials length", limit: bytes.length)
  let left = bytes.length &- (start &- 24)
  let arguments = try printer.endOfAuthentication(bytes, at: start, what: "verifier length", limit: left)
  try printer.printArguments(of: call, bytes, at: arguments)
}

/// A reply:
///
///     0     4           8       12
///     +-----+-----------+-------+----------------------------------------------------------------
///     | xid | reply (1) | state | verifier, accept state, results    or    why the call was denied
///     +-----+-----------+-------+----------------------------------------------------------------
private func printReply(
  _ bytes: PacketBytes, _ identifier: UInt32, _ printer: inout Printer
) throws(DecodeError) {
  printer.write("NFS reply xid ", "xid", identifier)
  printer.out.write(" ")
  if printer.writesFields { printer.fields.write("reply", true) }
  let state = try bytes.u32(at: 8)
  if printer.writesFields { printer.fields.write("reply_state", state) }
  switch state {
  case 0:
    printer.write("reply ok ", bytes.length)
    guard let call = printer.state(calls).find(identifier, printer.network) else { return }
    printer.writeProcedure(call)
    let length = Int(try bytes.u32(at: 16))
    let accepted = 20 &+ (length &+ 3) / 4 &* 4
    let accept = try bytes.u32(at: accepted)
    if printer.writesFields {
      printer.fields.write("accept_state", accept, "accept_state_name", acceptStates)
    }
    guard accept == 0 else {
      return printer.write(" ", accept, as: .named(acceptStates, unknown: .decimal("ar_stat ")))
    }
    try printer.printResults(of: call, bytes, at: accepted &+ 4)
  case 1:
    printer.write("reply ERR ", bytes.length)
    printer.out.write(": ")
    let reason = try bytes.u32(at: 12)
    switch reason {
    case 0:
      let low = try bytes.u32(at: 16)
      let high = try bytes.u32(at: 20)
      printer.write("RPC Version mismatch (", low)
      printer.write("-", high)
      printer.out.write(")")
    case 1:
      let error = try bytes.u32(at: 16)
      if printer.writesFields { printer.fields.write("authentication_error", error) }
      printer.write("Auth ", error, as: .named(authenticationErrors, unknown: .decimal("Invalid failure code ")))
    default: printer.write("Unknown reason for rejecting rpc message ", reason)
    }
  default:
    printer.write("reply Unknown rpc response code=", state)
    printer.write(" ", bytes.length)
  }
}

/// The outcome of an accepted call (RFC 5531 section 9).
private let acceptStates: ValueNames = [
  0: "SUCCESS", 1: "PROG_UNAVAIL", 2: "PROG_MISMATCH", 3: "PROC_UNAVAIL", 4: "GARBAGE_ARGS", 5: "SYSTEM_ERR",
]

private let authenticationErrors: ValueNames = [
  0: "OK", 1: "Bogus Credentials (seal broken)", 2: "Rejected Credentials (client should begin new session)",
  3: "Bogus Verifier (seal broken)", 4: "Verifier expired or was replayed", 5: "Credentials are too weak",
  6: "Bogus response verifier", 7: "Unknown failure",
]

extension Printer {
  /// The offset after credentials or a verifier at `start`: a flavor, a length and that many bytes. If the length is more than `limit`,
  /// writes ` [credentials length 500 > 80] (invalid)` and throws `.truncated`.
  fileprivate mutating func endOfAuthentication(
    _ bytes: PacketBytes, at start: Int, what: StaticString, limit: Int
  ) throws(DecodeError) -> Int {
    let length = Int(try bytes.u32(at: start &+ 4))
    guard length <= limit else {
      out.write(" ")
      writeComparison(what, length, .greater, limit)
      writeFault(" (invalid)")
      throw .truncated
    }
    return start &+ 8 &+ (length &+ 3) / 4 &* 4
  }

  fileprivate mutating func writeProcedure(_ call: NFSCall) {
    if writesFields {
      fields.write("procedure", call.number)
      if call.procedure != .unknown { fields.write("procedure_name", call.procedure.name) }
    }
    out.write(" ")
    if call.procedure == .unknown {
      write("proc-", call.number)
    } else {
      out.write(call.procedure.name)
    }
  }
}

/// The procedures of NFS, in the order of version 3 (RFC 1813 section 3).
enum NFSProcedure: UInt8 {
  case null, getattr, setattr, lookup, access, readlink, read, write, create, mkdir, symlink, mknod, remove, rmdir
  case rename, link, readdir, readdirplus, fsstat, fsinfo, pathconf, commit
  /// A procedure of version 2 that is obsolete or does not exist.
  case noOperation
  /// A procedure number that neither version has.
  case unknown

  var name: StaticString {
    switch self {
    case .null: "null"
    case .getattr: "getattr"
    case .setattr: "setattr"
    case .lookup: "lookup"
    case .access: "access"
    case .readlink: "readlink"
    case .read: "read"
    case .write: "write"
    case .create: "create"
    case .mkdir: "mkdir"
    case .symlink: "symlink"
    case .mknod: "mknod"
    case .remove: "remove"
    case .rmdir: "rmdir"
    case .rename: "rename"
    case .link: "link"
    case .readdir: "readdir"
    case .readdirplus: "readdirplus"
    case .fsstat: "fsstat"
    case .fsinfo: "fsinfo"
    case .pathconf: "pathconf"
    case .commit: "commit"
    case .noOperation, .unknown: "nop"
    }
  }
}

/// Number of procedures of version 3.
private let procedureCount: UInt32 = 22

/// The procedures of version 2 (RFC 1094 section 2.2), by their numbers.
private let procedures2: [NFSProcedure] = [
  .null, .getattr, .setattr, .noOperation, .lookup, .readlink, .read, .noOperation, .write, .create, .remove, .rename,
  .link, .symlink, .mkdir, .rmdir, .readdir, .fsstat,
]

/// A call: the version and the procedure, which its reply does not repeat.
struct NFSCall {
  var version: UInt32
  var number: UInt32
  var procedure: NFSProcedure

  /// Any version other than 3 is read as 2.
  init(version: UInt32, number: UInt32) {
    self.version = version
    self.number = number
    if number >= procedureCount {
      procedure = .unknown
    } else if version == 3 {
      procedure = NFSProcedure(rawValue: UInt8(truncatingIfNeeded: number)) ?? .unknown
    } else {
      procedure = Int(number) < procedures2.count ? procedures2[Int(number)] : .noOperation
    }
  }
}

/// The most recent calls, indexed by transaction identifier: clients increment these, so consecutive calls do not collide.
private final class Calls {
  private struct Entry {
    var call: NFSCall
    var identifier: UInt32
    var client: UInt128
    var server: UInt128
  }

  private var entries = [Entry?](repeating: nil, count: 1024)

  private func place(_ identifier: UInt32) -> Int { Int(identifier % UInt32(entries.count)) }

  func remember(_ call: NFSCall, _ identifier: UInt32, _ network: NetworkHeader) {
    entries[place(identifier)] = Entry(
      call: call, identifier: identifier, client: network.source, server: network.destination)
  }

  func find(_ identifier: UInt32, _ network: NetworkHeader) -> NFSCall? {
    guard let entry = entries[place(identifier)], entry.identifier == identifier, entry.client == network.destination,
      entry.server == network.source
    else { return nil }
    return entry.call
  }
}

private let calls = ProtocolState { Calls() }
