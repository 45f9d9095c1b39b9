/// How the processes of a packet are stored in a pcapng file.
///
/// The process at the end on the capturing side has its own option, epb_processid_threadid. Everything known about both ends is in a
/// comment that is also readable for people:
///
///     apus: from pid=3987 tid=3987 comm=curl uid=0 cgroup=/user.slice how=event; to pid=3745 comm=python3
///
/// Bytes other than letters, digits and a few marks are written as `%` and two hexadecimal digits.
extension PacketProcesses {
  private static let commentCode: UInt16 = 1
  private static let flagsCode: UInt16 = 2
  private static let processCode: UInt16 = 8
  private static let mark = "apus: "
  /// Longer comments are not ours.
  private static let maximumLength = 1 << 14

  // MARK: Writing

  /// Appends the options of a packet with this direction, with codes and lengths in the host's byte order.
  public func appendOptions(_ direction: PacketDirection, to options: inout [UInt8]) {
    if direction != .unknown {
      Self.append(Self.flagsCode, Self.octets(UInt32(direction.rawValue)), &options)
    }
    if let owner = capturing(direction) {
      Self.append(Self.processCode, Self.octets(owner.process) + Self.octets(owner.thread), &options)
    }
    guard !isEmpty else { return }
    Self.append(Self.commentCode, Array(comment.utf8), &options)
  }

  /// The process on the capturing side, or the other one if that is not known: a known process always runs on this host.
  private func capturing(_ direction: PacketDirection) -> ProcessOwner? {
    switch direction {
    case .inbound: receiver ?? sender
    case .outbound: sender ?? receiver
    case .unknown: sender ?? receiver
    }
  }

  private static func append(_ code: UInt16, _ value: [UInt8], _ options: inout [UInt8]) {
    guard let length = UInt16(exactly: value.count) else { return }
    options += octets(code) + octets(length) + value
    options += repeatElement(0, count: (4 - value.count % 4) % 4)
  }

  /// The bytes of a number in the host's byte order.
  private static func octets(_ number: some FixedWidthInteger & BitwiseCopyable) -> [UInt8] {
    // Safe: the bytes of a number are copied.
    unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
  }

  /// Everything that is known, in one line.
  var comment: String {
    let ends = [("from", sender), ("to", receiver)].compactMap { word, owner in owner.map { "\(word) \(Self.text($0))" }
    }
    return Self.mark + ends.joined(separator: "; ")
  }

  private static func text(_ owner: ProcessOwner) -> String {
    var words = ["pid=\(owner.process)"]
    if owner.thread != 0 { words.append("tid=\(owner.thread)") }
    if !owner.name.isEmpty { words.append("comm=\(escaped(owner.name.bytes))") }
    if let user = owner.user { words.append("uid=\(user)") }
    if let group = owner.controlGroup { words.append("cgroup=\(escaped(group.path.utf8))") }
    if let evidence = owner.evidence.word { words.append("how=\(evidence)") }
    return words.joined(separator: " ")
  }

  private static func escaped(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
      let scalar = Unicode.Scalar(byte)
      if scalar.isASCII,
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
          || "/._-:@+".unicodeScalars.contains(scalar)
      {
        text.unicodeScalars.append(scalar)
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }

  // MARK: Reading

  /// Reads the options of a packet; empty if they have no process information.
  public init(_ options: borrowing PacketOptions, _ direction: PacketDirection) {
    self.init()
    guard !options.isEmpty else { return }
    var stated: PacketProcesses?
    var process: ProcessOwner?
    let isByteSwapped = options.isByteSwapped
    options.forEach { code, value in
      switch (code, value.byteCount) {
      case (Self.processCode, 8):
        // Safe: there are eight bytes.
        let words = unsafe value.unsafeLoadUnaligned(fromByteOffset: 0, as: SIMD2<UInt32>.self)
        let (number, thread) = isByteSwapped ? (words[0].byteSwapped, words[1].byteSwapped) : (words[0], words[1])
        process = ProcessOwner(
          process: number, thread: thread, user: nil, controlGroup: nil, name: ProcessName([]), evidence: .file)
      case (Self.commentCode, 0...Self.maximumLength):
        guard stated == nil else { return }
        // Safe: the offsets are those of the value.
        let bytes = (0..<value.byteCount).map { unsafe value.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        stated = Self.parse(String(decoding: bytes, as: UTF8.self))
      default: break
      }
    }
    if let stated { self = stated }
    // Other programs store only the number.
    guard let process, isEmpty else { return }
    if direction == .inbound { receiver = process } else { sender = process }
  }

  /// The inverse of `comment`; nil if the text is a different comment.
  static func parse(_ comment: String) -> PacketProcesses? {
    guard comment.hasPrefix(mark) else { return nil }
    var processes = PacketProcesses()
    for part in comment.dropFirst(mark.count).split(separator: ";") {
      let words = part.split(separator: " ")
      guard let owner = owner(words.dropFirst()) else { continue }
      switch words.first {
      case "from": processes.sender = owner
      case "to": processes.receiver = owner
      default: continue
      }
    }
    return processes.isEmpty ? nil : processes
  }

  private static func owner(_ words: ArraySlice<Substring>) -> ProcessOwner? {
    var owner = ProcessOwner(
      process: 0, thread: 0, user: nil, controlGroup: nil, name: ProcessName([]), evidence: .file)
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { continue }
      switch parts[0] {
      case "pid": owner.process = UInt32(parts[1]) ?? 0
      case "tid": owner.thread = UInt32(parts[1]) ?? 0
      case "uid": owner.user = UInt32(parts[1])
      case "comm": owner.name = ProcessName(unescaped(parts[1]))
      case "cgroup": owner.controlGroup = ControlGroup(String(decoding: unescaped(parts[1]), as: UTF8.self))
      case "how": owner.evidence = ProcessOwner.Evidence(word: parts[1]) ?? .file
      default: continue
      }
    }
    return owner.process == 0 ? nil : owner
  }

  private static func unescaped(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(code)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}

extension ProcessOwner.Evidence {
  /// The word for it in files and in structured output; nil if it is not known.
  public var word: StaticString? {
    switch self {
    case .event: "event"
    case .scan: "scan"
    case .file: nil
    }
  }

  fileprivate init?(word: Substring) {
    switch word {
    case "event": self = .event
    case "scan": self = .scan
    default: return nil
    }
  }
}
