import Dissect
import PacketCore

/// Members of an option of PGM.
let pgmOptionFields = [
  Field("type", .uint8, "Option type.", always: true),
  Field("type_name", .text, "Name of the type."),
  Field("length", .uint8, "Bytes of the option, header included.", always: true),
  Field("total_length", .uint16, "Bytes of all options."),
  Field(
    "sequence", .uint32, "First sequence number of a fragmented message, or number from which on a receiver joins."),
  Field("offset", .uint32, "Where the fragment belongs in the message."),
  Field("message_length", .uint32, "Bytes of the whole message."),
  Field("sequences", .array(.uint32), "Sequence numbers of data that was lost."),
  Field("number", .uint32, "Number of a parity option, or timestamp of congestion control."),
  Field("address", .ip, "Address of a repairer, or of the receiver that acknowledges."),
]

/// How the value of an option is written.
private enum Form {
  case total, fragment, lossList, number, interval, range, addressed, stamped, sized, lengthless
}

/// The title of an option, and the length that it must have.
private struct OptionName: Sendable {
  let form: Form
  let title: StaticString
  /// The required length of the option in bytes; nil if it may vary or depends on the address family.
  let length: Int?
}

/// Option types (RFC 3208 section 9, draft-ietf-rmt-bb-pgmcc).
private let options: OptionTable<OptionName> = [
  0: OptionRow("OPT_LENGTH", OptionName(form: .total, title: " OPTS LEN (extra?) ", length: 4)),
  1: OptionRow("OPT_FRAGMENT", OptionName(form: .fragment, title: " FRAG seq ", length: 16)),
  2: OptionRow("OPT_NAK_LIST", OptionName(form: .lossList, title: " NAK LIST", length: nil)),
  3: OptionRow("OPT_JOIN", OptionName(form: .number, title: " JOIN ", length: 8)),
  4: OptionRow("OPT_NAK_BO_IVL", OptionName(form: .interval, title: " BACKOFF ivl ", length: 12)),
  5: OptionRow("OPT_NAK_BO_RNG", OptionName(form: .range, title: " BACKOFF max ", length: 12)),
  7: OptionRow("OPT_REDIRECT", OptionName(form: .addressed, title: " REDIRECT ", length: nil)),
  8: OptionRow("OPT_PARITY_PRM", OptionName(form: .number, title: " PARITY MAXTGS ", length: 8)),
  9: OptionRow("OPT_PARITY_GRP", OptionName(form: .number, title: " PARITY GROUP ", length: 8)),
  10: OptionRow("OPT_CURR_TGSIZE", OptionName(form: .number, title: " PARITY ATGS ", length: 8)),
  11: OptionRow("OPT_NBR_UNREACH", OptionName(form: .lengthless, title: " NBR_UNREACH", length: 4)),
  12: OptionRow("OPT_PATH_NLA", OptionName(form: .sized, title: " PATH_NLA [", length: nil)),
  13: OptionRow("OPT_SYN", OptionName(form: .lengthless, title: " SYN", length: 4)),
  14: OptionRow("OPT_FIN", OptionName(form: .lengthless, title: " FIN", length: 4)),
  15: OptionRow("OPT_RST", OptionName(form: .lengthless, title: " RST", length: 4)),
  16: OptionRow("OPT_CR", OptionName(form: .lengthless, title: " CR", length: nil)),
  17: OptionRow("OPT_CRQST", OptionName(form: .lengthless, title: " CRQST", length: 4)),
  18: OptionRow("OPT_PGMCC_DATA", OptionName(form: .stamped, title: " PGMCC DATA ", length: nil)),
  19: OptionRow("OPT_PGMCC_FEEDBACK", OptionName(form: .stamped, title: " PGMCC FEEDBACK ", length: nil)),
]
private let join: UInt32 = 3
/// The bit of a type that marks the last option.
private let isLast: UInt8 = 0x80

/// Length of an option's header in bytes: type, length, and two bytes of flags.
private let headerLength = 4

///     0      1        2       4
///     +------+--------+-------+-------
///     | type | length | flags | value      RFC 3208 section 9.1; the length counts the header
///     +------+--------+-------+-------
///
/// The first option states the length of all options. Returns false if the options break the rules, and nothing more is to be printed.
func printPGMOptions(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  let type = try bytes.u8(at: 0)
  let length = try bytes.u8(at: 1)
  if type & ~isLast != 0 {
    printer.writeFault("[First option bad, should be PGM_OPT_LENGTH, is ")
    printer.out.write(decimal: type & ~isLast)
    printer.out.write("]")
    return false
  }
  if length != 4 { return writeBadLength("OPT_LENGTH", Int(length), " != ", 4, &printer) }
  let total = Int(try bytes.u16(at: 2))
  if total < headerLength {
    printer.write("[Bad total option length ", total)
    printer.writeFault(" < 4]")
    return false
  }
  printer.write(" OPTS LEN ", total)
  let layout = OptionLayout(
    type: .bytes(at: 0, 1), length: .bytes(at: 1, 1), headerLength: 2, countsHeader: true)
  var list = printer.openList(bytes.withLength(total), at: headerLength, layout, array: "options")
  while let option = try printer.next(&list) {
    if option.rest < headerLength || option.isTooLong {
      printer.writeFault("[Total option length leaves no room for final option]")
      printer.stop(&list)
      return false
    }
    let type = UInt8(truncatingIfNeeded: option.type)
    let row = options[type: UInt32(type & ~isLast)]
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", type & ~isLast)
      if let row { printer.fields.write("type_name", row.name) }
      printer.fields.write("length", option.length)
    }
    if option.length < headerLength {
      printer.write("[Bad option, length ", option.length)
      printer.writeFault(" < 4]")
      printer.stop(&list)
      return true
    }
    guard let row else {
      printer.out.write(" OPT_")
      printer.writeUpperHex(type & ~isLast)
      printer.write(" [", option.length)
      printer.out.write("] ")
      if type & isLast != 0 { printer.stop(&list) }
      continue
    }
    let whole = try option.bytes.slice(at: 0, length: option.size)
    guard try print(row, option.type & 0x7f, whole, &printer) else {
      printer.stop(&list)
      return false
    }
    if type & isLast != 0 { printer.stop(&list) }
  }
  return true
}

private func writeBadLength(
  _ name: StaticString, _ length: Int, _ relation: StaticString, _ limit: Int, _ printer: inout Printer,
  suffix: StaticString = "]"
) -> Bool {
  printer.writeFault("[Bad ")
  printer.out.write(name)
  printer.write(" option, length ", length)
  printer.write(relation, limit)
  printer.out.write(suffix)
  return false
}

/// Prints one option, whose header and value were captured. Returns false if it breaks the rules.
private func print(
  _ row: OptionRow<OptionName>, _ type: UInt32, _ option: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let length = option.length
  if let wanted = row.form.length, wanted != length {
    return writeBadLength(row.name, length, " != ", wanted, &printer)
  }
  switch row.form.form {
  case .total: printer.write(row.form.title, "total_length", try option.u16(at: 2))
  case .fragment:
    printer.write(row.form.title, "sequence", try option.u32(at: 4))
    printer.write(" off ", "offset", try option.u32(at: 8))
    printer.write(" len ", "message_length", try option.u32(at: 12))
  case .lossList:
    printer.out.write(row.form.title)
    var list = printer.openList(option, at: headerLength, .elements(of: 4), array: "sequences")
    while let number = try printer.next(&list) { printer.writeElement(" ", try number.value.u32(at: 0)) }
    if list.remaining > 0 {
      printer.writeFault("[Option length not a multiple of 4]")
      return false
    }
  case .number: printer.write(row.form.title, type == join ? "sequence" : "number", try option.u32(at: 4))
  case .interval:
    printer.write(row.form.title, try option.u32(at: 4))
    printer.write(" ivlseq ", try option.u32(at: 8))
  case .range:
    printer.write(row.form.title, try option.u32(at: 4))
    printer.write(" min ", try option.u32(at: 8))
  case .sized:
    printer.write(row.form.title, length)
    printer.out.write("]")
  case .lengthless: printer.out.write(row.form.title)
  case .addressed: return try printAddress(row, option, at: 4, &printer)
  case .stamped: return try printAddress(row, option, at: 8, &printer)
  }
  return true
}

///     4 family  6 reserved  8 address
/// of a redirection; congestion control has a timestamp before the family.
private func printAddress(
  _ row: OptionRow<OptionName>, _ option: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let fixed = offset &+ 4
  if option.length < fixed { return writeBadLength(row.name, option.length, " < ", fixed, &printer) }
  if option.length != fixed &+ (try option.sizeOfPGMAddress(at: offset)) {
    return writeBadLength(row.name, option.length, " != ", fixed, &printer, suffix: " + address size]")
  }
  printer.out.write(row.form.title)
  if offset > headerLength { printer.write("", "number", try option.u32(at: 4)) }
  try printer.writePGMAddress(offset > headerLength ? " " : "", "address", option, at: offset)
  return true
}

/// The address family of an IPv4 address and of an IPv6 address (IANA "Address Family Numbers").
private enum Family {
  static let ipv4: UInt16 = 1
  static let ipv6: UInt16 = 2
}

extension PacketBytes {
  /// Length in bytes of an address whose family is at `offset`; throws `.invalid` if the family is neither IPv4 nor IPv6.
  fileprivate func sizeOfPGMAddress(at offset: Int) throws(DecodeError) -> Int {
    switch try u16(at: offset) {
    case Family.ipv4: return 4
    case Family.ipv6: return 16
    default: throw .invalid
    }
  }

  /// Checks that an address, its family and two reserved bytes were captured; returns the offset after them.
  func checkPGMAddress(at offset: Int) throws(DecodeError) -> Int {
    try check(0, offset &+ 4)
    let end = offset &+ 4 &+ (try sizeOfPGMAddress(at: offset))
    try check(0, end)
    return end
  }
}

extension Printer {
  /// `title` and an address whose family is at `offset`.
  mutating func writePGMAddress(
    _ title: StaticString, _ key: StaticString, _ bytes: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    if try bytes.u16(at: offset) == Family.ipv4 {
      write(title, key, try bytes.ipv4(at: offset &+ 4))
    } else {
      write(title, key, try bytes.ipv6(at: offset &+ 4))
    }
  }
}
