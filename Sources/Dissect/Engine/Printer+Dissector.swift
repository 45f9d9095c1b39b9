package import PacketCore

extension Printer {
  /// Runs one dissector over bytes without a carrier, and appends its text and a newline; `index` is the dissector's index in the registry,
  /// from 0. The enclosing IP header is empty. If fields are recorded, a line with the fields of its layers follows.
  package mutating func packet(_ bytes: PacketBytes, dissector index: Int) {
    guard index >= 0, index < registry.dissectors.count else { return }
    context.reset(recording)
    writesFields = false
    if recording == .fields {
      fields.removeAll()
      fields.beginObject()
      fields.beginArray("layers")
    }
    do throws(DecodeError) {
      try run(Registry.Index(index + 1), bytes)
    } catch .truncated {
      writeTruncation()
    } catch {
      out.write(" (invalid)")
    }
    out.write(byte: UInt8(ascii: "\n"))
    if recording == .fields {
      suspendObject()
      fields.end(downTo: 0)
      out.write(contentsOf: fields.json)
      out.write(byte: UInt8(ascii: "\n"))
    }
  }
}
