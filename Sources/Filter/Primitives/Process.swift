import BPF
import PacketCore

extension Primitive {
  /// What may follow a keyword that tests for a process.
  enum ProcessField: Sendable {
    case process, user, name, controlGroup, container
  }

  static let processID = process("pid", .process, "a process of that number sends or receives the packet")
  static let processName = process("comm", .name, "a process of that name, or with * of one that begins so")
  static let processUser = process("uid", .user, "a process of that user")
  static let controlGroup = process("cgroup", .controlGroup, "a process in that control group or below it")
  static let container = process(
    "container", .container, "a process in the container whose identifier begins with these digits")

  /// A keyword that tests for a process. No BPF program can decide it, so it is lowered to the constant that lets packets through whatever
  /// the outcome is. Outside, the program is compiled for each outcome.
  private static func process(_ word: String, _ field: ProcessField, _ help: String) -> Primitive {
    Primitive(keywords: [word], shape: .process(field), help: help) { lowering, _ throws(FilterError) in
      .constant(!lowering.isDenied)
    }
  }

  /// Keywords after which everything up to a blank or a parenthesis is one name, whatever characters it contains.
  static let wordsBeforeText: Set<String> = ["comm", "uid", "cgroup", "container"]
}

extension Parser {
  /// A keyword that tests for a process, after a direction; nil if the current token is another word.
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

  /// Parses what follows the keyword, which has been consumed.
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

  /// The number of digits in a container's identifier.
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
