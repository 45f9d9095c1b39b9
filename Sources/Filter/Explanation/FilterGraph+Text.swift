public import BPF
public import PacketCore

/// Forms of the graph.
extension FilterGraph {
  // MARK: graphviz

  /// Writes the graph in the DOT language of graphviz. With a profile of the program, each edge has the number of packets that took it, and
  /// is thicker and redder the more there were.
  public func writeDOT(_ profile: ExecutionProfile?, to out: inout TextBuffer) {
    let title = listing.expression.isEmpty ? "filter" : listing.expression
    out.write("digraph filter {\n")
    out.write("  graph [rankdir=TB, nodesep=0.35, ranksep=0.45, fontname=\"Helvetica\", fontsize=14, labelloc=t,\n")
    let words = SourceExcerpt.words(SourceRange(0, title.utf8.count), of: title, limit: 100)
    out.write("    label=\(Self.quoted(words))];\n")
    out.write("  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n")
    out.write("  edge [fontname=\"Helvetica\", fontsize=10, color=\"#606060\", fontcolor=\"#404040\"];\n")
    var rejections = 0
    for (number, block) in blocks.enumerated() {
      let counts = profile.map { self.counts(block, $0) }
      switch block.ending {
      case .reject: break
      default: writeNode(number, block, counts, to: &out)
      }
    }
    let most = profile?.packets ?? 0
    for (number, block) in blocks.enumerated() {
      let counts = profile.map { self.counts(block, $0) }
      switch block.ending {
      case .branch(_, let yes, let no):
        writeEdge(number, yes, "yes", counts?.yes, most, &rejections, to: &out)
        writeEdge(number, no, "no", counts?.no, most, &rejections, to: &out)
      case .jump(let next): writeEdge(number, next, "", counts?.yes, most, &rejections, to: &out)
      case .reject where number == 0: writeRejection("n0", to: &out)
      case .accept, .acceptAccumulator, .reject: break
      }
    }
    out.write("}\n")
  }

  private func writeNode(_ number: Int, _ block: Block, _ counts: Counts?, to out: inout TextBuffer) {
    var lines = [text(block)]
    var attributes = ""
    switch block.ending {
    case .branch, .jump, .reject: break
    case .accept, .acceptAccumulator: attributes = ", fillcolor=\"#d5f0d5\", color=\"#2a7a2a\""
    }
    if !block.words.isEmpty { lines.append(block.words) }
    if let counts {
      lines.append("\(counts.packets) packet\(counts.packets == 1 ? "" : "s")")
      if counts.failed > 0 { lines.append("\(counts.failed) too short, rejected") }
      if counts.packets == 0 { attributes += ", fontcolor=\"#909090\", color=\"#b0b0b0\"" }
    }
    out.write("  n\(number) [label=\(Self.quoted(lines.joined(separator: "\n")))\(attributes)];\n")
  }

  /// Every edge to a rejection gets its own end: edges to a common one would cross all others.
  private func writeEdge(
    _ from: Int, _ to: Int, _ label: String, _ count: UInt64?, _ most: UInt64, _ rejections: inout Int,
    to out: inout TextBuffer
  ) {
    var target = "n\(to)"
    if case .reject = blocks[to].ending {
      target = "r\(rejections)"
      rejections += 1
      writeRejection(target, to: &out)
    }
    var text = label
    var attributes = ""
    if let count {
      text = label.isEmpty ? "\(count)" : "\(label) \(count)"
      let heat = most == 0 ? 0 : Double(count) / Double(most)
      if count == 0 {
        attributes = ", style=dashed, color=\"#c0c0c0\", fontcolor=\"#909090\""
      } else {
        let width = Int(1 + 5 * heat + 0.5)
        let red = 0x60 + Int(0x80 * heat)
        let rest = String(0x60 - Int(0x50 * heat), radix: 16)
        let digits = rest.count < 2 ? "0" + rest : rest
        attributes = ", penwidth=\(width), color=\"#\(String(red, radix: 16))\(digits)\(digits)\""
      }
    }
    out.write("  n\(from) -> \(target) [label=\(Self.quoted(" " + text + " "))\(attributes)];\n")
  }

  private func writeRejection(_ name: String, to out: inout TextBuffer) {
    out.write(
      "  \(name) [label=\"reject\", shape=plaintext, style=\"\", height=0.2, margin=\"0.03,0.01\", fontsize=9, fontcolor=\"#b02020\"];\n"
    )
  }

  /// A quoted string in DOT, with newlines escaped.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result + "\""
  }

  /// What a block does, in one line.
  private func text(_ block: Block) -> String {
    switch block.ending {
    case .branch(let condition, _, _): return condition
    case .reject: return "reject"
    case .accept: return "accept"
    case .acceptAccumulator: return "accept A bytes"
    case .jump:
      return block.instructions.map { index in
        var line = TextBuffer()
        listing.program.instructions[index].write(at: index, to: &line)
        let words = line.string.split(whereSeparator: \.isWhitespace).dropFirst()
        return words.joined(separator: " ")
      }.joined(separator: "; ")
    }
  }

  // MARK: Text

  /// Writes the graph as text: a paragraph for each block with its condition, and where the two outcomes lead.
  public func writeASCII(_ profile: ExecutionProfile?, to out: inout TextBuffer) {
    let width = max(8, blocks.map { text($0).count }.max() ?? 0)
    let digits = String(max(0, blocks.count - 1)).count
    for (number, block) in blocks.enumerated() {
      let counts = profile.map { self.counts(block, $0) }
      let name = "[\(number)]"
      let text = text(block)
      var line = name + String(repeating: " ", count: max(1, digits + 3 - name.count)) + text
      if let counts {
        line +=
          String(repeating: " ", count: width - text.count)
          + "  \(counts.packets) packet\(counts.packets == 1 ? "" : "s")"
      }
      if !block.words.isEmpty, !block.isReturn {
        if counts == nil { line += String(repeating: " ", count: width - text.count) }
        line += "  ; \(block.words)"
      }
      out.write(line + "\n")
      if let counts, counts.failed > 0 { writeWay("|--", digits, "too short", "reject", counts.failed, to: &out) }
      switch block.ending {
      case .branch(_, let yes, let no):
        writeWay("|--", digits, "yes", target(yes), counts?.yes, to: &out)
        writeWay("`--", digits, "no", target(no), counts?.no, to: &out)
      case .jump(let next): writeWay("`--", digits, "then", target(next), counts?.yes, to: &out)
      case .reject, .accept, .acceptAccumulator: break
      }
    }
  }

  private func target(_ number: Int) -> String {
    switch blocks[number].ending {
    case .reject: "[\(number)] reject"
    case .accept: "[\(number)] accept"
    default: "[\(number)]"
    }
  }

  private func writeWay(
    _ mark: String, _ digits: Int, _ answer: String, _ target: String, _ count: UInt64?, to out: inout TextBuffer
  ) {
    let pad = String(repeating: " ", count: digits + 3)
    let answer = answer + String(repeating: " ", count: max(0, 4 - answer.count))
    out.write("\(pad)\(mark) \(answer) -> \(target)")
    if let count { out.write("  (\(count))") }
    out.write("\n")
  }
}

extension FilterGraph.Block {
  /// True if it ends the program.
  fileprivate var isReturn: Bool {
    switch ending {
    case .branch, .jump: false
    case .reject, .accept, .acceptAccumulator: true
    }
  }
}
