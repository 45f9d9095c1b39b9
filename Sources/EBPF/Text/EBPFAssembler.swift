public import BPF
import PacketCore

/// Reads the output of `EBPFProgram.write` and of the disassemblers of LLVM and bpftool: one instruction per line.
///
/// The number of an instruction before it (`12:`) and its code in parentheses (`(b7)`) may be omitted; a comment goes from `;` or `//` to
/// the end of the line; `<…>` after a jump is skipped. `map[fd:5]` is the kernel map with this descriptor. Numbers are decimal or
/// hexadecimal. A distance is written `+3` or `pc+3`, or as a label: a name and a colon on their own line are the label of the instruction
/// that follows.
public enum EBPFAssembler {
  /// The program in `text`. Throws what is wrong, and in which line.
  public static func assemble(_ text: String) throws(AssemblyError) -> EBPFProgram {
    var instructions: [EncodedInstruction] = []
    /// The line of each instruction.
    var lines: [Int] = []
    var labels: [Substring: Int] = [:]
    var references: [(index: Int, name: Substring)] = []
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      var parser = OperationParser(line, line: number)
      if let label = parser.label {
        guard labels.updateValue(instructions.count, forKey: label) == nil else {
          throw AssemblyError(line: number, message: "label '\(label)' is defined twice")
        }
        continue
      }
      try parser.skipNumber(of: instructions.count)
      if parser.isAtEnd { continue }
      let operation = try parser.operation()
      if let name = parser.targetName { references.append((instructions.count, name)) }
      let encoded = operation.encoded
      instructions += encoded
      lines += encoded.map { _ in number }
      guard instructions.count <= EBPFProgram.maximumCount else {
        throw AssemblyError(line: number, message: "more instructions than a program may have")
      }
    }
    for (index, name) in references {
      guard let target = labels[name] else {
        throw AssemblyError(line: lines[index], message: "undefined label '\(name)'")
      }
      try setDistance(target - index - 1, of: &instructions[index], line: lines[index])
    }
    do throws(EBPFProgramError) {
      return try EBPFProgram(validating: instructions)
    } catch {
      throw AssemblyError(line: error.index.map { lines[$0] } ?? max(1, number), message: error.description)
    }
  }

  private static func setDistance(
    _ distance: Int, of instruction: inout EncodedInstruction, line: Int
  ) throws(AssemblyError) {
    // Long jumps and local calls store the distance in the constant.
    if instruction.code == 0x06 || instruction.code == 0x85 {
      instruction.constant = Int32(distance)
    } else if let short = Int16(exactly: distance) {
      instruction.offset = short
    } else {
      throw AssemblyError(line: line, message: "the jump is too long: use 'gotol'")
    }
  }
}

/// The operation in one line.
private struct OperationParser {
  private var tokens: ArraySlice<Substring>
  private let line: Int
  /// The label that the operation jumps to.
  private(set) var targetName: Substring?

  init(_ text: Substring, line: Int) {
    self.line = line
    var code = text.prefix { $0 != ";" }
    if let comment = code.firstRange(ofText: "//") { code = code[..<comment.lowerBound] }
    // `goto +3 <7>`: no operation ends with `>`.
    while code.last?.isWhitespace == true { code.removeLast() }
    if code.last == ">", let mark = code.lastIndex(of: "<") { code = code[..<mark] }
    tokens = Self.tokens(code)[...]
  }

  /// Words, numbers, and what is between them: operators, whose characters stay together, and single brackets.
  private static func tokens(_ text: Substring) -> [Substring] {
    var tokens: [Substring] = []
    var rest = text
    while let first = rest.first {
      func take(_ belongs: (Character) -> Bool) {
        let token = rest.prefix(while: belongs)
        tokens.append(token)
        rest = rest.dropFirst(token.count)
      }
      if first == " " || first == "\t" || first == "\r" {
        rest.removeFirst()
      } else if isWord(first) {
        take(isWord)
      } else if isOperator(first) {
        take(isOperator)
      } else {
        tokens.append(rest.prefix(1))
        rest.removeFirst()
      }
    }
    return tokens
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == ".")
  }

  private static func isOperator(_ character: Character) -> Bool { "+-*/&|^<>=!%".contains(character) }

  var isAtEnd: Bool { tokens.isEmpty }

  /// The label that the line defines; nil if the line is something else.
  var label: Substring? {
    guard tokens.count == 2, tokens.last == ":", let name = tokens.first, name.first?.isNumber == false else {
      return nil
    }
    return name
  }

  func error(_ message: String) -> AssemblyError { AssemblyError(line: line, message: message) }

  private func unexpected(_ wanted: String) -> AssemblyError {
    let found = tokens.first.map { "'\($0.prefix(40))'" } ?? "the end of the line"
    return error("\(wanted) is missing before \(found)")
  }

  private mutating func take(_ token: Substring) -> Bool {
    guard tokens.first == token else { return false }
    tokens.removeFirst()
    return true
  }

  private mutating func expect(_ wanted: Substring...) throws(AssemblyError) {
    for token in wanted where !take(token) { throw unexpected("'\(token)'") }
  }

  /// Skips `12:` and `(b7)`.
  mutating func skipNumber(of index: Int) throws(AssemblyError) {
    if tokens.count >= 2, tokens[tokens.startIndex + 1] == ":", let number = Int(tokens[tokens.startIndex]) {
      guard number == index else { throw error("\(number) where instruction \(index) is due") }
      tokens.removeFirst(2)
    }
    if tokens.first == "(", tokens.count > 3, tokens[tokens.startIndex + 2] == ")" { tokens.removeFirst(3) }
  }

  // MARK: Operations

  mutating func operation() throws(AssemblyError) -> Operation {
    let operation = try anyOperation()
    guard isAtEnd else { throw error("'\(tokens.joined(separator: " ").prefix(40))' is unexpected") }
    return operation
  }

  private mutating func anyOperation() throws(AssemblyError) -> Operation {
    switch tokens.first {
    case "exit":
      tokens.removeFirst()
      return .exit
    case "goto":
      tokens.removeFirst()
      let distance = try distance()
      guard Int16(exactly: distance) != nil else { throw error("the jump is too long: use 'gotol'") }
      return .jump(distance: distance, isLong: false)
    case "gotol":
      tokens.removeFirst()
      return .jump(distance: try distance(), isLong: true)
    case "if":
      tokens.removeFirst()
      return try branch()
    case "call":
      tokens.removeFirst()
      if let first = tokens.first, first == "pc" || first == "+" || first == "-" || first.first?.isNumber == false {
        return .callLocal(distance: try distance())
      }
      return .call(try constant32())
    case "callx":
      tokens.removeFirst()
      return .callRegister(try register().register)
    case "lock":
      tokens.removeFirst()
      return try lockedOperation()
    case "*": return try storeOperation()
    default: return try assignment()
    }
  }

  private mutating func branch() throws(AssemblyError) -> Operation {
    let (register, width) = try register()
    let symbol = symbol()
    guard let condition = Operation.Condition.allCases.first(where: { $0.symbol.description == symbol }) else {
      throw error("'\(symbol)' is not a comparison")
    }
    let operand = try operand(width)
    try expect("goto")
    guard let distance = Int16(exactly: try distance()) else { throw error("the jump is too long") }
    return .branch(condition, width, register, operand, distance: distance)
  }

  /// An operator, including the `s` that makes it signed.
  private mutating func symbol() -> String {
    var symbol = ""
    if take("s") { symbol = "s" }
    if let first = tokens.first, first.allSatisfy(Self.isOperator) {
      symbol += first
      tokens.removeFirst()
      // `= -r1` and `+= -5` without a blank in between.
      if symbol.count > 1, symbol.hasSuffix("-") {
        symbol.removeLast()
        tokens = ["-"] + tokens
      }
    }
    return symbol
  }

  /// `lock *(u64 *)(r1 + 0) += r2`.
  private mutating func lockedOperation() throws(AssemblyError) -> Operation {
    let (size, _, base, offset) = try memory()
    let symbol = symbol()
    guard let atomic = Operation.Atomic.allCases.first(where: { $0.symbol?.description == symbol }) else {
      throw error("'\(symbol)' is not an atomic operation")
    }
    return .atomic(atomic, try width(size), fetches: false, at: base, offset: offset, try register().register)
  }

  /// `*(u32 *)(r1 + 0) = r2`.
  private mutating func storeOperation() throws(AssemblyError) -> Operation {
    let (size, isSigned, base, offset) = try memory()
    try expect("=")
    guard !isSigned else { throw error("a store has no sign") }
    if let (register, _) = try? peekRegister() {
      tokens.removeFirst()
      return .store(size, at: base, offset: offset, .register(register))
    }
    return .store(size, at: base, offset: offset, .constant(try constant32()))
  }

  private mutating func assignment() throws(AssemblyError) -> Operation {
    let (target, width) = try register()
    let symbol = symbol()
    if symbol == "=" { return try assignment(to: target, width) }
    // `r0 =*(…)` and the like do not occur in practice.
    guard let arithmetic = Operation.Arithmetic.allCases.first(where: { $0.symbol.description == symbol }) else {
      throw error("'\(symbol)' is not an operator")
    }
    return .arithmetic(arithmetic, width, target, try operand(width))
  }

  /// Parses what follows `=`.
  private mutating func assignment(to target: Register, _ width: Operation.Width) throws(AssemblyError) -> Operation {
    switch tokens.first {
    case "*": return try loadOperation(target)
    case "(":
      tokens.removeFirst()
      guard let bits = ["s8": 8, "s16": 16, "s32": 32][tokens.popFirst() ?? ""] as Int16? else {
        throw error("s8, s16 or s32 is missing after '('")
      }
      try expect(")")
      return .moveSigned(width, bits: bits, target, try register(of: width))
    case "-" where tokens.count > 1 && tokens[tokens.startIndex + 1].first.map { $0 == "r" || $0 == "w" } ?? false:
      tokens.removeFirst()
      guard try register(of: width) == target else { throw error("the negative of another register") }
      return .negate(width, target)
    default: break
    }
    if let word = tokens.first, let order = Self.byteOrder(word) {
      tokens.removeFirst()
      guard try register().register == target else { throw error("the bytes of another register") }
      return .byteOrder(order.0, bits: order.1, target)
    }
    if let word = tokens.first, let (atomic, atomicWidth) = Self.atomicFunction(word) {
      tokens.removeFirst()
      return try fetchingOperation(atomic, atomicWidth, target)
    }
    if (try? peekRegister()) != nil { return .arithmetic(.mov, width, target, try operand(width)) }
    if take("map") {
      try expect("[", "fd", ":")
      let descriptor = try constant32()
      try expect("]")
      guard width == .doubleWord else { throw error("the address of a map has 64 bits") }
      return .loadMap(target, descriptor: descriptor)
    }
    let value = try number()
    if take("ll") {
      guard width == .doubleWord, let bits = Self.bits(value, 64) else { throw error("\(value) has more than 64 bits") }
      return .loadConstant(target, bits)
    }
    return .arithmetic(.mov, width, target, .constant(try constant32(value)))
  }

  private mutating func loadOperation(_ target: Register) throws(AssemblyError) -> Operation {
    // `*(u8 *)skb[14]` or `*(u8 *)(r1 + 14)`.
    if tokens.count > 5, tokens[tokens.startIndex + 5] == "skb" {
      let (size, _) = try type()
      try expect("skb", "[")
      guard target == .r0 else { throw error("a load from a packet goes to r0") }
      if let (index, _) = try? peekRegister() {
        tokens.removeFirst()
        let constant = take("]") ? 0 : try constant32(try sum())
        if tokens.first == "]" { tokens.removeFirst() }
        return .loadPacket(size, index: index, constant)
      }
      let constant = try constant32()
      try expect("]")
      return .loadPacket(size, index: nil, constant)
    }
    let (size, isSigned, base, offset) = try memory()
    return .load(size, isSigned: isSigned, target, from: base, offset: offset)
  }

  /// `r0 = atomic_fetch_add((u64 *)(r1 + 0), r0)`, `r0 = cmpxchg_64(r1 + 0, r0, r2)`.
  private mutating func fetchingOperation(
    _ atomic: Operation.Atomic, _ width: Operation.Width?, _ target: Register
  ) throws(AssemblyError) -> Operation {
    try expect("(")
    var width = width
    let isTyped = width == nil
    if isTyped {
      try expect("(")
      let (size, _) = try typeName()
      width = try self.width(size)
      try expect("*", ")", "(")
    }
    guard let width else { throw error("the width is missing") }
    let base = try register().register
    guard let offset = Int16(exactly: try sum()) else { throw error("the offset has more than 16 bits") }
    if isTyped { try expect(")") }
    try expect(",")
    if atomic == .compareExchange {
      guard try register().register == .r0, target == .r0 else { throw error("the comparison is with r0") }
      try expect(",")
    }
    let source = try register().register
    guard atomic == .compareExchange || source == target else { throw error("the result goes to the operand") }
    try expect(")")
    return .atomic(atomic, width, fetches: true, at: base, offset: offset, source)
  }

  // MARK: Words

  private static func byteOrder(_ word: Substring) -> (Operation.ByteOrder, Int32)? {
    for (prefix, order) in [("bswap", Operation.ByteOrder.swap), ("be", .toBigEndian), ("le", .toLittleEndian)] {
      guard word.hasPrefix(prefix), let bits = Int32(word.dropFirst(prefix.count)) else { continue }
      return [16, 32, 64].contains(bits) ? (order, bits) : nil
    }
    return nil
  }

  /// The operation with that name, and its width if the name includes it.
  private static func atomicFunction(_ word: Substring) -> (Operation.Atomic, Operation.Width?)? {
    for atomic in Operation.Atomic.allCases {
      for width in [Operation.Width.word, .doubleWord] where atomic.function(width).description == word {
        return (atomic, atomic.symbol == nil ? width : nil)
      }
    }
    return nil
  }

  /// `u8` and the others.
  private mutating func typeName() throws(AssemblyError) -> (Operation.Size, isSigned: Bool) {
    for size in Operation.Size.allCases {
      for isSigned in [false, true] where take(Substring(size.name(signed: isSigned).description)) {
        return (size, isSigned)
      }
    }
    throw unexpected("a type such as u8")
  }

  /// `*(u8 *)`.
  private mutating func type() throws(AssemblyError) -> (Operation.Size, isSigned: Bool) {
    try expect("*", "(")
    let type = try typeName()
    try expect("*", ")")
    return type
  }

  /// `*(u8 *)(r1 + 14)`.
  private mutating func memory() throws(AssemblyError) -> (Operation.Size, isSigned: Bool, Register, Int16) {
    let (size, isSigned) = try type()
    try expect("(")
    let base = try register().register
    guard let offset = Int16(exactly: try sum()) else { throw error("the offset has more than 16 bits") }
    try expect(")")
    return (size, isSigned, base, offset)
  }

  private func width(_ size: Operation.Size) throws(AssemblyError) -> Operation.Width {
    switch size {
    case .word: return .word
    case .doubleWord: return .doubleWord
    default: throw error("an atomic operation takes 4 or 8 bytes")
    }
  }

  private func peekRegister() throws(AssemblyError) -> (register: Register, width: Operation.Width) {
    guard let word = tokens.first, let kind = word.first, kind == "r" || kind == "w",
      let number = UInt8(word.dropFirst()), let register = Register(rawValue: number)
    else { throw unexpected("a register") }
    return (register, kind == "w" ? .word : .doubleWord)
  }

  private mutating func register() throws(AssemblyError) -> (register: Register, width: Operation.Width) {
    let register = try peekRegister()
    tokens.removeFirst()
    return register
  }

  private mutating func register(of width: Operation.Width) throws(AssemblyError) -> Register {
    let (register, found) = try register()
    guard found == width else { throw error("r and w are mixed") }
    return register
  }

  private mutating func operand(_ width: Operation.Width) throws(AssemblyError) -> Operation.Operand {
    if (try? peekRegister()) != nil { return .register(try register(of: width)) }
    return .constant(try constant32())
  }

  // MARK: Numbers

  /// A number with an optional sign, of up to 64 bits.
  private mutating func number() throws(AssemblyError) -> Int128 {
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    guard let word = tokens.first else { throw unexpected("a number") }
    let magnitude = word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
    guard let magnitude else { throw unexpected("a number") }
    tokens.removeFirst()
    return isNegative ? -Int128(magnitude) : Int128(magnitude)
  }

  /// ` + 14` or ` - 8`; 0 if there is neither.
  private mutating func sum() throws(AssemblyError) -> Int128 {
    guard tokens.first == "+" || tokens.first == "-" else { return 0 }
    return try number()
  }

  private mutating func constant32() throws(AssemblyError) -> Int32 { try constant32(try number()) }

  private func constant32(_ value: Int128) throws(AssemblyError) -> Int32 {
    guard let bits = Self.bits(value, 32) else { throw error("\(value) has more than 32 bits") }
    return Int32(truncatingIfNeeded: bits)
  }

  /// The number in this many bits, signed or unsigned; nil if it does not fit.
  private static func bits(_ value: Int128, _ count: Int128) -> UInt64? {
    value >= -(1 << (count - 1)) && value < 1 << count ? UInt64(truncatingIfNeeded: value) : nil
  }

  /// `+3`, `pc+3`, or a label, for which 0 is returned until all lines have been read.
  private mutating func distance() throws(AssemblyError) -> Int32 {
    _ = take("pc")
    if let word = tokens.first, let first = word.first, first.isLetter || first == "_" || first == "." {
      targetName = word
      tokens.removeFirst()
      return 0
    }
    return try constant32(try number())
  }
}
