package import Dissect
import PacketCore

extension Layer {
  static let http = Layer(
    "http", "Hypertext Transfer Protocol", "RFC 9112"
  ) {
    [
      Field("length", .length, "Bytes of the segment or datagram.", always: true),
      Field("lines", .array(.text), "Lines of text that it begins with, where it begins with a request or a response."),
    ]
  }

  static let rtsp = Layer(
    "rtsp", "Real Time Streaming Protocol", "RFC 2326"
  ) {
    [
      Field("length", .length, "Bytes of the segment or datagram.", always: true),
      Field("lines", .array(.text), "Lines of text that it begins with, where it begins with a request or a response."),
    ]
  }

  static let sip = Layer(
    "sip", "Session Initiation Protocol", "RFC 3261"
  ) {
    [
      Field("length", .length, "Bytes of the segment or datagram.", always: true),
      Field("lines", .array(.text), "Lines of text that it begins with, where it begins with a request or a response."),
    ]
  }

  static let ftp = Layer(
    "ftp", "File Transfer Protocol", "RFC 959"
  ) {
    [
      Field("length", .length, "Bytes of the segment or datagram.", always: true),
      Field("lines", .array(.text), "Lines of text that it begins with, where it begins with a request or a response."),
    ]
  }

  static let smtp = Layer(
    "smtp", "Simple Mail Transfer Protocol", "RFC 5321"
  ) {
    [
      Field("length", .length, "Bytes of the segment or datagram.", always: true),
      Field("lines", .array(.text), "Lines of text that it begins with, where it begins with a request or a response."),
    ]
  }

  static let whois = Layer(
    "whois", "WHOIS", "RFC 3912"
  ) {
    [
      Field("length", .length, "Bytes of the segment or datagram.", always: true),
      Field("lines", .array(.text), "Lines of text that it begins with, where it begins with a request or a response."),
    ]
  }
}

/// A protocol made of lines of text: the first line of a request or response is printed, with `-v` all lines.
struct LineProtocol: Sendable {
  /// The name before the text, such as `HTTP`.
  let title: StaticString
  /// The name in truncation marks.
  let name: StaticString
  /// First words of requests; if there are none, every line counts as a request or response.
  let methods: [StaticString]
  /// The start of a response; nil if requests and responses cannot be told apart by their first words.
  let version: StaticString?
  /// Every message is a datagram.
  var isDatagram: Bool { separator.utf8CodeUnitCount == 0 }
  /// True if the code of a response is its second word, false if it is the first.
  let codeIsSecondWord: Bool
  /// Written before the title: TCP has already written `length N`.
  let separator: StaticString
  let layer: Layer
}

extension Dissector {
  /// A protocol made of lines, over TCP unless the claims say otherwise.
  private static func lines(
    _ title: StaticString, _ name: StaticString, _ layer: Layer, _ claims: [Claim], methods: [StaticString] = [],
    version: StaticString? = nil, codeIsSecondWord: Bool = false, separator: StaticString = ": "
  ) -> Dissector {
    let lines = LineProtocol(
      title: title, name: name, methods: methods, version: version, codeIsSecondWord: codeIsSecondWord,
      separator: separator, layer: layer)
    return Dissector(name: name, claims: claims, layers: [layer], standsAlone: true) {
      (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
      try printer.printLines(bytes, lines)
    }
  }

  /// Hypertext Transfer Protocol, RFC 9112.
  package static let http = http([.tcpPort(80)])
  /// The same on a port for which other dissectors take precedence.
  package static let httpAlternative = http([.tcpPort(8080)])

  private static func http(_ claims: [Claim]) -> Dissector {
    lines(
      "HTTP", "http", .http, claims,
      methods: [
        "GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "BCOPY", "BMOVE", "MKCOL", "TRACE", "LABEL",
        "MERGE", "DELETE", "SEARCH", "UNLOCK", "REPORT", "UPDATE", "NOTIFY", "BDELETE", "CONNECT", "OPTIONS", "CHECKIN",
        "PROPFIND", "CHECKOUT", "CCM_POST", "SUBSCRIBE", "PROPPATCH", "BPROPFIND", "BPROPPATCH", "UNCHECKOUT",
        "MKACTIVITY", "MKWORKSPACE", "UNSUBSCRIBE", "RPC_CONNECT", "VERSION-CONTROL", "BASELINE-CONTROL",
      ], version: "HTTP/", codeIsSecondWord: true)
  }

  /// Real Time Streaming Protocol, RFC 2326.
  package static let rtsp = rtsp([.tcpPort(554)])
  /// The same on a port for which other dissectors take precedence.
  package static let rtspAlternative = rtsp([.tcpPort(8554)])

  private static func rtsp(_ claims: [Claim]) -> Dissector {
    lines(
      "RTSP", "rtsp", .rtsp, claims,
      methods: [
        "OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER",
        "REDIRECT", "RECORD",
      ], version: "RTSP/", codeIsSecondWord: true)
  }

  /// Session Initiation Protocol over UDP, RFC 3261.
  package static let sip = lines(
    "SIP", "sip", .sip, [.udpPort(5060)], methods: sipMethods, version: "SIP/", codeIsSecondWord: true, separator: "")
  /// File Transfer Protocol, RFC 959.
  package static let ftp = lines("FTP", "ftp", .ftp, [.tcpPort(21)])
  /// Simple Mail Transfer Protocol, RFC 5321.
  package static let smtp = lines("SMTP", "smtp", .smtp, [.tcpPort(25)])
  /// WHOIS, RFC 3912.
  package static let whois = lines("WHOIS", "whois", .whois, [.tcpPort(43)])

  private static let sipMethods: [StaticString] = [
    "ACK", "BYE", "CANCEL", "DO", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "QAUTH", "REFER",
    "REGISTER", "SPRACK", "SUBSCRIBE", "UPDATE", "PUBLISH",
  ]
}

extension Printer {
  fileprivate mutating func printLines(_ bytes: PacketBytes, _ lines: LineProtocol) throws(DecodeError) {
    out.write(lines.separator)
    out.write(lines.title)
    let text = bytes.clamped(to: bytes.length)
    let isMessage = recording == .nothing || Self.isMessage(text, lines)
    // A segment may continue in the middle of a message; a datagram that is not a message belongs to another protocol on the port.
    if isMessage || !lines.isDatagram, enter(lines.layer) { fields.write("length", bytes.length) }
    if wantsLayersAlone { return }
    guard Self.isRequestOrResponse(text, lines) else { return }
    if options.verbosity == 0 {
      if let end = printableLineEnd(text, from: 0) {
        if !end.isComplete, text.count < text.length { throw .truncated }
        out.write(": ")
        out.write(escaped: try text.slice(at: 0, length: end.end), keepsTabs: true)
      }
      return
    }
    out.write(", length: ")
    out.write(decimal: bytes.length)
    var offset = 0
    let recordsLines = writesFields && isMessage
    if recordsLines { fields.beginArray("lines") }
    while offset < text.length, let end = printableLineEnd(text, from: offset) {
      // A line that was not captured whole is not shown.
      if !end.isComplete, text.count < text.length { throw .truncated }
      if recordsLines { fields.element(text: try text.slice(at: offset, length: end.end &- offset)) }
      out.write("\n\t")
      // The line consists of printable characters and tabs, which are written as they are.
      out.write(escaped: try text.slice(at: offset, length: end.end &- offset), keepsTabs: true)
      offset = end.next
    }
    if recordsLines { fields.end() }
  }

  /// Where a line ends, and where the next one begins.
  private struct LineEnd {
    let end: Int
    let next: Int
    /// False if the text ends before the line does.
    let isComplete: Bool
  }

  /// The end of a line that contains only printable characters and tabs; nil if it contains another byte.
  private func printableLineEnd(_ text: PacketBytes, from start: Int) -> LineEnd? {
    var offset = start
    while let octet = try? text.u8(at: offset) {
      switch octet {
      case UInt8(ascii: "\n"): return LineEnd(end: offset, next: offset &+ 1, isComplete: true)
      case UInt8(ascii: "\r"):
        guard let next = try? text.u8(at: offset &+ 1) else {
          return LineEnd(end: offset, next: text.count, isComplete: false)
        }
        guard next == UInt8(ascii: "\n") else { return nil }
        return LineEnd(end: offset, next: offset &+ 2, isComplete: true)
      case 0x20..<0x7f, UInt8(ascii: "\t"): offset &+= 1
      default: return nil
      }
    }
    return LineEnd(end: offset, next: offset, isComplete: false)
  }

  /// True if the text begins with a method or with the version of a response. What the text output accepts as a response is less strict.
  private static func isMessage(_ text: PacketBytes, _ lines: LineProtocol) -> Bool {
    guard let version = lines.version else { return true }
    let first = word(of: text, from: 0)
    if lines.methods.contains(where: { matches(text, first, $0) }) { return true }
    return matches(text, 0..<version.utf8CodeUnitCount, version)
  }

  private static func isRequestOrResponse(_ text: PacketBytes, _ lines: LineProtocol) -> Bool {
    if lines.methods.isEmpty { return true }
    let first = word(of: text, from: 0)
    if lines.methods.contains(where: { matches(text, first, $0) }) { return true }
    let code = lines.codeIsSecondWord ? word(of: text, from: first.upperBound) : first
    return code.count == 3
      && code.allSatisfy { if let octet = try? text.u8(at: $0) { (0x30...0x39).contains(octet) } else { false } }
  }

  /// The next word: the text between spaces.
  private static func word(of text: PacketBytes, from start: Int) -> Range<Int> {
    func isSpace(_ octet: UInt8) -> Bool { octet == 0x20 || (0x09...0x0d).contains(octet) }
    var begin = start
    while let octet = try? text.u8(at: begin), isSpace(octet) {
      // A word must be on the first line.
      if octet == UInt8(ascii: "\n") || octet == UInt8(ascii: "\r") { return begin..<begin }
      begin &+= 1
    }
    var end = begin
    while let octet = try? text.u8(at: end), !isSpace(octet) {
      // A word must consist of printable characters.
      guard (0x21...0x7e).contains(octet) else { return end..<end }
      end &+= 1
    }
    // A truncated word does not count.
    if end == text.count, text.count < text.length { return end..<end }
    return begin..<end
  }

  /// True if the word is `name`, ignoring case.
  private static func matches(_ text: PacketBytes, _ word: Range<Int>, _ name: StaticString) -> Bool {
    guard word.count == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { wanted in
      for index in wanted.indices {
        // Safe: the index is one of `wanted.indices`.
        let letter = unsafe wanted[index]
        guard let octet = try? text.u8(at: word.lowerBound &+ index) else { return false }
        let isLetter = (0x41...0x5a).contains(letter)
        if octet != letter, !isLetter || octet != letter | 0x20 { return false }
      }
      return true
    }
  }
}
