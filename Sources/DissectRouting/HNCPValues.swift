import Dissect
import PacketCore

///     0 address of a DNS server (16)  16 reserved, flags  17 domain name, TLVs      RFC 7788 section 10.5
///
/// Returns the number of bytes before the TLVs; nil if none follow.
func printHNCPZone(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  writeHNCPAddress(" IP-Address: ", try value.ipv6(at: 0), &printer)
  let flags = try value.u8(at: 16)
  if printer.writesFields { printer.fields.write("zone_flags", flags & 7) }
  printer.out.write(" ")
  printer.out.write(byte: flags & 4 != 0 ? UInt8(ascii: "l") : UInt8(ascii: "-"))
  printer.out.write(byte: flags & 2 != 0 ? UInt8(ascii: "b") : UInt8(ascii: "-"))
  printer.out.write(byte: flags & 1 != 0 ? UInt8(ascii: "s") : UInt8(ascii: "-"))
  printer.out.write(" ")
  guard let length = try writeHNCPDomain(try value.dropping(17), &printer) else {
    printer.writeFault(" (invalid)")
    return nil
  }
  return 17 &+ length
}

///     0 address (16)  16 length of the name  17 name, TLVs      RFC 7788 section 10.7
func printHNCPNodeName(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  let length = Int(try value.u8(at: 16))
  guard value.length >= 17 &+ length else {
    printer.writeFault(" (invalid)")
    return nil
  }
  writeHNCPAddress(" IP-Address: ", try value.ipv6(at: 0), &printer)
  printer.out.write(" Name: ")
  if length <= maximumLabelLength {
    let name = try value.slice(at: 17, length: length)
    try printer.write("\"", "name", text: name.clamped(to: try name.lengthToNUL()))
    printer.out.write("\"")
  } else {
    printer.writeFault(" (invalid)")
  }
  return 17 &+ length
}

/// Maximum length of a label of a domain name, in bytes (RFC 1035 section 3.1).
private let maximumLabelLength = 63

/// An IPv6 address, or the IPv4 address that is mapped in it.
func writeHNCPAddress(_ title: StaticString, _ address: IPv6Address, _ printer: inout Printer) {
  if let mapped = address.mappedIPv4 {
    printer.write(title, "address", mapped)
  } else {
    printer.write(title, "address", address)
  }
}

extension IPv6Address {
  /// The IPv4 address inside an IPv4-mapped address (RFC 4291 section 2.5.5.2).
  var mappedIPv4: IPv4Address? {
    rawValue >> 32 == 0xffff ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: rawValue)) : nil
  }
}

/// A domain name without compression (RFC 1035 section 3.1), shown without its last dot; returns its length in bytes. A name without an end
/// is marked `[|DNS]`, and nil is returned.
func writeHNCPDomain(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  printer.fields.domainName.removeAll()
  var length = 0
  var list = printer.openList(bytes, .counted(1))
  while let label = try printer.next(&list) {
    length &+= label.size
    if label.length == 0 {
      if label.isFirst { printer.fields.domainName.write(".") }
      if printer.writesFields { printer.fields.writeDomainName("domain") }
      return length
    }
    if !label.isFirst { printer.out.write(".") }
    printer.out.write(escaped: label.value.clamped(to: try label.value.withLength(label.value.count).lengthToNUL()))
    if label.isTooLong { break }
    if printer.writesFields {
      printer.fields.domainName.write(label: label.value)
      printer.fields.domainName.write(".")
    }
  }
  printer.writeFault("[|DNS]")
  return nil
}

/// How the data of a DHCP option is written; only options that hosts in a home network need have a form.
private enum OptionForm { case addresses, domains }

/// Options of DHCPv4 and their data (RFC 2132, RFC 3397).
private let version4Options: OptionTable<OptionForm> = [
  6: OptionRow("DNS-server", .addresses), 42: OptionRow("NTP-server", .addresses),
  119: OptionRow("DNS-search", .domains),
]
/// Options of DHCPv6 and their data (RFC 3646, RFC 4075).
private let version6Options: OptionTable<OptionForm> = [
  23: OptionRow("DNS-server", .addresses), 24: OptionRow("DNS-search-list", .domains),
  31: OptionRow("SNTP-servers", .addresses),
]

/// DHCPv4 options, one on each line. Returns false if one is invalid: nothing after the TLV is shown then.
func printHNCPData4(_ value: PacketBytes, depth: Int, _ printer: inout Printer) throws(DecodeError) -> Bool {
  var list = printer.openList(value, OptionLayout(shortHeader: .endsList), objects: "options")
  while let option = try printer.next(&list) {
    let row = version4Options[type: option.type]
    writeOptionTitle(row, option.type, size: option.size, depth, &printer)
    var isGood = !option.isTooLong
    if isGood {
      switch row?.form {
      case .addresses where option.length == 0: isGood = false
      case .addresses: isGood = try writeAddresses(option.value, size: 4, &printer)
      case .domains: isGood = try writeDomains(option.value, &printer)
      case nil: if printer.writesFields { printer.fields.write("data", hex: option.value) }
      }
    }
    if !isGood {
      printer.writeFault(" (invalid)")
      printer.stop(&list)
      return false
    }
  }
  if list.remaining == 0 { return true }
  printer.writeFault(" (invalid)")
  return false
}

/// DHCPv6 options, one on each line.
func printHNCPData6(_ value: PacketBytes, depth: Int, _ printer: inout Printer) throws(DecodeError) {
  let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, shortHeader: .endsList)
  var list = printer.openList(value, layout, objects: "options")
  while let option = try printer.next(&list) {
    let row = version6Options[type: option.type]
    writeOptionTitle(row, option.type, size: option.size, depth, &printer)
    if option.isTooLong {
      printer.writeFault(" (invalid)")
      return printer.stop(&list)
    }
    switch row?.form {
    case .addresses:
      if try writeAddresses(option.value, size: 16, &printer) { continue }
      // One mark for the option, and one for the data.
      printer.writeFault(" (invalid) (invalid)")
      return printer.stop(&list)
    case .domains:
      if try writeDomains(option.value, &printer) { continue }
      printer.writeFault(" (invalid)")
      return printer.stop(&list)
    case nil: if printer.writesFields { printer.fields.write("data", hex: option.value) }
    }
  }
  if list.remaining > 0 { printer.writeFault(" (invalid)") }
}

private func writeOptionTitle(
  _ row: OptionRow<OptionForm>?, _ code: UInt32, size: Int, _ depth: Int, _ printer: inout Printer
) {
  if printer.writesFields {
    printer.fields.write("code", code)
    if let row { printer.fields.write("name", row.name) }
  }
  printer.writeLineStart(depth)
  printer.out.write(row?.name ?? "Unknown")
  printer.write(" (", size)
  printer.out.write(")")
}

/// Addresses of `size` bytes; false if the length is not a multiple of that.
private func writeAddresses(
  _ data: PacketBytes, size: Int, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  guard data.length % size == 0 else { return false }
  var list = printer.openList(data, .elements(of: size == 4 ? 4 : 16), array: "addresses")
  while let address = try printer.next(&list) {
    if size == 4 {
      printer.writeElement(" ", try address.value.ipv4(at: 0))
    } else {
      printer.writeElement(" ", try address.value.ipv6(at: 0))
    }
  }
  return true
}

/// Consecutive domain names; false if one has no end.
private func writeDomains(_ data: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Bool {
  var offset = 0
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("domains") }
  while offset < data.length {
    printer.out.write(" ")
    do throws(DecodeError) {
      // Each name has at least one byte.
      offset = try printer.writeDomainName(data, at: offset)
    } catch {
      printer.fields.end(downTo: level)
      return false
    }
    if printer.writesFields { printer.fields.elementDomainName() }
  }
  printer.fields.end(downTo: level)
  return true
}
