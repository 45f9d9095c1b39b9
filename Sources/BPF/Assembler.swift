/// Why a text or a file is not a valid program.
public struct AssemblyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The line with the error, from 1; nil in a file that has no lines.
  public let line: Int?
  public let message: String

  public init(line: Int?, message: String) {
    self.line = line
    self.message = message
  }

  public var description: String { line.map { "line \($0): \(message)" } ?? message }
}

/// Reads the output of `Program.write` and tcpdump, in each `DumpForm`.
///
/// In the text form the instruction number may be omitted, any number of blanks is allowed, and a comment goes from `;` to the end of the
/// line. In the decimal form commas may replace ends of lines, as in the format of iptables (`-m bpf --bytecode`).
public enum Assembler {
  /// The program in `text`, in whichever form it is written.
  public static func assemble(_ text: String) throws(AssemblyError) -> Program {
    var instructions: [Instruction] = []
    /// The line of each instruction.
    var lines: [Int] = []
    /// The form of the text, decided by its first word.
    var formOfText: DumpForm?
    /// The number of instructions stated in the decimal form, and the line that states it.
    var stated: (count: Int, line: Int)?
    var number = 0
    // Blank lines are counted, since errors give line numbers.
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      var words = Words(line, number: number)
      guard let first = words.first else { continue }
      let form = formOfText ?? DumpForm(firstWord: first)
      formOfText = form
      switch form {
      case .text: instructions.append(try words.instruction(at: instructions.count))
      case .cArray: instructions += try words.initialisers()
      case .decimal:
        for item in words.items() {
          if stated == nil {
            stated = (try item.count(), number)
          } else {
            instructions.append(try item.fields())
          }
        }
      }
      lines.append(contentsOf: repeatElement(number, count: instructions.count - lines.count))
      if instructions.count > Program.maximumCount { throw words.error("more instructions than a program may have") }
    }
    if let stated, stated.count != instructions.count {
      let message = "\(stated.count) instructions announced, but \(instructions.count) follow"
      throw AssemblyError(line: stated.line, message: message)
    }
    do {
      return try Program(validating: instructions)
    } catch {
      let line = error.instruction == nil ? max(1, number) : lines[error.index]
      throw AssemblyError(line: line, message: error.description)
    }
  }
}

extension DumpForm {
  /// The form of a dump, according to its first word.
  fileprivate init(firstWord word: Substring) {
    if word.hasPrefix("{") {
      self = .cArray
    } else if word.prefix(while: { $0 != "," }).utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
      self = .decimal
    } else {
      self = .text
    }
  }
}

/// The words of one line, separated by blanks.
private struct Words {
  private var words: ArraySlice<Substring>
  private let number: Int

  init(_ line: Substring.UTF8View, number: Int) {
    let code = Substring(line.prefix { $0 != UInt8(ascii: ";") })
    words = code.split { $0 == " " || $0 == "\t" || $0 == "\r" }[...]
    self.number = number
  }

  private init(_ words: ArraySlice<Substring>, number: Int) {
    self.words = words
    self.number = number
  }

  var first: Substring? { words.first }

  func error(_ message: String) -> AssemblyError { AssemblyError(line: number, message: message) }

  // MARK: The text form

  /// A line such as `(001) jeq #0x800 jt 2 jf 5`.
  mutating func instruction(at index: Int) throws(AssemblyError) -> Instruction {
    if let label = words.first, label.hasPrefix("(") {
      guard label.hasSuffix(")"), Int(label.dropFirst().dropLast()) == index else {
        throw error("\(clipped(label)) where instruction \(index) is due")
      }
      words.removeFirst()
    }
    guard let mnemonic = words.popFirst() else { throw error("no instruction after its number") }
    let targets = try targets()
    let text = words.joined()
    guard let operand = Operand(text) else { throw error("\(quoted(text)) is not an operand") }
    guard let candidates = opcodesByMnemonic[String(mnemonic)] else {
      throw error("\(quoted(mnemonic)) is not an instruction")
    }
    guard let opcode = candidates.first(where: { operand.fits($0.facts.operand) }) else {
      throw error(text.isEmpty ? "'\(mnemonic)' without operand" : "'\(mnemonic)' does not take \(quoted(text))")
    }
    if opcode.isConditionalJump {
      guard let targets else { throw error("'\(mnemonic)' without 'jt' and 'jf'") }
      let jt = try distance(to: targets.jt, from: index, maximum: 255)
      let jf = try distance(to: targets.jf, from: index, maximum: 255)
      return Instruction(opcode, k: operand.k, jt: UInt8(jt), jf: UInt8(jf))
    }
    if targets != nil { throw error("'\(mnemonic)' does not take 'jt' and 'jf'") }
    if opcode == .ja { return Instruction(.ja, k: try distance(to: operand.k, from: index, maximum: .max)) }
    return Instruction(opcode, k: operand.k)
  }

  /// Removes `jt … jf …` from the end; nil if they are not there.
  private mutating func targets() throws(AssemblyError) -> (jt: UInt32, jf: UInt32)? {
    let tail = Array(words.suffix(4))
    guard tail.count == 4, tail[0] == "jt", tail[2] == "jf" else { return nil }
    guard let jt = UInt32(tail[1]), let jf = UInt32(tail[3]) else { throw error("'jt' and 'jf' need decimal numbers") }
    words.removeLast(4)
    return (jt, jf)
  }

  /// The number of instructions between the one with that index and its target.
  private func distance(to target: UInt32, from index: Int, maximum: UInt32) throws(AssemblyError) -> UInt32 {
    guard Int(target) > index else { throw error("the jump to \(target) does not lead forward") }
    guard let distance = UInt32(exactly: Int(target) - index - 1), distance <= maximum else {
      throw error("the jump to \(target) is too long")
    }
    return distance
  }

  // MARK: The forms with numbers

  /// A line such as `{ 0x28, 0, 0, 0x0000000c },`, or with several of them.
  func initialisers() throws(AssemblyError) -> [Instruction] {
    var rest = words.joined()[...]
    var instructions: [Instruction] = []
    while !rest.isEmpty {
      guard rest.first == "{", let end = rest.firstIndex(of: "}") else { throw error("no initialiser between braces") }
      let fields = rest[..<end].dropFirst().split(separator: ",", omittingEmptySubsequences: false)
      instructions.append(try instruction(fields))
      rest = rest[end...].dropFirst()
      if rest.first == "," { rest.removeFirst() }
    }
    return instructions
  }

  /// The items between commas, and before the first and after the last comma unless those are empty.
  func items() -> [Words] {
    let text = words.joined(separator: " ")
    var items = text.split(separator: ",", omittingEmptySubsequences: false).map { item in
      Words(item.split(separator: " ")[...], number: number)
    }
    if items.last?.first == nil { items.removeLast() }
    return items
  }

  /// A line such as `40 0 0 12`.
  func fields() throws(AssemblyError) -> Instruction { try instruction(Array(words)) }

  /// The line before the instructions: how many there are.
  func count() throws(AssemblyError) -> Int {
    guard words.count == 1, let text = words.first, let count = Int(text) else {
      throw error("the first is not the number of instructions")
    }
    return count
  }

  private func instruction(_ fields: [Substring]) throws(AssemblyError) -> Instruction {
    guard fields.count == 4, let code = machineWord(fields[0]).flatMap(UInt16.init(exactly:)),
      let jt = machineWord(fields[1]).flatMap(UInt8.init(exactly:)),
      let jf = machineWord(fields[2]).flatMap(UInt8.init(exactly:)), let k = machineWord(fields[3])
    else { throw error("not the four numbers code, jt, jf and k") }
    return Instruction(code: code, jt: jt, jf: jf, k: k)
  }
}

/// An operand in the text form, without blanks.
private struct Operand {
  /// `.hexConstant` stands for either kind of constant.
  private let form: OperandForm
  let k: UInt32

  init?(_ text: String) {
    switch text {
    case "": self.init(.none)
    case "x": self.init(.index)
    case "#pktlen": self.init(.packetLength)
    default:
      if let inner = text.between("4*([", "]&0xf)") {
        self.init(.headerLength, inner)
      } else if let inner = text.between("M[", "]") {
        self.init(.memory, inner)
      } else if let inner = text.between("[x+", "]") {
        self.init(.indirect, inner)
      } else if let inner = text.between("[", "]") {
        if let ancillary = Ancillary.allCases.first(where: { $0.name.description == inner }) {
          self.init(.absolute, k: ancillary.offset)
        } else {
          self.init(.absolute, inner)
        }
      } else if let inner = text.between("#", "") {
        self.init(.hexConstant, inner)
      } else {
        self.init(.target, Substring(text))
      }
    }
  }

  private init(_ form: OperandForm, k: UInt32 = 0) {
    self.form = form
    self.k = k
  }

  private init?(_ form: OperandForm, _ number: Substring) {
    guard let k = machineWord(number) else { return nil }
    self.init(form, k: k)
  }

  func fits(_ form: OperandForm) -> Bool {
    form == self.form || form == .decimalConstant && self.form == .hexConstant
  }
}

extension String {
  /// The text between the two; nil if it does not begin and end with them.
  fileprivate func between(_ prefix: String, _ suffix: String) -> Substring? {
    guard hasPrefix(prefix), hasSuffix(suffix), utf8.count >= prefix.utf8.count + suffix.utf8.count else { return nil }
    return dropFirst(prefix.count).dropLast(suffix.count)
  }
}

/// A 32-bit number in decimal, perhaps negative, or in hexadecimal after `0x`; nil if it is neither.
private func machineWord(_ text: Substring) -> UInt32? {
  if text.hasPrefix("+") { return nil }
  if text.hasPrefix("-") { return Int32(text).map(UInt32.init(bitPattern:)) }
  if text.hasPrefix("0x") {
    let digits = text.dropFirst(2)
    return digits.hasPrefix("+") || digits.hasPrefix("-") ? nil : UInt32(digits, radix: 16)
  }
  return UInt32(text)
}

/// Text from a file in quotation marks, truncated and without control characters.
private func quoted(_ text: some StringProtocol) -> String { "'\(clipped(text))'" }

/// The first characters of a text from a file, without control characters.
private func clipped(_ text: some StringProtocol) -> String {
  let limit = 40
  let start = text.unicodeScalars.prefix(limit).map { $0.properties.generalCategory == .control ? "?" : String($0) }
  return start.joined() + (text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")
}

/// The opcodes that a mnemonic may stand for.
private let opcodesByMnemonic = [String: [Opcode]](grouping: Opcode.allCases) { $0.facts.mnemonic.description }
