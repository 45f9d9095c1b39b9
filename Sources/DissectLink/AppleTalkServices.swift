import Dissect
import PacketCore

extension Layer {
  static let nbp = Layer("nbp", "Name Binding Protocol", "Inside AppleTalk chapter 7") {
    [
      Field("function", .uint8, "1 broadcast request, 2 lookup, 3 reply.", always: true),
      Field("function_name", .text, "Name of the function."),
      Field("tuples_count", .uint8, "Names that follow, as the packet states."),
      Field("id", .uint8, "Number by which a reply belongs to its request."),
      Field(
        "tuples",
        .array(
          .object([
            Field("network_number", .uint16, "Network of the entity."),
            Field("node", .uint8, "Its node."),
            Field("socket", .uint8, "Its socket."),
            Field("enumerator", .uint8, "Number among the names of one socket."),
            Field("object", .text, "Name of the entity."),
            Field("entity_type", .text, "Its type."),
            Field("zone", .text, "Its zone; * for the sender's."),
          ])), "Names with their addresses; of a request the first alone.", each: "One name."),
    ]
  }

  static let atp = Layer("atp", "AppleTalk Transaction Protocol", "Inside AppleTalk chapter 9") {
    [
      Field("function", .uint8, "1 request, 2 response, 3 release.", always: true),
      Field("function_name", .text, "Name of the function."),
      Field("exactly_once", .flag, "The request is to be carried out once."),
      Field("end_of_message", .flag, "The last packet of the response."),
      Field("send_status", .flag, "The other end is to say which packets it has."),
      Field("bitmap", .uint8, "Requested packets, as bits; in a response, its position."),
      Field("transaction_id", .uint16, "Transaction."),
      Field("user_data", .uint32, "Four bytes of the user's."),
    ]
  }
}

/// Functions of the Name Binding Protocol.
private enum Binding {
  static let broadcastRequest: UInt8 = 1
  static let lookup: UInt8 = 2
  static let reply: UInt8 = 3
  static let names: ValueNames = [1: "brRq", 2: "lkup", 3: "reply"]
}

private let nameBindingHeaderLength = 2
/// Length of an address, an enumerator, and three empty names.
private let minimumTupleLength = 8

///     0                   1    2
///     +----------+--------+----+---------+------+--------+------------+--------+------+------+-----
///     | function | count  | ID | network | node | socket | enumerator | object | type | zone | …      names after their length
///     +----------+--------+----+---------+------+--------+------------+--------+------+------+-----
func printNameBinding(
  _ bytes: PacketBytes, _ source: AppleTalkAddress, _ printer: inout Printer
) throws(DecodeError) {
  try printer.reject("length", bytes.length, .less, nameBindingHeaderLength &+ minimumTupleLength)
  let first = try bytes.u8(at: 0)
  let id = try bytes.u8(at: 1)
  let function = first >> 4
  if printer.enter(.nbp) {
    printer.fields.write("function", function, "function_name", Binding.names)
    printer.fields.write("tuples_count", first & 15)
    printer.fields.write("id", id)
  }
  guard let name = Binding.names[function] else {
    printer.write(" nbp-0x", first, as: .hex(1))
    printer.write("  ", id)
    printer.write(" (", bytes.length &- nameBindingHeaderLength)
    return printer.out.write(")")
  }
  printer.out.write(" nbp-")
  printer.out.write(name)
  printer.write(" ", id)
  printer.out.write(":")
  if printer.writesFields { printer.fields.beginArray("tuples") }
  if function == Binding.reply {
    try printTuples(try bytes.dropping(nameBindingHeaderLength), first & 15, source, &printer)
  } else {
    try printRequest(try bytes.dropping(nameBindingHeaderLength), first & 15, source, &printer)
  }
  if printer.writesFields { printer.fields.end() }
}

/// Prints the requested name, and other fields only if they are unusual.
private func printRequest(
  _ bytes: PacketBytes, _ count: UInt8, _ source: AppleTalkAddress, _ printer: inout Printer
) throws(DecodeError) {
  let (network, node, socket) = (try bytes.u16(at: 0), try bytes.u8(at: 2), try bytes.u8(at: 3))
  let enumerator = try bytes.u8(at: 4)
  beginTuple(network, node, socket, enumerator, &printer)
  _ = try printEntity(bytes, &printer)
  if count != 1 {
    printer.write(" [ntup=", count)
    printer.out.write("]")
  }
  if enumerator != 0 {
    printer.write(" [enum=", enumerator)
    printer.out.write("]")
  }
  if network != source.network || node != source.node || socket != source.socket {
    printer.out.write(" [addr=")
    printer.writeNode(network, node)
    printer.write(".", socket)
    printer.out.write("]")
  }
  if printer.writesFields { printer.fields.end() }
}

/// Prints the names of a reply, each with its enumerator, and with its address if that is not the sender's.
private func printTuples(
  _ bytes: PacketBytes, _ count: UInt8, _ source: AppleTalkAddress, _ printer: inout Printer
) throws(DecodeError) {
  var offset = 0
  for _ in 0..<count {
    let tuple = try bytes.dropping(offset)
    let (network, node, socket) = (try tuple.u16(at: 0), try tuple.u8(at: 2), try tuple.u8(at: 3))
    let enumerator = try tuple.u8(at: 4)
    beginTuple(network, node, socket, enumerator, &printer)
    let end = try printEntity(tuple, &printer)
    printer.write("(", enumerator)
    printer.out.write(")")
    if socket != source.socket { printer.write(" ", socket) }
    if network != source.network || node != source.node {
      printer.out.write(" [addr=")
      printer.writeNode(network, node)
      printer.out.write("]")
    }
    if printer.writesFields { printer.fields.end() }
    // After a name that is too long, the start of the next tuple is unknown.
    guard let end else { return }
    offset &+= end
  }
}

private func beginTuple(
  _ network: UInt16, _ node: UInt8, _ socket: UInt8, _ enumerator: UInt8, _ printer: inout Printer
) {
  guard printer.writesFields else { return }
  printer.fields.beginObject()
  printer.fields.write("network_number", network)
  printer.fields.write("node", node)
  printer.fields.write("socket", socket)
  printer.fields.write("enumerator", enumerator)
}

/// ` "OBJECT:TYPE@ZONE"`; returns the end of the tuple, nil if a name is longer than possible.
private func printEntity(_ tuple: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  printer.out.write(" ")
  let keys: InlineArray<3, StaticString> = ["object", "entity_type", "zone"]
  let titles: InlineArray<3, StaticString> = ["\"", ":", "@"]
  var offset = 5
  for index in keys.indices {
    printer.out.write(titles[index])
    let length = Int(try tuple.u8(at: offset))
    if length > 32 {
      printer.write("[len=", length)
      printer.writeFault("]")
      return nil
    }
    let rest = try tuple.dropping(offset &+ 1)
    try printer.write("", keys[index], text: rest.clamped(to: length).withLength(length))
    offset &+= 1 &+ length
  }
  printer.out.write("\"")
  return offset
}

/// Functions of the Transaction Protocol, in the upper two bits of the control field, and its flags.
private enum Transaction {
  static let request: UInt8 = 1
  static let response: UInt8 = 2
  static let release: UInt8 = 3
  static let names: ValueNames = [1: "request", 2: "response", 3: "release"]
  static let exactlyOnce: UInt8 = 0x20
  static let endOfMessage: UInt8 = 0x10
  static let sendStatus: UInt8 = 0x08
  static let flags: FlagNames = [0x20: "XO", 0x10: "EOM", 0x08: "STS"]
}

private let transactionHeaderLength = 8

///     0                         1        2                4           8
///     +----------+--------------+--------+----------------+-----------+------
///     | function | XO EOM STS   | bitmap | transaction ID | user data | data
///     +----------+--------------+--------+----------------+-----------+------
func printTransaction(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, transactionHeaderLength)
  let control = try bytes.u8(at: 0)
  let bitmap = try bytes.u8(at: 1)
  let transaction = try bytes.u16(at: 2)
  let userData = try bytes.u32(at: 4)
  let function = control >> 6
  let length = bytes.length &- transactionHeaderLength
  if printer.enter(.atp) {
    printer.fields.write("function", function, "function_name", Transaction.names)
    printer.fields.write("exactly_once", control & Transaction.exactlyOnce != 0)
    printer.fields.write("end_of_message", control & Transaction.endOfMessage != 0)
    printer.fields.write("send_status", control & Transaction.sendStatus != 0)
    printer.fields.write("bitmap", bitmap)
    printer.fields.write("transaction_id", transaction)
    printer.fields.write("user_data", userData)
  }
  switch function {
  case Transaction.request:
    printer.write(control & Transaction.exactlyOnce == 0 ? " atp-req* " : " atp-req  ", transaction)
    writeBitmap(bitmap, length, &printer)
    writeFlags(" [", control & (Transaction.endOfMessage | Transaction.sendStatus), &printer)
  case Transaction.response:
    printer.write(control & Transaction.endOfMessage == 0 ? " atp-resp " : " atp-resp*", transaction)
    printer.write(":", bitmap)
    printer.write(" (", length)
    printer.out.write(")")
    writeFlags(" [", control & (Transaction.exactlyOnce | Transaction.sendStatus), &printer)
  case Transaction.release:
    printer.write(" atp-rel  ", transaction)
    writeBitmap(bitmap, length, &printer)
    writeFlags("[", control & 0x38, &printer)
  default:
    printer.write(" atp-0x", control, as: .hex(1))
    printer.write("  ", transaction)
    printer.write(" (", length)
    printer.out.write(")")
  }
  if userData != 0 { printer.write(" 0x", userData, as: .hex(1)) }
}

/// `<0-3>` if the requested packets are the first ones, else `<1,4>`; and ` [len=6]` if there is data.
private func writeBitmap(_ bitmap: UInt8, _ length: Int, _ printer: inout Printer) {
  printer.out.write("<")
  if bitmap & (bitmap &+ 1) == 0 {
    printer.out.write("0")
    if bitmap > 1 { printer.write("-", bitmap.nonzeroBitCount &- 1) }
  } else {
    var separator: StaticString = ""
    for bit in 0..<8 where bitmap >> UInt8(bit) & 1 != 0 {
      printer.write(separator, bit)
      separator = ","
    }
  }
  printer.out.write(">")
  guard length > 0 else { return }
  printer.write(" [len=", length)
  printer.out.write("]")
}

private func writeFlags(_ title: StaticString, _ flags: UInt8, _ printer: inout Printer) {
  guard flags != 0 else { return }
  printer.out.write(title)
  printer.write(Transaction.flags, flags, separator: ",")
  printer.out.write("]")
}
