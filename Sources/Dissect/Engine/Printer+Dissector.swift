package import PacketCore

extension Printer {
  /// Appends the text of octets that one dissector alone is given, the closing newline included; `index` is its place in the registry,
  /// from 0. The IP header around them is that of an empty packet. Where fields are recorded, a line with those of its layers follows.
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
