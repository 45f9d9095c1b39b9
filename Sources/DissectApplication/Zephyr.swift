package import Dissect
import PacketCore

extension Layer {
  static let zephyr = Layer("zephyr", "Zephyr notification protocol of MIT's Project Athena", "") {
    [
      Field("kind", .uint32, "Kind of notice."),
      Field("kind_name", .text, "Name of the kind."),
      Field("notice_class", .text, "Class of the notice."),
      Field("notice_instance", .text, "Instance of the class."),
      Field("notice_operation", .text, "What is to be done."),
      Field("sender", .text, "Who has sent it."),
      Field("recipient", .text, "Who is to get it; empty for all who have subscribed."),
    ]
  }
}

extension Dissector {
  package static let zephyr = Dissector(
    name: "zephyr", claims: [.udpPort(2103), .udpPort(2104)], layers: [.zephyr], print: printZephyr)
}

/// Fields of a notice in order; each is text that ends with a zero.
private enum Part {
  static let version = 0
  static let count = 1
  static let kind = 2
  static let noticeClass = 8
  static let instance = 9
  static let operation = 10
  static let sender = 11
  static let recipient = 12
  /// The first field after the header.
  static let other = 17
  static let number = 20
}

private let kinds: ValueNames = [
  0: "unsafe", 1: "unacked", 2: "acked", 3: "hm-ack", 4: "hm-ctl", 5: "serv-ack", 6: "serv-nak", 7: "client-ack",
  8: "stat",
]

/// Offsets and lengths of the fields in the packet.
private struct Parts {
  var starts = InlineArray<20, Int>(repeating: 0)
  var lengths = InlineArray<20, Int>(repeating: 0)
  /// The first field that was not captured whole.
  var cut = Part.number

  @_lifetime(copy bytes)
  func part(_ number: Int, of bytes: PacketBytes) throws(DecodeError) -> PacketBytes {
    if number >= cut { throw .truncated }
    return try bytes.slice(at: starts[number], length: lengths[number])
  }
}

@Sendable
private func printZephyr(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var parts = Parts()
  var offset = 0
  for number in 0..<Part.number {
    if number == Part.other { break }
    guard let end = try endOfText(bytes, at: offset) else { throw .invalid }
    parts.starts[number] = offset
    parts.lengths[number] = end &- offset
    offset = end &+ 1
    // Other protocols use these ports, too.
    if number == Part.version, try !parts.part(number, of: bytes).begins(with: "ZEPH") { return }
  }
  // The fields after the header are optional.
  var number = Part.other
  do {
    while number < Part.number, offset < bytes.length, let end = try endOfText(bytes, at: offset) {
      parts.starts[number] = offset
      parts.lengths[number] = end &- offset
      offset = end &+ 1
      number &+= 1
    }
  } catch {
    parts.cut = number
  }
  let kind = try parts.part(Part.kind, of: bytes).hexadecimal
  let (noticeClass, instance) = (
    try parts.part(Part.noticeClass, of: bytes), try parts.part(Part.instance, of: bytes)
  )
  let (operation, sender) = (try parts.part(Part.operation, of: bytes), try parts.part(Part.sender, of: bytes))
  let recipient = try parts.part(Part.recipient, of: bytes)
  if printer.enter(.zephyr) {
    printer.fields.write("kind", kind, "kind_name", kinds)
    printer.fields.write("notice_class", text: noticeClass)
    printer.fields.write("notice_instance", text: instance)
    printer.fields.write("notice_operation", text: operation)
    printer.fields.write("sender", text: sender)
    printer.fields.write("recipient", text: recipient)
  }
  printer.write(" zephyr ", kind, as: .named(kinds, unknown: .decimal("type ")))
  if kind == 5 {
    // The identifier of the acknowledged notice.
    printer.out.write("/")
    printer.out.write(escaped: try parts.part(Part.other, of: bytes))
  }
  if sender.length > 0 {
    printer.out.write(" ")
    printer.out.write(escaped: sender)
  }
  if noticeClass.isWord("ZEPHYR_CTL"), let name = controlName(instance, operation) {
    printer.out.write(" ")
    printer.out.write(name)
    if name.hasTriple {
      try printer.writeTriple(
        " ", try parts.part(Part.other, of: bytes), try parts.part(Part.other &+ 1, of: bytes),
        try parts.part(Part.other &+ 2, of: bytes))
    }
    return
  }
  if noticeClass.isWord("ZEPHYR_ADMIN") {
    printer.out.write(" zephyr-admin ")
    return printer.writeLowercase(operation)
  }
  if noticeClass.isWord("LOGIN"), operation.isWord("USER_FLUSH") { return printer.out.write(" flush_locs") }
  if noticeClass.isWord("USER_LOCATE"), operation.isWord("LOCATE") {
    printer.out.write(" locate ")
    return printer.out.write(escaped: instance)
  }
  try printer.writeTriple(" to ", noticeClass, instance, recipient)
  if operation.length > 0 {
    printer.out.write(" op ")
    printer.out.write(escaped: operation)
  }
}

/// The offset of the zero that ends a text; nil if there is none in the packet, throws `.truncated` if it was not captured.
private func endOfText(_ bytes: PacketBytes, at start: Int) throws(DecodeError) -> Int? {
  var end = start
  while end < bytes.length {
    if try bytes.u8(at: end) == 0 { return end }
    end &+= 1
  }
  return nil
}

/// What a notice asks the servers or the host manager to do; nil for any other notice.
private func controlName(_ instance: PacketBytes, _ operation: PacketBytes) -> StaticString? {
  if instance.isWord("CLIENT") {
    if operation.isWord("SUBSCRIBE") { return "sub" }
    if operation.isWord("UNSUBSCRIBE") { return "unsub" }
    if operation.isWord("SUBSCRIBE_NODEFS") { return "unsub-nodefs" }
    if operation.isWord("CLEARSUB") { return "clear-subs" }
    if operation.isWord("GIMME") { return "ret" }
    if operation.isWord("GIMMEDEFS") { return "gimme-defs" }
    if operation.isWord("ADD") { return "add" }
    if operation.isWord("DROP") { return "drop" }
  }
  guard instance.isWord("HM") else { return nil }
  if operation.isWord("BOOT") { return "boot" }
  if operation.isWord("FLUSH") { return "flush" }
  if operation.isWord("DETACH") { return "detach" }
  return operation.isWord("ATTACH") ? "attach" : nil
}

extension StaticString {
  /// True for the names of notices that have a class, an instance and a recipient after the header.
  fileprivate var hasTriple: Bool { isEqual(to: "sub") || isEqual(to: "unsub") || isEqual(to: "unsub-nodefs") }
}

extension PacketBytes {
  /// True if the bytes begin with a word.
  fileprivate func begins(with word: StaticString) -> Bool {
    guard length >= word.utf8CodeUnitCount else { return false }
    return clamped(to: word.utf8CodeUnitCount).isWord(word, ignoresCase: false)
  }

  /// True if the bytes are a word, in letters of any case.
  fileprivate func isWord(_ word: StaticString, ignoresCase: Bool = true) -> Bool {
    guard length == word.utf8CodeUnitCount else { return false }
    return word.withUTF8Buffer { wanted in
      // Safe: the index is one of `wanted.indices`.
      wanted.indices.allSatisfy { index in
        let octet = (try? u8(at: index)) ?? 0
        return octet == (unsafe wanted[index]) || ignoresCase && octet.uppercased == (unsafe wanted[index])
      }
    }
  }

  /// The number written as `0x` and hexadecimal digits; its lower 32 bits.
  fileprivate var hexadecimal: UInt32 {
    var number: UInt32 = 0
    for index in 2..<max(2, length) {
      switch (try? u8(at: index)) ?? 0 {
      case let digit where (0x30...0x39).contains(digit): number = number << 4 | UInt32(digit & 15)
      case let digit where (0x41...0x46).contains(digit.uppercased): number = number << 4 | UInt32(digit & 15 &+ 9)
      default: return number
      }
    }
    return number
  }
}

extension UInt8 {
  fileprivate var uppercased: UInt8 { (0x61...0x7a).contains(self) ? self & 0xdf : self }
}

extension Printer {
  /// `<class,instance,recipient>`; `*` if a part is empty.
  fileprivate mutating func writeTriple(
    _ title: StaticString, _ first: PacketBytes, _ second: PacketBytes, _ third: PacketBytes
  ) throws(DecodeError) {
    out.write(title)
    out.write("<")
    writeOrStar(first)
    out.write(",")
    writeOrStar(second)
    out.write(",")
    writeOrStar(third)
    out.write(">")
  }

  private mutating func writeOrStar(_ text: PacketBytes) {
    if text.length == 0 { out.write("*") } else { out.write(escaped: text) }
  }

  /// Text with its upper-case letters in lower case.
  fileprivate mutating func writeLowercase(_ text: PacketBytes) {
    for index in 0..<text.length {
      let octet = (try? text.u8(at: index)) ?? 0
      out.write(escaped: (0x41...0x5a).contains(octet) ? octet | 0x20 : octet)
    }
  }
}
