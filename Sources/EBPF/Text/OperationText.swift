import BPF
public import PacketCore

extension Operation.Arithmetic {
  /// The operator between the two operands.
  var symbol: StaticString {
    switch self {
    case .add: "+="
    case .sub: "-="
    case .mul: "*="
    case .div: "/="
    case .or: "|="
    case .and: "&="
    case .lsh: "<<="
    case .rsh: ">>="
    case .mod: "%="
    case .xor: "^="
    case .mov: "="
    case .arsh: "s>>="
    case .sdiv: "s/="
    case .smod: "s%="
    }
  }
}

extension Operation.Condition {
  /// The operator between the two operands.
  var symbol: StaticString {
    switch self {
    case .jeq: "=="
    case .jne: "!="
    case .jgt: ">"
    case .jge: ">="
    case .jlt: "<"
    case .jle: "<="
    case .jset: "&"
    case .jsgt: "s>"
    case .jsge: "s>="
    case .jslt: "s<"
    case .jsle: "s<="
    }
  }
}

extension Operation.Atomic {
  /// The operator between memory and the register if nothing is fetched; nil for operations that always fetch.
  var symbol: StaticString? {
    switch self {
    case .add: "+="
    case .or: "|="
    case .and: "&="
    case .xor: "^="
    case .exchange, .compareExchange: nil
    }
  }

  /// The function name in the text if memory's value is fetched, for each width.
  func function(_ width: Operation.Width) -> StaticString {
    switch (self, width) {
    case (.add, _): "atomic_fetch_add"
    case (.or, _): "atomic_fetch_or"
    case (.and, _): "atomic_fetch_and"
    case (.xor, _): "atomic_fetch_xor"
    case (.exchange, .word): "xchg32_32"
    case (.exchange, .doubleWord): "xchg_64"
    case (.compareExchange, .word): "cmpxchg32_32"
    case (.compareExchange, .doubleWord): "cmpxchg_64"
    }
  }
}

extension Operation.Size {
  /// The type name of the access, `signed` or not.
  func name(signed: Bool) -> StaticString {
    switch self {
    case .octet: signed ? "s8" : "u8"
    case .half: signed ? "s16" : "u16"
    case .word: signed ? "s32" : "u32"
    case .doubleWord: signed ? "s64" : "u64"
    }
  }
}

extension Operation {
  /// Writes the operation as LLVM and bpftool do, without a newline: `r0 = *(u8 *)(r1 + 14)`.
  public func write(to out: inout TextBuffer) {
    switch self {
    case .arithmetic(let arithmetic, let width, let target, let operand):
      target.write(width, to: &out)
      out.write(" ")
      out.write(arithmetic.symbol)
      out.write(" ")
      operand.write(width, to: &out)
    case .negate(let width, let target):
      target.write(width, to: &out)
      out.write(" = -")
      target.write(width, to: &out)
    case .moveSigned(let width, let bits, let target, let source):
      target.write(width, to: &out)
      out.write(" = (s")
      out.write(decimal: bits)
      out.write(")")
      source.write(width, to: &out)
    case .byteOrder(let order, let bits, let target):
      target.write(.doubleWord, to: &out)
      switch order {
      case .toLittleEndian: out.write(" = le")
      case .toBigEndian: out.write(" = be")
      case .swap: out.write(" = bswap")
      }
      out.write(decimal: bits)
      out.write(" ")
      target.write(.doubleWord, to: &out)
    case .loadConstant(let target, let value):
      target.write(.doubleWord, to: &out)
      out.write(" = 0x")
      out.write(hex: value)
      out.write(" ll")
    case .loadMap(let target, let descriptor):
      target.write(.doubleWord, to: &out)
      out.write(" = map[fd:")
      out.write(decimal: descriptor)
      out.write("]")
    case .load(let size, let isSigned, let target, let base, let offset):
      target.write(.doubleWord, to: &out)
      out.write(" = ")
      Self.writeMemory(size.name(signed: isSigned), base, offset, to: &out)
    case .store(let size, let base, let offset, let operand):
      Self.writeMemory(size.name(signed: false), base, offset, to: &out)
      out.write(" = ")
      // The register is written with its 64-bit name, as LLVM does without 32-bit registers and bpftool always does.
      operand.write(.doubleWord, to: &out)
    case .atomic(let atomic, let width, let fetches, let base, let offset, let source):
      Self.writeAtomic(atomic, width, fetches, base, offset, source, to: &out)
    case .loadPacket(let size, let index, let constant):
      out.write("r0 = *(")
      out.write(size.name(signed: false))
      out.write(" *)skb[")
      if let index {
        index.write(.doubleWord, to: &out)
        if constant != 0 { Self.writeSum(Int64(constant), to: &out) }
      } else {
        out.write(decimal: constant)
      }
      out.write("]")
    case .jump(let distance, let isLong):
      out.write(isLong ? "gotol " : "goto ")
      Self.writeDistance(distance, to: &out)
    case .branch(let condition, let width, let register, let operand, let distance):
      out.write("if ")
      register.write(width, to: &out)
      out.write(" ")
      out.write(condition.symbol)
      out.write(" ")
      operand.write(width, to: &out)
      out.write(" goto ")
      Self.writeDistance(Int32(distance), to: &out)
    case .call(let number):
      out.write("call ")
      out.write(decimal: number)
    case .callRegister(let register):
      out.write("callx ")
      register.write(.doubleWord, to: &out)
    case .callLocal(let distance):
      out.write("call pc")
      Self.writeDistance(distance, to: &out)
    case .exit: out.write("exit")
    }
  }

  private static func writeAtomic(
    _ atomic: Atomic, _ width: Width, _ fetches: Bool, _ base: Register, _ offset: Int16, _ source: Register,
    to out: inout TextBuffer
  ) {
    let size: Size = width == .word ? .word : .doubleWord
    if !fetches, let symbol = atomic.symbol {
      out.write("lock ")
      writeMemory(size.name(signed: false), base, offset, to: &out)
      out.write(" ")
      out.write(symbol)
      out.write(" ")
      source.write(width, to: &out)
      return
    }
    let target = atomic == .compareExchange ? Register.r0 : source
    target.write(width, to: &out)
    out.write(" = ")
    out.write(atomic.function(width))
    out.write("(")
    if atomic.symbol == nil {
      base.write(.doubleWord, to: &out)
      writeSum(Int64(offset), to: &out)
    } else {
      out.write("(")
      out.write(size.name(signed: false))
      out.write(" *)(")
      base.write(.doubleWord, to: &out)
      writeSum(Int64(offset), to: &out)
      out.write(")")
    }
    out.write(", ")
    if atomic == .compareExchange {
      Register.r0.write(width, to: &out)
      out.write(", ")
    }
    source.write(width, to: &out)
    out.write(")")
  }

  /// `*(u8 *)(r1 + 14)`.
  private static func writeMemory(_ type: StaticString, _ base: Register, _ offset: Int16, to out: inout TextBuffer) {
    out.write("*(")
    out.write(type)
    out.write(" *)(")
    base.write(.doubleWord, to: &out)
    writeSum(Int64(offset), to: &out)
    out.write(")")
  }

  private static func writeSum(_ number: Int64, to out: inout TextBuffer) {
    out.write(number < 0 ? " - " : " + ")
    out.write(decimal: number.magnitude)
  }

  private static func writeDistance(_ distance: Int32, to out: inout TextBuffer) {
    if distance >= 0 { out.write("+") }
    out.write(decimal: distance)
  }
}

extension Register {
  /// `r3`, or `w3` for its lower half.
  func write(_ width: Operation.Width, to out: inout TextBuffer) {
    out.write(width == .word ? "w" : "r")
    out.write(decimal: rawValue)
  }
}

extension Operation.Operand {
  fileprivate func write(_ width: Operation.Width, to out: inout TextBuffer) {
    switch self {
    case .register(let register): register.write(width, to: &out)
    case .constant(let constant): out.write(decimal: constant)
    }
  }
}

extension EBPFProgram {
  /// Writes one instruction per line, with its number, and after a jump the number of its target. The part of `expression` that
  /// instructions come from, if known, is a comment above them.
  public func write(expression: String = "", to out: inout TextBuffer) {
    var width = 1
    var bound = 10
    while instructions.count > bound { (width, bound) = (width + 1, bound * 10) }
    let text = Array(expression.utf8)
    var last: SourceRange?
    for (index, operation) in operations.enumerated() {
      guard let operation else { continue }
      if let source = index < sources.count ? sources[index] : nil, source != last, !text.isEmpty {
        last = source
        out.write("; ")
        let words = text[min(source.lowerBound, text.count)..<min(source.upperBound, text.count)]
        out.write(visible: String(decoding: words.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }, as: UTF8.self))
        out.write("\n")
      }
      out.write(repeating: 0x20, count: width - String(index).utf8.count)
      out.write(decimal: index)
      out.write(": ")
      operation.write(to: &out)
      if let distance = operation.distance {
        out.write(" <")
        out.write(decimal: index + 1 + distance)
        out.write(">")
      }
      out.write("\n")
    }
  }
}
