package import Dissect
import PacketCore

extension Layer {
  static let usb = Layer(
    "usb", "Header of Linux's USB monitor", "usbmon, LINKTYPE_USB_LINUX",
    marks: ["usb_linux_48_byte", "usb_linux_64_byte"]
  ) {
    [
      Field("event", .text, "S submitted, C completed, E failed to be submitted.", always: true),
      Field("transfer_type", .uint8, "0 isochronous, 1 interrupt, 2 control, 3 bulk.", always: true),
      Field("bus", .uint16, "Number of the bus.", always: true),
      Field("device", .uint8, "Number of the device on it.", always: true),
      Field("endpoint", .uint8, "Number of the endpoint.", always: true),
      Field("is_input", .flag, "The endpoint is for data to the host.", always: true),
      Field("urb_status", .int32, "Result of the request, or the negative of an error number."),
      Field("urb_length", .uint32, "Bytes that are to be transferred, or that were."),
    ]
  }
}

extension Dissector {
  package static let usbLinux = Dissector(
    name: "usb_linux_48_byte", claims: [.linkType(LinkType(rawValue: 189))], layers: [.usb]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printUSB(bytes, headerLength: 48, &printer)
  }
  package static let usbLinuxMapped = Dissector(
    name: "usb_linux_64_byte", claims: [.linkType(LinkType(rawValue: 220))], layers: [.usb]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printUSB(bytes, headerLength: 64, &printer)
  }
}

private let transferTypes: ValueNames = [0: "ISOCHRONOUS", 1: "INTERRUPT", 2: "CONTROL", 3: "BULK"]
private let interruptTransfer: UInt8 = 1
private let submission = UInt8(ascii: "S")
private let events: ValueNames = [0x43: "COMPLETE", 0x45: "ERROR", 0x53: "SUBMIT"]
private let input: UInt8 = 0x80

///     0    8       9          10         11       12    14                28       32       36
///     +----+-------+----------+----------+--------+-----+------ … -+--------+--------+------
///     | ID | event | transfer | endpoint | device | bus |          | status | length | …          numbers in the host's byte order
///     +----+-------+----------+----------+--------+-----+------ … -+--------+--------+------
private func printUSB(
  _ bytes: PacketBytes, headerLength: Int, _ printer: inout Printer
) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let event = try bytes.u8(at: 8)
  let transfer = try bytes.u8(at: 9)
  let endpoint = try bytes.u8(at: 10)
  let bus = try bytes.u16le(at: 12)
  if printer.enter(.usb) {
    printer.fields.write("event", text: try bytes.slice(at: 8, length: 1))
    printer.fields.write("transfer_type", transfer)
    printer.fields.write("bus", bus)
    printer.fields.write("device", try bytes.u8(at: 11))
    printer.fields.write("endpoint", endpoint & ~input)
    printer.fields.write("is_input", endpoint & input != 0)
    printer.fields.write("urb_status", Int32(bitPattern: try bytes.u32le(at: 28)))
    printer.fields.write("urb_length", try bytes.u32le(at: 32))
  }
  printer.context.linkHeaderLength = headerLength
  printer.write("USB ", transfer, as: .named(transferTypes, unknown: " ?"))
  printer.write(" ", event, as: .named(events, unknown: "?"))
  // For interrupt transfers tcpdump shows the direction of the data, for other transfers that of the request.
  let isSubmission = event == submission
  if transferTypes[transfer] == nil || events[event] == nil {
    printer.out.write(" ")
  } else {
    printer.out.write(isSubmission == (transfer == interruptTransfer) ? " from " : " to ")
  }
  printer.write("", bus)
  printer.write(":", try bytes.u8(at: 11))
  printer.write(":", endpoint & ~input)
}
