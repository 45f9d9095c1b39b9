public import PacketCore

/// A format for writing a program as text.
public enum DumpForm: Hashable, Sendable, CaseIterable {
  /// One instruction per line, for people: `tcpdump -d`.
  case text
  /// Initialisers of a C array of `struct bpf_insn`: `tcpdump -dd`.
  case cArray
  /// The number of instructions, then the fields of one per line as decimal numbers: `tcpdump -ddd`.
  case decimal
}

extension Program {
  /// Writes all instructions, each line with its newline.
  public func write(_ form: DumpForm, to out: inout TextBuffer) {
    if form == .decimal {
      out.write(decimal: UInt(instructions.count))
      out.write("\n")
    }
    for (index, instruction) in instructions.enumerated() {
      switch form {
      case .text: instruction.write(at: index, to: &out)
      case .cArray: instruction.writeInitialiser(to: &out)
      case .decimal: instruction.writeFields(to: &out)
      }
      out.write("\n")
    }
  }
}

extension Instruction {
  /// Writes the line of `tcpdump -d` for the instruction with that index, without a newline. The operand begins in column 16, and the
  /// targets of a conditional jump in column 33.
  public func write(at index: Int, to out: inout TextBuffer) {
    out.write("(")
    out.write(decimal: index, width: 3)
    out.write(") ")
    guard let opcode else {
      writeColumn(to: &out, width: 8) { out in out.write("unimp") }
      out.write(" 0x")
      out.write(hex: code)
      return
    }
    writeColumn(to: &out, width: 8) { out in out.write(opcode.facts.mnemonic) }
    out.write(" ")
    if opcode.isConditionalJump {
      writeColumn(to: &out, width: 16) { out in writeOperand(opcode.facts.operand, index: index, to: &out) }
      out.write(" jt ")
      out.write(decimal: index + 1 + Int(jt))
      out.write("\tjf ")
      out.write(decimal: index + 1 + Int(jf))
    } else {
      writeOperand(opcode.facts.operand, index: index, to: &out)
    }
  }

  /// Writes what `body` writes, padded with blanks.
  private func writeColumn(to out: inout TextBuffer, width: Int, _ body: (inout TextBuffer) -> Void) {
    let start = out.count
    body(&out)
    out.write(repeating: UInt8(ascii: " "), count: width - (out.count - start))
  }

  private func writeOperand(_ form: OperandForm, index: Int, to out: inout TextBuffer) {
    // libpcap writes the constant as an int, except in the hexadecimal forms.
    let signed = Int32(bitPattern: k)
    switch form {
    case .none: break
    case .hexConstant:
      out.write("#0x")
      out.write(hex: k)
    case .decimalConstant:
      out.write("#")
      out.write(decimal: signed)
    case .index: out.write("x")
    case .absolute:
      out.write("[")
      if let ancillary = Ancillary(offset: k) {
        out.write(ancillary.name)
      } else {
        out.write(decimal: signed)
      }
      out.write("]")
    case .indirect:
      out.write("[x + ")
      out.write(decimal: signed)
      out.write("]")
    case .headerLength:
      out.write("4*([")
      out.write(decimal: signed)
      out.write("]&0xf)")
    case .memory:
      out.write("M[")
      out.write(decimal: signed)
      out.write("]")
    case .packetLength: out.write("#pktlen")
    case .target: out.write(decimal: index + 1 + Int(k))
    }
  }

  /// Writes the line of `tcpdump -dd`, without a newline.
  func writeInitialiser(to out: inout TextBuffer) {
    out.write("{ 0x")
    out.write(hex: code)
    out.write(", ")
    out.write(decimal: jt)
    out.write(", ")
    out.write(decimal: jf)
    out.write(", 0x")
    out.write(hex: k, width: 8)
    out.write(" },")
  }

  /// Writes the line of `tcpdump -ddd`, without a newline.
  func writeFields(to out: inout TextBuffer) {
    out.write(decimal: code)
    out.write(" ")
    out.write(decimal: jt)
    out.write(" ")
    out.write(decimal: jf)
    out.write(" ")
    out.write(decimal: k)
  }
}
