public import BPF
public import PacketCore

extension FilterListing {
  /// Writes what `tcpdump -d` prints of the program, with the words that each instruction implements as a comment after it. With a profile
  /// of the program, those are preceded by how often it was executed, and how often the condition of a jump held.
  public func writeAnnotated(_ profile: ExecutionProfile?, to out: inout TextBuffer) {
    let width = String(profile?.packets ?? 0).utf8.count
    for (index, instruction) in program.instructions.enumerated() {
      instruction.writeCommented(at: index, to: &out)
      if let profile, index < profile.counters.count {
        let counter = profile.counters[index]
        out.write(decimal: counter.executed, width: width, pad: UInt8(ascii: " "))
        if conditions[index] != nil, counter.executed > 0 {
          out.write(" true=\(counter.held) false=\(counter.executed &- counter.held)")
        }
        if counter.failed > 0 { out.write(" failed=\(counter.failed)") }
        out.write("  ")
      }
      let words = words(of: index)
      out.write(words.isEmpty ? (expression.isEmpty ? "" : "(verdict)") : words)
      out.write("\n")
    }
    if let profile {
      out.write("; \(profile.packets) packet\(profile.packets == 1 ? "" : "s"), \(profile.accepted) accepted\n")
    }
  }
}
