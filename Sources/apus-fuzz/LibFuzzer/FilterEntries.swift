import BPF
import Filter
import Names
import PacketCore
import TestSupport

/// Flags, a link type (DLT) and the text of a filter, followed after a zero byte by a packet. The filter must be refused or compiled; if it
/// compiles, the optimised and the unoptimised program must have the same verdict on the packet. What is printed about both must not
/// contain a byte that controls a terminal.
final class FilterEntry: FuzzEntry {
  private let names = LocalNames()

  func take(_ input: [UInt8]) {
    var input = FuzzInput(input)
    let flags = input.octet()
    let linkType = LinkType(rawValue: UInt32(flags & 0x80) << 1 + UInt32(input.octet()))
    var options = CompileOptions(linkType: linkType, optimize: false, names: names)
    if flags & 1 != 0 { options.target = .linuxKernel }
    if flags & 2 != 0 { options.netmask = 0xffff_ff00 }
    if flags & 4 != 0 { options.snaplen = 96 }
    let text = String(decoding: input.field(), as: UTF8.self)
    let packet = Array(input.rest)
    let plain: Program
    do throws(FilterError) {
      plain = try FilterCompiler.compile(text, options)
    } catch {
      for range in error.ranges where range.upperBound > text.utf8.count { fault("a range ends behind the text") }
      checkText(error.rendered(expression: text))
      return
    }
    options.optimize = true
    let best = try? FilterCompiler.compile(text, options)
    // Safe: the span borrows the array for the call.
    let octets = unsafe packet.span.bytes
    let len = UInt32(packet.count)
    let (expected, found) = (
      Interpreter(plain).run(octets, len: len), best.map { Interpreter($0).run(octets, len: len) } ?? 0
    )
    if expected != found { fault("verdict \(found) optimised, \(expected) not") }
    if flags & 8 != 0 { explain(text, options, packet, expected) }
    if flags & 16 != 0 { lint(text, options) }
  }

  private func explain(_ text: String, _ options: CompileOptions, _ packet: [UInt8], _ verdict: UInt32) {
    guard let explanation = try? FilterExplanation(text, options), let listing = try? FilterListing(text, options)
    else { return }
    // Safe: the span borrows the array for the call.
    let reason = unsafe explanation.explain(packet.span.bytes, len: UInt32(packet.count))
    if reason.decision.verdict != verdict, options.target != .linuxKernel {
      fault("verdict \(reason.decision.verdict) explained, \(verdict) found")
    }
    checkText(reason.text)
    for alternative in reason.others { checkText(alternative.text) }
    var out = TextBuffer()
    listing.writeAnnotated(nil, to: &out)
    FilterGraph(listing).writeASCII(nil, to: &out)
    FilterGraph(listing).writeDOT(nil, to: &out)
    checkText(out.octets)
  }

  private func lint(_ text: String, _ options: CompileOptions) {
    for finding in (try? FilterLint.findings(in: text, options, maximumTerms: 6)) ?? [] {
      checkText(finding.rendered(expression: text))
    }
  }
}

/// An expression generated from the grammar by choices in the bytes, for this compiler and libpcap's, and a packet for both programs.
final class MeaningEntry: FuzzEntry {
  func take(_ input: [UInt8]) {
    var input = FuzzInput(input)
    let linkType = input.pick(PacketBuilder.linkTypes)
    let count = Int(input.octet())
    var packets = RandomPacket(choices: Choices(input.octets(count)[...]))
    var expressions = RandomExpression(choices: Choices(input.rest))
    do throws(FilterComparison.Failure) {
      let comparison = try FilterComparison(expressions.next(linkType), linkType)
      for _ in 0..<4 {
        let (octets, len) = packets.next(linkType)
        if case .disagreement(let what) = comparison.compare(octets, len) { fault(what) }
      }
    } catch {
      if case .disagreement(let what) = error { fault(what) }
    }
  }
}

/// Ends the process if text contains a byte that controls a terminal.
func checkText(_ text: String) { checkText(Array(text.utf8)) }

/// Ends the process if text contains a byte that controls a terminal.
func checkText(_ text: [UInt8]) {
  if let control = TerminalControl.first(in: text) {
    fault("the text holds \(control): \(String(decoding: text, as: UTF8.self).debugDescription)")
  }
}
