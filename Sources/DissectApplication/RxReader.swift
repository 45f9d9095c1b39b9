import Dissect
import PacketCore

/// Reads the arguments of a procedure in order.
///
/// A truncated number ends the packet (`.truncated`). Items whose length is checked first are not printed at all if they are truncated; the
/// functions then return false.
struct RxReader: ~Escapable {
  private let bytes: PacketBytes
  private var offset = 0

  @_lifetime(copy bytes)
  init(_ bytes: PacketBytes) { self.bytes = bytes }

  /// Prints the next item.
  mutating func print(_ item: RxItem, _ printer: inout Printer) throws(DecodeError) -> Bool {
    switch item {
    case .int(let name):
      printer.write(word: name)
      let number = Int32(bitPattern: try word())
      printer.out.write(" ")
      printer.out.write(decimal: number)
      printer.recordRx(name) { $0.write("signed", number) }
    case .number(let name):
      printer.write(word: name)
      printer.writeRx(UInt64(try word()), name)
    case .long(let name):
      printer.write(word: name)
      let upper = UInt64(try word())
      printer.writeRx(upper << 32 | UInt64(try word()), name)
    case .word(let name): printer.write(word: name)
    case .text(let name, let maximum): return try printText(name, maximum, &printer)
    case .wideText(let name, let count): return try printWideText(name, count, &printer)
    case .file(let name): return try printFile(name, &printer)
    case .date(let name):
      printer.write(word: name)
      printer.out.write(" ")
      let seconds = try word()
      let text = printer.beginRxText()
      printer.writeUTC(seconds: Int64(seconds), separator: " ", zone: "")
      printer.endRxText(text, name)
    case .version(let name):
      printer.write(word: name)
      printer.out.write(" ")
      let (epoch, counter) = (try word(), try word())
      let text = printer.beginRxText()
      printer.out.write(decimal: epoch)
      printer.write(".", counter)
      printer.endRxText(text, name)
    case .uuid(let name): return try printUUID(name, &printer)
    case .volumeType:
      let type = try word()
      if let name = volumeTypes[type] {
        printer.write(word: "type")
        printer.write(word: name)
      }
      printer.recordRx("type") { $0.write("number", type) }
    case .status: try printStatus(&printer)
    case .accessList: return try printAccessList(&printer)
    case .server: try printServer(&printer)
    case .isSyncSite:
      printer.write(word: "syncsite")
      let isSite: UInt32 = try word() == 0 ? 0 : 1
      printer.write(word: isSite == 0 ? "no" : "yes")
      printer.recordRx("syncsite") { $0.write("number", isSite) }
    case .files: return try printList(of: .file(), separator: ",", &printer)
    case .identifiers(let name):
      printer.write(word: name)
      return try printList(of: .int(""), separator: "", &printer)
    case .names: return try printList(of: .wideText("", 64), separator: "", &printer)
    case .servers: return try printList(of: .server, separator: ",", &printer)
    case .volumes: return try printList(of: .volume, separator: ",", &printer)
    case .volume: return try printVolume(&printer)
    case .volumeEntry(let places, let hasReserved, let hasUUIDs):
      return try printVolumeEntry(places, hasReserved, hasUUIDs, &printer)
    }
    return true
  }

  private mutating func word() throws(DecodeError) -> UInt32 {
    let number = try bytes.u32(at: offset)
    offset &+= 4
    return number
  }

  /// The number of elements, and the elements; ` <none!>` if there are none.
  private mutating func printList(
    of element: RxItem, separator: StaticString, _ printer: inout Printer
  ) throws(DecodeError) -> Bool {
    let count = try word()
    if count == 0 { printer.out.write(" <none!>") }
    for index in 0..<count {
      if index > 0 { printer.out.write(separator) }
      guard try print(element, &printer) else { return false }
    }
    return true
  }

  // MARK: Text

  /// A length, text, and padding to a multiple of four bytes.
  private mutating func printText(
    _ name: StaticString, _ maximum: Int, _ printer: inout Printer
  ) throws(DecodeError) -> Bool {
    printer.write(word: name)
    let length = Int(try word())
    guard length <= maximum, bytes.has(offset, length) else { return false }
    let text = try bytes.slice(at: offset, length: length)
    offset &+= (length &+ 3) / 4 &* 4
    printer.out.write(" \"")
    let held = printer.beginRxText()
    printer.out.write(escaped: text)
    printer.endRxText(held, name)
    printer.out.write("\"")
    return true
  }

  /// Text of `count` characters, each in a word, up to the first zero.
  private mutating func printWideText(
    _ name: StaticString, _ count: Int, _ printer: inout Printer
  ) throws(DecodeError) -> Bool {
    guard bytes.has(offset, count &* 4) else { return false }
    printer.out.write(" \"")
    let held = printer.beginRxText()
    for index in 0..<count {
      let character = UInt8(truncatingIfNeeded: try bytes.u32(at: offset &+ index &* 4))
      if character == 0 { break }
      printer.out.write(escaped: character)
    }
    printer.endRxText(held, name)
    printer.out.write("\"")
    offset &+= count &* 4
    return true
  }

  // MARK: Files

  private mutating func printFile(_ name: StaticString, _ printer: inout Printer) throws(DecodeError) -> Bool {
    printer.write(word: name)
    guard bytes.has(offset, 12) else { return false }
    printer.out.write(" fid ")
    let held = printer.beginRxText()
    printer.out.write(decimal: try word())
    printer.write("/", try word())
    printer.write("/", try word())
    printer.endRxText(held, "fid")
    return true
  }

  /// 0 which of the other words are valid  4 time  8 owner  12 group  16 mode  20 size of segments (4 each)
  private mutating func printStatus(_ printer: inout Printer) throws(DecodeError) {
    let mask = try word()
    if mask != 0 { printer.write(word: "StoreStatus") }
    for (bit, name) in statusMembers {
      guard mask & bit != 0 else {
        offset &+= 4
        continue
      }
      if bit == 1 {
        _ = try print(.date(name), &printer)
      } else if bit == 8 {
        printer.write(word: name)
        let mode = try word()
        printer.writeOctal(" ", mode)
        printer.recordRx(name) { $0.write("number", mode) }
      } else {
        _ = try print(.number(name), &printer)
      }
    }
  }

  /// A length and text: the numbers of users with positive and with negative rights, each on a line, then a line with a name and a number
  /// for each user.
  private mutating func printAccessList(_ printer: inout Printer) throws(DecodeError) -> Bool {
    let length = Int(try word())
    guard bytes.has(offset, length) else { return false }
    let text = try bytes.slice(at: offset, length: length)
    offset &+= (length &+ 3) / 4 &* 4
    var place = 0
    let allowed = text.decimal(at: &place)
    let denied = text.decimal(at: &place)
    guard let allowed, let denied else { return false }
    for index in 0..<min(allowed &+ denied, UInt32(text.length)) {
      let start = place
      while place < text.length, try text.u8(at: place) > 0x20 { place &+= 1 }
      let user = try text.slice(at: start, length: place &- start)
      guard user.length > 0, let rights = text.decimal(at: &place) else { return false }
      printer.out.write(index < allowed ? " +{" : " -{")
      let held = printer.beginRxText()
      printer.out.write(escaped: user)
      printer.out.write(" ")
      printer.write(rightLetters, rights, separator: "", none: "")
      printer.endRxText(held, index < allowed ? "allowed" : "denied")
      printer.out.write("}")
    }
    return true
  }

  // MARK: Volumes

  private mutating func printUUID(_ name: StaticString, _ printer: inout Printer) throws(DecodeError) -> Bool {
    printer.write(word: name)
    guard bytes.has(offset, 44) else { return false }
    printer.out.write(" ")
    let held = printer.beginRxText()
    printer.out.write(hex: try word(), width: 8)
    for index in 0..<10 {
      let part = try word()
      printer.out.write(hex: index < 2 ? part & 0xffff : part & 0xff, width: index < 2 ? 4 : 2)
    }
    printer.endRxText(held, "uuid")
    return true
  }

  private mutating func printServer(_ printer: inout Printer) throws(DecodeError) {
    printer.out.write(" server ")
    let held = printer.beginRxText()
    printer.out.write(decimal: try word())
    printer.write(":", try word())
    printer.write(":", try word())
    printer.endRxText(held, "server")
  }

  /// A name of 32 characters, each in a word, the number of the volume, and 21 more words.
  private mutating func printVolume(_ printer: inout Printer) throws(DecodeError) -> Bool {
    printer.write(word: "name")
    guard try printWideText("name", 32, &printer) else { return false }
    _ = try print(.number("volid"), &printer)
    printer.write(word: "type")
    offset &+= 84
    return true
  }

  /// The name in 65 words, the number of servers, and for each place a server, its partition and one more word; then the numbers of the
  /// volume and of its read-only and backup copies.
  private mutating func printVolumeEntry(
    _ places: Int, _ hasReserved: Bool, _ hasUUIDs: Bool, _ printer: inout Printer
  ) throws(DecodeError) -> Bool {
    guard try printWideText("name", 65, &printer) else { return false }
    if hasReserved { offset &+= 4 }
    printer.write(word: "numservers")
    let count = try word()
    printer.write(" ", count)
    printer.write(word: "servers")
    for index in 0..<places {
      let isUsed = index < Int(count)
      if hasUUIDs {
        if isUsed {
          guard try printUUID("afsuuid", &printer) else { return false }
        } else {
          offset &+= 44
        }
      } else if isUsed {
        let server = IPv4Address(rawValue: try word())
        printer.write(" ", server)
        printer.recordRx("server") { $0.write("address", server) }
      } else {
        offset &+= 4
      }
    }
    if hasUUIDs { offset &+= places &* 4 }
    printer.write(word: "partitions")
    for index in 0..<places {
      guard index < Int(count) else {
        offset &+= 4
        continue
      }
      let partition = try word()
      printer.out.write(" ")
      if partition < 26 {
        printer.out.write(byte: UInt8(ascii: "a") &+ UInt8(truncatingIfNeeded: partition))
      } else {
        printer.out.write(decimal: partition)
      }
      printer.recordRx("partition") { $0.write("number", partition) }
    }
    offset &+= places &* 4
    _ = try print(.number("rwvol"), &printer)
    _ = try print(.number("rovol"), &printer)
    return try print(.number("backup"), &printer)
  }
}

private let volumeTypes: ValueNames = [0: "read-write", 1: "read-only", 2: "backup"]
private let statusMembers: [(bit: UInt32, name: StaticString)] = [
  (1, "date"), (2, "owner"), (4, "group"), (8, "mode"), (16, "segsize"),
]
/// Rights to read, look up, insert, delete, write, lock and administer, and eight whose meaning each site defines.
private let rightLetters: FlagNames = [
  0x01: "r", 0x08: "l", 0x04: "i", 0x10: "d", 0x02: "w", 0x20: "k", 0x40: "a", 0x0100_0000: "A", 0x0200_0000: "B",
  0x0400_0000: "C", 0x0800_0000: "D", 0x1000_0000: "E", 0x2000_0000: "F", 0x4000_0000: "G", 0x8000_0000: "H",
]

extension PacketBytes {
  /// The decimal number after spaces and line feeds; nil if there is none. `offset` is moved past it.
  fileprivate func decimal(at offset: inout Int) -> UInt32? {
    var number: UInt32 = 0
    var digits = 0
    while let octet = try? u8(at: offset), octet == UInt8(ascii: " ") || octet == UInt8(ascii: "\n") { offset &+= 1 }
    while let octet = try? u8(at: offset), (0x30...0x39).contains(octet) {
      number = number &* 10 &+ UInt32(octet &- 0x30)
      digits &+= 1
      offset &+= 1
    }
    return digits > 0 ? number : nil
  }
}

extension Printer {
  /// A space and a word; writes nothing if the word is empty.
  fileprivate mutating func write(word: StaticString) {
    guard word.utf8CodeUnitCount > 0 else { return }
    out.write(" ")
    out.write(word)
  }

  fileprivate mutating func writeRx(_ number: UInt64, _ name: StaticString) {
    write(" ", number)
    recordRx(name) { $0.write("number", number) }
  }

  /// An item of structured output.
  fileprivate mutating func recordRx(_ name: StaticString, _ write: (inout FieldWriter) -> Void) {
    guard writesFields else { return }
    fields.beginObject()
    if name.utf8CodeUnitCount > 0 { fields.write("name", name) }
    write(&fields)
    fields.end()
  }

  /// Begins text that is also recorded as an item of structured output.
  fileprivate mutating func beginRxText() -> HeldText? { writesFields ? beginHeldText() : nil }

  fileprivate mutating func endRxText(_ text: HeldText?, _ name: StaticString) {
    guard let text else { return }
    fields.beginObject()
    if name.utf8CodeUnitCount > 0 { fields.write("name", name) }
    fields.write("text", text: out, from: text.start)
    fields.end()
    endHeldText(text)
  }
}
