import Dissect
import PacketCore

/// One element of the Basic Encoding Rules (X.690), as SNMP uses them (RFC 3417 section 8): the position of its contents and their meaning.
///
///     identifier: class (2 bits), constructed (1), number (5; 31: seven bits in each following byte)
///     length:     7 bits, or the number of bytes that hold it
///     contents
struct BERElement {
  enum Value: Equatable {
    case octets, string, objectIdentifier, null, sequence, internetAddress
    case integer(Int32)
    case unsigned(UInt64)
    case noSuchObject, noSuchInstance, endOfMIBView
    case pdu(UInt8)
    case any
  }

  let value: Value
  /// The contents: the offset of their first byte, and their length in bytes.
  let start: Int
  let length: Int
  /// The names of value types in structured output.
  static let valueTypes: [StaticString] = ["integer", "unsigned", "octets", "object_identifier", "address", "null"]
  /// The kinds of PDU.
  static var pduNames: ValueNames { contextNames }
  /// The end of the element's contents.
  var end: Int { start &+ length }
}

/// Classes of an identifier.
private enum BERClass {
  static let universal: UInt8 = 0
  static let application: UInt8 = 1
  static let context: UInt8 = 2
}

private let universalNames: ValueNames = [
  0: "U-0", 1: "Boolean", 2: "Integer", 3: "Bitstring", 4: "String", 5: "Null", 6: "ObjID", 7: "ObjectDes", 8: "U-8",
  9: "U-9", 10: "U-10", 11: "U-11", 12: "U-12", 13: "U-13", 14: "U-14", 15: "U-15", 16: "Sequence", 17: "Set",
]
private let applicationNames: ValueNames = [
  0: "IpAddress", 1: "Counter", 2: "Gauge", 3: "TimeTicks", 4: "Opaque", 5: "C-5", 6: "Counter64",
]
private let contextNames: ValueNames = [
  0: "GetRequest", 1: "GetNextRequest", 2: "GetResponse", 3: "SetRequest", 4: "Trap", 5: "GetBulk", 6: "Inform",
  7: "V2Trap", 8: "Report",
]
private let privateNames: ValueNames = [0: "P-0"]

private func tagNames(of elementClass: UInt8) -> ValueNames {
  switch elementClass {
  case BERClass.universal: universalNames
  case BERClass.application: applicationNames
  case BERClass.context: contextNames
  default: privateNames
  }
}

extension Printer {
  /// The element at `start`, before `end`; nil after a message about what is wrong with it. Throws `.truncated` if it was not captured
  /// whole.
  mutating func readElement(_ bytes: PacketBytes, at start: Int, end: Int) throws(DecodeError) -> BERElement? {
    guard start < end else {
      writeFault("[nothing to parse]")
      return nil
    }
    var offset = start
    let identifier = try bytes.u8(at: offset)
    let isConstructed = identifier & 0x20 != 0
    let elementClass = identifier >> 6
    var number = identifier & 0x1f
    offset &+= 1
    if number == 0x1f {
      // Numbers that need more than a byte are not in use; overflowing bits are dropped, as tcpdump does.
      number = 0
      while true {
        guard offset < end else {
          writeFault("[Xtagfield?]")
          return nil
        }
        let octet = try bytes.u8(at: offset)
        offset &+= 1
        number = number << 7 | octet & 0x7f
        if octet & 0x80 == 0 { break }
      }
    }
    guard offset < end else {
      writeFault("[no asnlen]")
      return nil
    }
    let first = try bytes.u8(at: offset)
    offset &+= 1
    var length = UInt32(first)
    if first & 0x80 != 0 {
      let octets = Int(first & 0x7f)
      guard octets <= end &- offset else {
        writeShortage("[asnlen? ", end &- offset, "<", UInt32(octets))
        return nil
      }
      length = 0
      for index in 0..<octets { length = length << 8 | UInt32(try bytes.u8(at: offset &+ index)) }
      offset &+= octets
    }
    guard Int(length) <= end &- offset else {
      writeShortage("[len", end &- offset, "<asnlen", length)
      return nil
    }
    guard let name = tagNames(of: elementClass)[number] else {
      writeFault(isConstructed ? "[id?C/x/" : "[id?P/x/")
      out.write(decimal: number)
      out.write("]")
      return nil
    }
    try bytes.check(offset, Int(length))
    let contents = try bytes.slice(at: offset, length: Int(length))
    guard
      let value = try elementValue(contents, elementClass, isConstructed: isConstructed, number: number, name: name)
    else { return nil }
    return BERElement(value: value, start: offset, length: Int(length))
  }

  private mutating func writeShortage(_ opening: StaticString, _ there: Int, _ between: StaticString, _ wanted: UInt32)
  {
    writeFault(opening)
    out.write(decimal: there)
    out.write(between)
    out.write(decimal: wanted)
    out.write("]")
  }

  private mutating func elementValue(
    _ contents: PacketBytes, _ elementClass: UInt8, isConstructed: Bool, number: UInt8, name: StaticString
  ) throws(DecodeError) -> BERElement.Value? {
    switch (elementClass, isConstructed, number) {
    case (BERClass.universal, false, 2):
      guard contents.count > 0 else {
        writeFault("[asnlen=0]")
        return nil
      }
      var value: Int32 = try contents.u8(at: 0) & 0x80 != 0 ? -1 : 0
      var isWhole = true
      for index in 0..<contents.count {
        isWhole = isWhole && (value << 8) >> 8 == value
        value = value << 8 | Int32(try contents.u8(at: index))
      }
      if !isWhole { noteInvalid() }
      return .integer(value)
    case (BERClass.universal, false, 4): return .string
    case (BERClass.universal, false, 5): return .null
    case (BERClass.universal, false, 6): return .objectIdentifier
    case (BERClass.universal, true, 16): return .sequence
    case (BERClass.application, false, 0): return .internetAddress
    case (BERClass.application, false, 1...3), (BERClass.application, false, 6):
      var value: UInt64 = 0
      var isWhole = true
      for index in 0..<contents.count {
        isWhole = isWhole && (value << 8) >> 8 == value
        value = value << 8 | UInt64(try contents.u8(at: index))
      }
      let limit = number == 6 ? UInt64.max : UInt64(UInt32.max)
      if !isWhole || value > limit { noteInvalid() }
      return .unsigned(value & limit)
    case (BERClass.context, false, 0): return .noSuchObject
    case (BERClass.context, false, 1): return .noSuchInstance
    case (BERClass.context, false, 2): return .endOfMIBView
    case (BERClass.context, false, _): return .any
    case (BERClass.context, true, _): return .pdu(number)
    default:
      let letter: StaticString =
        elementClass == BERClass.universal
        ? "/U/" : elementClass == BERClass.application && !isConstructed ? "/A/" : "/x/"
      out.write(isConstructed ? "C" : "[P")
      out.write(letter)
      out.write(name)
      if !isConstructed { out.write("]") }
      return .octets
    }
  }

  /// Writes the contents of an element.
  mutating func write(_ element: BERElement, of bytes: PacketBytes) throws(DecodeError) {
    let contents = try bytes.slice(at: element.start, length: element.length)
    switch element.value {
    case .octets: try writeUnderscored(contents, leading: true)
    case .string: try writeOctetString(contents)
    case .objectIdentifier: try writeObjectIdentifier(contents)
    case .null: break
    case .sequence:
      out.write("Seq(")
      out.write(decimal: element.length)
      out.write(")")
    case .internetAddress:
      if element.length != 4 { writeFault("[inetaddr len!=4]") }
      for index in 0..<element.length {
        if index > 0 { out.write(".") }
        out.write(decimal: try contents.u8(at: index))
      }
    case .integer(let value): out.write(decimal: value)
    case .unsigned(let value): out.write(decimal: value)
    case .noSuchObject: out.write("[noSuchObject]")
    case .noSuchInstance: out.write("[noSuchInstance]")
    case .endOfMIBView: out.write("[endOfMibView]")
    case .pdu(let type):
      write(contextNames, type, unknown: "")
      out.write("(")
      out.write(decimal: element.length)
      out.write(")")
    case .any: out.write("[BE_ANY!?]")
    }
  }

  /// The same as a member: a number, an address, an object identifier, text if an octet string is printable, else bytes.
  mutating func record(_ key: StaticString, _ element: BERElement, of bytes: PacketBytes) throws(DecodeError) {
    guard writesFields else { return }
    let contents = try bytes.slice(at: element.start, length: element.length)
    switch element.value {
    case .string where try isPrintable(contents): fields.write(key, text: contents)
    case .objectIdentifier:
      let held = beginHeldText()
      defer { endHeldText(held) }
      try writeObjectIdentifier(contents)
      // The text begins with a dot, which the member leaves out.
      fields.write(key, text: out, from: held.start &+ 1)
    case .internetAddress where element.length == 4: fields.write(key, try contents.ipv4(at: 0))
    case .integer(let value): fields.write(key, value)
    case .unsigned(let value): fields.write(key, value)
    default: fields.write(key, hex: contents)
    }
  }

  /// The value of a variable: its type, and a member named after the form of the value.
  mutating func recordValue(_ element: BERElement, of bytes: PacketBytes) throws(DecodeError) {
    guard writesFields else { return }
    switch element.value {
    case .noSuchObject: fields.write("exception", "noSuchObject")
    case .noSuchInstance: fields.write("exception", "noSuchInstance")
    case .endOfMIBView: fields.write("exception", "endOfMibView")
    case .null: fields.write("value_type", "null")
    case .integer(let value):
      fields.write("value_type", "integer")
      fields.write("number", value)
    case .unsigned(let value):
      fields.write("value_type", "unsigned")
      fields.write("number", value)
    case .objectIdentifier:
      fields.write("value_type", "object_identifier")
      try record("text", element, of: bytes)
    case .internetAddress where element.length == 4:
      fields.write("value_type", "address")
      try record("text", element, of: bytes)
    case .string:
      fields.write("value_type", "octets")
      let contents = try bytes.slice(at: element.start, length: element.length)
      try record(try isPrintable(contents) ? "text" : "data", element, of: bytes)
    case .octets, .sequence, .any, .pdu, .internetAddress:
      fields.write("value_type", "octets")
      try record("data", element, of: bytes)
    }
  }

  /// Bytes in hexadecimal, with `_` between them or before each.
  mutating func writeUnderscored(_ contents: PacketBytes, leading: Bool) throws(DecodeError) {
    for index in 0..<contents.count {
      if leading || index > 0 { out.write("_") }
      out.write(hex: try contents.u8(at: index), width: 2)
    }
  }

  private func isPrintable(_ contents: PacketBytes) throws(DecodeError) -> Bool {
    for index in 0..<contents.count where !(0x20...0x7e).contains(try contents.u8(at: index)) { return false }
    return true
  }

  /// Text in quotation marks, or in hexadecimal if any of its bytes is not printable.
  private mutating func writeOctetString(_ contents: PacketBytes) throws(DecodeError) {
    guard try isPrintable(contents) else {
      try writeUnderscored(contents, leading: false)
      return
    }
    out.write("\"")
    out.write(escaped: contents)
    out.write("\"")
  }

  /// Numbers, each after a dot; the first bytes hold the first two numbers.
  private mutating func writeObjectIdentifier(_ contents: PacketBytes) throws(DecodeError) {
    var number: UInt32 = 0
    var isFirst = true
    for index in 0..<contents.count {
      let octet = try contents.u8(at: index)
      number = number << 7 | UInt32(octet & 0x7f)
      if octet & 0x80 != 0 { continue }
      out.write(".")
      if isFirst {
        let top = min(number / 40, 2)
        out.write(decimal: top)
        out.write(".")
        number -= top * 40
        isFirst = false
      }
      out.write(decimal: number)
      number = 0
    }
  }
}
