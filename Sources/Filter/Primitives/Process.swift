import BPF
import PacketCore

extension Primitive {
  /// What may stand behind a word that asks for a process.
  enum ProcessField: Sendable {
    case process, user, name, controlGroup, container
  }

  static let processID = process("pid", .process, "a process of that number sends or receives the packet")
  static let processName = process("comm", .name, "a process of that name, or with * of one that begins so")
  static let processUser = process("uid", .user, "a process of that user")
  static let controlGroup = process("cgroup", .controlGroup, "a process in that control group or below it")
  static let container = process(
    "container", .container, "a process in the container whose identifier begins with these digits")

  /// A word that asks for a process, which no program can decide: it leaves open whatever the answer may be. Outside, the program is
  /// compiled for each answer.
  private static func process(_ word: String, _ field: ProcessField, _ help: String) -> Primitive {
    Primitive(keywords: [word], shape: .process(field), help: help) { lowering, _ throws(FilterError) in
      .constant(!lowering.isDenied)
    }
  }

  /// Words behind which everything up to a blank or a parenthesis is one name, whatever signs are in it.
  static let wordsBeforeText: Set<String> = ["comm", "uid", "cgroup", "container"]
}

extension Parser {
  /// A word that asks for a process, behind a direction; nil where another word is here.
  mutating func parseProcessTest(
    _ direction: Qualifiers.Direction?, from start: SourceRange
  ) throws(FilterError) -> Part? {
    guard let word = keyword, let primitive = Primitive.named(word), case .process(let field) = primitive.shape else {
      return nil
    }
    let ends: ProcessTest.Ends
    switch direction {
    case .source: ends = .sender
    case .destination: ends = .receiver
    case .sourceAndDestination: ends = .both
    case .sourceOrDestination, nil: ends = .either
    case .addr1, .addr2, .addr3, .addr4, .receiver, .transmitter:
      throw unexpected("'src' or 'dst' before '\(word)'")
    }
    advance()
    let operand = try parseProcess(field, word, ends, from: start)
    return .test(expression.add(.primitive(.word(primitive, operand)), at: range(from: start)), qualifiers: nil)
  }

  /// What follows the word, which has been taken.
  mutating func parseProcess(
    _ field: Primitive.ProcessField, _ word: String, _ ends: ProcessTest.Ends = .either, from start: SourceRange
  ) throws(FilterError) -> Operand {
    let place = current.range
    let value: ProcessTest.Value
    switch (field, current.kind) {
    case (.process, .number(let number)): value = .process(number)
    case (.process, _): throw unexpected("the number of a process after '\(word)'")
    case (_, .escaped(let text)): value = try processValue(field, text, at: place)
    case (.user, _): throw unexpected("a user's name or number after '\(word)'")
    case (.name, _): throw unexpected("the name of a process after '\(word)'")
    case (.controlGroup, _): throw unexpected("a path such as '/user.slice' after '\(word)'")
    case (.container, _): throw unexpected("hexadecimal digits after '\(word)'")
    }
    advance()
    return .process(ProcessTest(ends: ends, value: value, range: range(from: start), isDenied: false))
  }

  /// Digits of a container's identifier.
  private static var containerDigits: Int { 64 }

  private func processValue(
    _ field: Primitive.ProcessField, _ text: String, at place: SourceRange
  ) throws(FilterError) -> ProcessTest.Value {
    switch field {
    case .process: throw unexpected("the number of a process")
    case .user:
      guard let number = UInt32(text) ?? SystemUsers.number(of: text) else {
        throw FilterError("unknown user '\(text)'", hint: "write the number of the user", at: place, kind: .meaning)
      }
      return .user(number)
    case .name:
      var bytes = Array(text.utf8)
      let isPrefix = bytes.last == UInt8(ascii: "*")
      if isPrefix { bytes.removeLast() }
      guard bytes.count <= ProcessName.maximumLength else {
        let first = String(decoding: bytes.prefix(ProcessName.maximumLength), as: UTF8.self)
        throw FilterError(
          "the kernel keeps \(ProcessName.maximumLength) bytes of a process's name", hint: "write 'comm \(first)'",
          at: place)
      }
      guard !bytes.isEmpty else { throw FilterError("every process has a name", at: place) }
      return .name(ProcessName(bytes), isPrefix: isPrefix)
    case .controlGroup:
      guard text.hasPrefix("/") else {
        throw FilterError(
          "the path of a control group begins with '/'", hint: "write 'cgroup /\(text)'", at: place)
      }
      return .controlGroup(text.utf8.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text)
    case .container:
      let digits = text.lowercased()
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
        digits.utf8.count <= Self.containerDigits
      else {
        throw FilterError(
          "'\(text)' is not the identifier of a container",
          hint: "write its first hexadecimal digits, 'cgroup' takes paths", at: place)
      }
      return .container(digits)
    }
  }
}
