import Dissect
import PacketCore

/// What identifies a call; its reply has the same, with source and destination swapped.
struct RxCall: Equatable {
  let number: UInt32
  let service: UInt16
  var source: UInt128
  var destination: UInt128
  var ports: (source: UInt16, destination: UInt16)

  init(
    _ number: UInt32, _ service: UInt16, _ network: NetworkHeader, _ ports: (source: UInt16, destination: UInt16)
  ) {
    self.number = number
    self.service = service
    source = network.source
    destination = network.destination
    self.ports = ports
  }

  /// The call with source and destination swapped: the one that a reply answers.
  var reversed: RxCall {
    var call = self
    swap(&call.source, &call.destination)
    swap(&call.ports.source, &call.ports.destination)
    return call
  }

  static func == (one: RxCall, other: RxCall) -> Bool {
    one.number == other.number && one.service == other.service && one.source == other.source
      && one.destination == other.destination && one.ports == other.ports
  }
}

/// The procedures of the most recent calls, which are needed to read their replies.
private final class Calls {
  private var entries: [(call: RxCall, operation: UInt32)?] = Array(repeating: nil, count: 64)
  private var next = 0
  /// The index of the call of the last reply.
  private var found = 0

  func remember(_ call: RxCall, _ operation: UInt32) {
    entries[next] = (call, operation)
    next = (next + 1) % entries.count
  }

  /// The procedure of a call; nil if it was not seen. The search begins with the call that was found last. Several calls may have the same
  /// number, since each connection counts on its own: the right one is probably near that call.
  func operation(of call: RxCall) -> UInt32? {
    for distance in 0..<entries.count {
      let index = (found + distance) % entries.count
      guard let entry = entries[index], entry.call == call else { continue }
      found = index
      return entry.operation
    }
    return nil
  }
}

private let calls = ProtocolState { Calls() }

/// Prints the first packet of a call: the procedure, and its arguments.
func printRxCall(_ body: PacketBytes, _ call: RxCall, _ printer: inout Printer) throws(DecodeError) {
  if body.has(0, 4) { printer.state(calls).remember(call, try body.u32(at: 0)) }
  guard body.length > 0, let service = RxService.ofPort(call.ports.destination) else { return }
  let number = try body.u32(at: 0)
  let operation = writeTitle(service, number, isReply: false, &printer)
  guard let operation else { return }
  try printItems(try body.dropping(4), operation.call, operation.mark, &printer)
}

/// Prints the first packet of a reply, or the reason for an abort.
func printRxReply(
  _ body: PacketBytes, _ call: RxCall, isAbort: Bool, _ printer: inout Printer
) throws(DecodeError) {
  guard body.length > 0, let service = RxService.ofPort(call.ports.source) else { return }
  guard let number = printer.state(calls).operation(of: call.reversed) else { return }
  let operation = writeTitle(service, number, isReply: true, &printer)
  if isAbort {
    let error = try body.u32(at: 0)
    if printer.writesFields { printer.fields.write("error_code", Int32(bitPattern: error)) }
    guard service.name.isEqual(to: "fs") else {
      printer.out.write(" errcode ")
      return printer.out.write(decimal: Int32(bitPattern: error))
    }
    printer.out.write(" error ")
    if let name = fileErrors[error] {
      if printer.writesFields { printer.fields.write("error_code_name", name) }
      return printer.out.write(name)
    }
    printer.out.write("#")
    return printer.out.write(decimal: Int32(bitPattern: error))
  }
  guard let operation else { return }
  try printItems(body, operation.reply, operation.mark, &printer)
}

/// Errors of a file server.
private let fileErrors: ValueNames = [
  101: "salvage volume", 102: "no such vnode", 103: "no such volume", 104: "volume exist", 105: "no service",
  106: "volume offline", 107: "voline online", 108: "diskfull", 109: "diskquota exceeded", 110: "volume busy",
  111: "volume moved", 112: "AFS IO error",
]

/// Writes ` fs call fetch-data`; returns the items of the procedure and the truncation mark of its service, nil for an unknown procedure.
private func writeTitle(
  _ service: RxService, _ number: UInt32, isReply: Bool, _ printer: inout Printer
) -> (call: [RxItem], reply: [RxItem], mark: StaticString)? {
  let ubik = service.hasUbik ? RxService.ubik.operations[number] : nil
  let operation = ubik ?? service.operations[number]
  if printer.writesFields {
    printer.fields.write("service_name", ubik == nil ? service.name : RxService.ubik.name)
    printer.fields.write("direction", isReply ? "reply" : "call")
    printer.fields.write("operation", number)
    if let operation { printer.fields.write("operation_name", operation.name) }
  }
  printer.out.write(" ")
  printer.out.write(service.name)
  if ubik != nil { printer.out.write(" ubik") }
  printer.out.write(isReply ? " reply " : " call ")
  guard let operation else {
    printer.write("op#", number)
    return nil
  }
  printer.out.write(operation.name)
  return (operation.call, operation.reply, ubik == nil ? service.mark : RxService.ubik.mark)
}

/// Prints arguments or results, up to where the packet is truncated. A truncated number ends the whole packet; anything else that is
/// truncated only ends the text of the procedure.
private func printItems(
  _ bytes: PacketBytes, _ items: [RxItem], _ mark: StaticString, _ printer: inout Printer
) throws(DecodeError) {
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("items") }
  var reader = RxReader(bytes)
  for item in items {
    guard try reader.print(item, &printer) else {
      printer.out.write(" ")
      printer.writeTruncation(of: mark)
      break
    }
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}
