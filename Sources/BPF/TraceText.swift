public import PacketCore

extension Trace {
  /// Writes a line for each executed instruction: the line of `tcpdump -d`, and as a comment A and X after it, what it loaded, the outcome
  /// of a jump, and why it failed. `caplen` is the number of captured bytes.
  public func write(caplen: Int, to out: inout TextBuffer) {
    for step in steps {
      step.instruction.writeCommented(at: step.index, to: &out)
      step.writeOutcome(caplen: caplen, to: &out)
      out.write("\n")
    }
  }
}

extension ExecutedInstruction {
  fileprivate func writeOutcome(caplen: Int, to out: inout TextBuffer) {
    out.write("A=0x")
    out.write(hex: after.a)
    out.write(" X=0x")
    out.write(hex: after.x)
    if let loaded, instruction.opcode == .ldxMsh {
      out.write(" loaded=0x")
      out.write(hex: loaded)
    }
    if instruction.opcode == .st || instruction.opcode == .stx {
      out.write(" M[")
      out.write(decimal: instruction.k)
      out.write("]=0x")
      out.write(hex: instruction.opcode == .st ? after.a : after.x)
    }
    if let condition { out.write(condition ? " true" : " false") }
    switch failure {
    case nil: break
    case .outsidePacket: writeMissing(caplen: caplen, to: &out)
    case .ancillary(let ancillary):
      out.write(" failed: only the kernel knows [")
      out.write(ancillary.name)
      out.write("]")
    case .divisionByZero: out.write(" failed: division by zero")
    }
  }

  private func writeMissing(caplen: Int, to out: inout TextBuffer) {
    guard let access else { return }
    out.write(" failed: byte")
    if access.size > 1 { out.write("s") }
    out.write(" ")
    out.write(decimal: access.offset)
    if access.size > 1 {
      out.write("-")
      out.write(decimal: access.offset &+ UInt64(access.size &- 1))
    }
    out.write(" of ")
    out.write(decimal: caplen)
  }
}

extension ExecutionProfile {
  /// Writes the lines of `tcpdump -d`, with comments on how often each instruction was executed, how often a jump's condition held, and how
  /// often it failed; the last comment is a summary.
  public func write(to out: inout TextBuffer) {
    let width = String(packets).utf8.count
    for (index, instruction) in program.instructions.enumerated() {
      instruction.writeCommented(at: index, to: &out)
      let counter = counters[index]
      out.write(decimal: counter.executed, width: width, pad: UInt8(ascii: " "))
      if instruction.opcode?.isConditionalJump == true, counter.executed > 0 {
        out.write(" true=")
        out.write(decimal: counter.held)
        out.write(" false=")
        out.write(decimal: counter.executed &- counter.held)
      }
      if counter.failed > 0 {
        out.write(" failed=")
        out.write(decimal: counter.failed)
      }
      out.write("\n")
    }
    let executed = executed
    out.write("; ")
    out.write(decimal: packets)
    out.write(packets == 1 ? " packet, " : " packets, ")
    out.write(decimal: accepted)
    out.write(" accepted, ")
    out.write(decimal: executed)
    out.write(" instructions")
    if packets > 0 {
      // Hundredths, rounded down; the mean is below 2^20.
      let (mean, rest) = executed.quotientAndRemainder(dividingBy: packets)
      out.write(", ")
      out.write(decimal: mean)
      out.write(".")
      out.write(decimal: UInt64(Double(rest) / Double(packets) * 100), width: 2)
      out.write(" a packet")
    }
    out.write("\n")
  }
}

extension Instruction {
  /// Writes the line of `tcpdump -d`, blanks up to a common column, and `; `. The assembler treats what follows as a comment.
  public func writeCommented(at index: Int, to out: inout TextBuffer) {
    let commentColumn = 56
    let start = out.count
    write(at: index, to: &out)
    out.write(repeating: UInt8(ascii: " "), count: max(1, commentColumn - Self.columns(out.bytes, from: start)))
    out.write("; ")
  }

  /// The width in columns of the line that starts at the byte `start`. The targets of a jump are separated by a tab.
  private static func columns(_ text: RawSpan, from start: Int) -> Int {
    var column = 0
    for offset in start..<text.byteCount {
      // Safe: offset is below the number of bytes.
      let octet = unsafe text.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      column = octet == UInt8(ascii: "\t") ? (column / 8 + 1) * 8 : column + 1
    }
    return column
  }
}
