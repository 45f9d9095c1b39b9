import PacketCore

/// Colours for text other than that of packets. They are added after control characters in the text have been made visible, so the only
/// escape sequences in the output are these.
enum LineColors {
  /// An error or a note on standard error, with carets under the words of an expression.
  case error, note
  /// Findings of `--lint`.
  case lint
  /// Instructions with comments: `--annotate`, `--trace`, `--profile`.
  case program
  /// The table of terms at the end of `--explain`.
  case terms
  /// `-h` and `--help`.
  case help

  /// Colours the text from offset `start` on.
  func color(_ text: inout TextBuffer, from start: Int = 0) {
    let plain = String(decoding: (start..<text.count).map { text.byte(at: $0) }, as: UTF8.self)
    text.truncate(to: start)
    var isFirst = true
    for line in plain.split(separator: "\n", omittingEmptySubsequences: false) {
      if !isFirst { text.write("\n") }
      isFirst = false
      color(line, &text)
    }
  }

  private func color(_ line: Substring, _ out: inout TextBuffer) {
    switch self {
    case .error: Self.colorMessage(line, .boldRed, &out)
    case .note: Self.colorMessage(line, .yellow, &out)
    case .lint: Self.colorFinding(line, &out)
    case .program: Self.colorInstruction(line, &out)
    case .terms: Self.colorTerms(line, &out)
    case .help: Self.colorHelp(line, &out)
    }
  }

  // MARK: Messages

  /// Colours the program's name, or a line of carets.
  private static func colorMessage(_ line: Substring, _ style: TextStyle, _ out: inout TextBuffer) {
    if isCarets(line) { return out.write(line, in: .boldRed) }
    write(line, beginning: "apus:", in: style, &out)
  }

  /// True for a line of only carets and blanks.
  private static func isCarets(_ line: Substring) -> Bool {
    line.contains("^") && line.allSatisfy { $0 == "^" || $0 == " " }
  }

  /// Writes the line, with `word` in a style if the line begins with it.
  private static func write(
    _ line: Substring, beginning word: String, in style: TextStyle, _ out: inout TextBuffer
  ) {
    guard line.hasPrefix(word) else { return out.write(String(line)) }
    out.write(word, in: style)
    out.write(String(line.dropFirst(word.count)))
  }

  private static func colorFinding(_ line: Substring, _ out: inout TextBuffer) {
    if isCarets(line) { return out.write(line, in: .boldRed) }
    let parts: [(String, TextStyle)] = [("warning:", .yellow), ("note:", .cyan), ("  rewrite:", .green)]
    guard let (word, style) = parts.first(where: { line.hasPrefix($0.0) }) else {
      return out.write(line, in: line.hasPrefix("  which ") ? .dim : nil)
    }
    // The name of the rule is in brackets at the end.
    guard line.hasSuffix("]"), let bracket = line.lastIndex(of: "[") else {
      return write(line, beginning: word, in: style, &out)
    }
    write(line[..<bracket], beginning: word, in: style, &out)
    out.write(line[bracket...], in: .dim)
  }

  // MARK: Programs

  /// For example `(003) ret      #262144   ; tcp`: the number is dim, an accepting instruction green, a rejecting one red, the comment
  /// cyan.
  private static func colorInstruction(_ line: Substring, _ out: inout TextBuffer) {
    if line.hasPrefix("; ") { return out.write(line, in: .bold) }
    guard line.hasPrefix("("), let end = line.firstIndex(of: ")") else { return colorVerdict(line, &out) }
    let behind = line.index(after: end)
    out.write(line[..<behind], in: .dim)
    let comment = line[behind...].firstIndex(of: ";") ?? line.endIndex
    let instruction = line[behind..<comment]
    let words = instruction.split(separator: " ", maxSplits: 2)
    let isReturn = words.first == "ret"
    out.write(instruction, in: isReturn ? (words.count > 1 && words[1] == "#0" ? .red : .green) : nil)
    colorComment(line[comment...], &out)
  }

  private static func colorComment(_ comment: Substring, _ out: inout TextBuffer) {
    guard !comment.isEmpty else { return }
    for (word, style) in [(" true", TextStyle.green), (" false", .yellow)] where comment.hasSuffix(word) {
      out.write(comment.dropLast(word.count), in: .cyan)
      return out.write(word, in: style)
    }
    guard let failure = comment.firstRange(ofWords: " failed") else { return out.write(comment, in: .cyan) }
    out.write(comment[..<failure], in: .cyan)
    out.write(comment[failure...], in: .red)
  }

  /// The heading of a packet, such as `packet 1: 74 bytes, accepted (262144)`.
  private static func colorVerdict(_ line: Substring, _ out: inout TextBuffer) {
    guard line.hasPrefix("packet ") else { return out.write(String(line)) }
    let isAccepted = line.firstRange(ofWords: ", accepted") != nil
    out.write(line, in: isAccepted ? .green : .red)
  }

  /// The titles of the table, terms that were not tested, and the total.
  private static func colorTerms(_ line: Substring, _ out: inout TextBuffer) {
    // A row begins with how often its term was tested.
    let count = line.split(separator: " ", maxSplits: 1).first
    guard line.hasPrefix(" "), let count, UInt64(count) != nil else { return out.write(line, in: .bold) }
    out.write(line, in: count == "0" ? .dim : nil)
  }

  // MARK: Help

  /// Titles are bold, text to type is cyan, and placeholders in it are plain.
  private static func colorHelp(_ line: Substring, _ out: inout TextBuffer) {
    guard line.hasPrefix("  ") else {
      if line.hasPrefix("Usage:") { return write(line, beginning: "Usage:", in: .bold, &out) }
      return out.write(line, in: line.hasSuffix(":") ? .bold : nil)
    }
    let indent = line.prefix { $0 == " " }
    // The description of an option is in the second column; only commands and topics are at the margin.
    let rest = line.dropFirst(indent.count)
    guard indent.count == 2 || indent.count == 6 && rest.hasPrefix("--") else { return out.write(String(line)) }
    // An option or a command ends at two blanks; a topic is one word.
    let isTopic = !rest.hasPrefix("-") && !rest.hasPrefix("apus ")
    let end = rest.firstRange(ofWords: isTopic ? " " : "  ") ?? rest.endIndex
    out.write(String(indent))
    let label = rest[..<end]
    if let value = label.firstIndex(where: { $0 == "<" || $0 == "[" }), label.hasPrefix("-") {
      out.write(label[..<value], in: .cyan)
      out.write(String(label[value...]))
    } else {
      out.write(label, in: .cyan)
    }
    out.write(String(rest[end...]))
  }
}

extension Substring {
  /// Where `words` begins in this text; nil if it does not occur.
  fileprivate func firstRange(ofWords words: String) -> Index? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(words) { return start }
      start = index(after: start)
    }
    return nil
  }
}
