import BPF
import PacketCore
import TestSupport
import Testing

/// The records of a pcap file, without its header, and what a simple walk over them finds.
private struct Records {
  var octets: [UInt8] = []
  let layout: RecordLayout

  mutating func add(_ packet: [UInt8], caplen: UInt32? = nil, len: UInt32? = nil) {
    let words: [UInt32] = [1, 2, caplen ?? UInt32(packet.count), len ?? UInt32(packet.count)]
    for word in words {
      let ordered = layout.isByteSwapped ? word.byteSwapped : word
      unsafe octets += withUnsafeBytes(of: ordered) { unsafe Array($0) }
    }
    octets += packet
  }

  func word(at offset: Int) -> UInt32 {
    let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(octets[offset + $1]) << UInt32(8 * $1) }
    return layout.isByteSwapped == (UInt32(littleEndian: 1) == 1) ? word.byteSwapped : word
  }

  /// The valid records up to the end or the first invalid one: the offset of each and whether the program accepts it. `end` is where the
  /// walk stops.
  func walk(_ program: Program) -> (records: [(offset: Int, isMatch: Bool)], end: Int) {
    let interpreter = Interpreter(program)
    var records: [(offset: Int, isMatch: Bool)] = []
    var offset = 0
    while offset + 16 <= octets.count {
      let caplen = word(at: offset + 8)
      guard caplen <= layout.largestCaplen, offset + 16 + Int(caplen) <= octets.count else { break }
      let packet = octets[offset + 16..<offset + 16 + Int(min(caplen, layout.snaplen))]
      // Safe: the bytes outlive the call.
      let result = unsafe interpreter.run(Array(packet).span.bytes, len: word(at: offset + 12))
      records.append((offset, result != 0))
      offset += 16 + Int(caplen)
    }
    return (records, offset)
  }
}

private let layouts = [
  RecordLayout(isByteSwapped: false, largestCaplen: 262_144, snaplen: 262_144),
  RecordLayout(isByteSwapped: true, largestCaplen: 262_144, snaplen: 262_144),
  RecordLayout(isByteSwapped: false, largestCaplen: 262_144, snaplen: 30),
  RecordLayout(isByteSwapped: true, largestCaplen: 100, snaplen: 96),
]

private let programs = [
  "ret #1", "ret #0", "ldh [12] | jeq #0x800 jt 2 jf 3 | ret #1 | ret #0",
  "ld #pktlen | jgt #60 jt 2 jf 3 | ret #1 | ret #0",
  "ldb [x + 0] | and #1 | ret", "ldb [40] | ret #1",
  "ldx #pktlen | ld #1000 | div x | st M[1] | ldb [0] | tax | ld M[1] | add x | mod #3 | ret",
]

@Suite(.enabled(if: (try? NativeCode.probe()) != nil, "there is no native code here"))
struct RecordScanTests {
  private static func records(_ layout: RecordLayout, packets: Int) -> Records {
    var records = Records(layout: layout)
    for (index, packet) in SyntheticCapture(seed: 3).prefix(packets).enumerated() {
      let octets = Array(packet.octets.prefix(index % 5 == 0 ? index : 90))
      records.add(octets, len: UInt32(packet.octets.count))
    }
    return records
  }

  private static func program(_ text: String) throws -> Program {
    try Assembler.assemble(text.split(separator: "|").joined(separator: "\n"))
  }

  @Test(arguments: layouts, programs)
  func countsAndFinds(_ layout: RecordLayout, _ text: String) throws {
    let records = Self.records(layout, packets: 200)
    let program = try Self.program(text)
    let scan = try RecordScan(program, layout)
    let rejecting = try RecordScan(program, layout, seeking: .rejected)
    let (expected, end) = records.walk(program)
    let matches = expected.filter(\.isMatch).map(\.offset)
    guard var guarded = GuardedOctets() else {
      Issue.record("no memory")
      return
    }
    guarded.lend(records.octets, atEnd: true) { file in
      var position = RecordPosition(offset: 0, packets: 7)
      #expect(scan.count(in: file, from: &position, before: .max, wanted: .max) == UInt64(matches.count))
      #expect(position.offset == end && position.packets == 7 + UInt64(expected.count))
      // Windows of many sizes: a record that begins in a window is scanned with it.
      for window in [1, 15, 16, 17, 100, 4096, 5000] {
        position = RecordPosition(offset: 0)
        var counted: UInt64 = 0
        var limit = window
        while position.offset < end {
          counted += scan.count(in: file, from: &position, before: limit, wanted: .max)
          #expect(position.offset == expected.first { $0.offset >= limit }?.offset ?? end)
          limit = position.offset + window
        }
        #expect(counted == UInt64(matches.count) && position.packets == UInt64(expected.count))
      }
      for wanted in [1, 2, 50, matches.count] where wanted <= matches.count && wanted > 0 {
        position = RecordPosition(offset: 0)
        #expect(scan.count(in: file, from: &position, before: .max, wanted: UInt64(wanted)) == UInt64(wanted))
        let next = expected.first { $0.offset > matches[wanted - 1] }?.offset ?? end
        #expect(position.offset == next)
      }
      position = RecordPosition(offset: 0)
      #expect(scan.count(in: file, from: &position, before: .max, wanted: 0) == 0 && position.offset == 0)
      for match in matches {
        #expect(scan.find(in: file, from: &position, before: .max))
        #expect(position.offset == match)
        #expect(position.packets == UInt64(expected.count { $0.offset < match }))
        position.offset += 16 + Int(records.word(at: match + 8))
        position.packets += 1
      }
      #expect(!scan.find(in: file, from: &position, before: .max) && position.offset == end)
      // Finds the records that the program rejects; a load past the end is one of the reasons.
      position = RecordPosition(offset: 0)
      for record in expected where !record.isMatch {
        #expect(rejecting.pass(in: file, from: &position, before: .max) == record.offset)
        #expect(position.packets == UInt64(expected.count { $0.offset <= record.offset }))
      }
      #expect(rejecting.pass(in: file, from: &position, before: .max) == nil && position.offset == end)
    }
  }

  /// Random programs over all opcodes.
  @Test(arguments: 0..<4)
  func agreesWithTheInterpreter(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed + 4000)
    guard var guarded = GuardedOctets() else {
      Issue.record("no memory")
      return
    }
    var programs = RandomProgram(seed: seed + 4000)
    programs.hasAncillaryLoads = true
    var matches = 0
    for _ in 0..<60 {
      let layout = layouts[Int.random(in: 0..<2, using: &random)]
      let longest = Int.random(in: 1..<60, using: &random)
      let program = try Program(validating: programs.next(packetLength: longest))
      var records = Records(layout: layout)
      for _ in 0..<40 {
        let packet = random.octets(Int.random(in: 0...longest, using: &random))
        records.add(packet, len: UInt32(packet.count) + .random(in: 0..<3, using: &random))
      }
      let expected = records.walk(program).records.count(where: \.isMatch)
      let scan = try RecordScan(program, layout)
      let counted = guarded.lend(records.octets, atEnd: true) { file in
        var position = RecordPosition(offset: 0)
        return scan.count(in: file, from: &position, before: .max, wanted: .max)
      }
      #expect(counted == UInt64(expected), "\(program.text(.text)) \(records.octets)")
      matches += expected
    }
    #expect(matches > 250)
  }

  /// A file that ends at any point: whole records are counted, and nothing after the end is read.
  @Test(arguments: layouts)
  func everyCut(_ layout: RecordLayout) throws {
    let whole = Self.records(layout, packets: 12)
    let program = try Self.program("ldh [12] | jeq #0x800 jt 2 jf 3 | ret #1 | ret #0")
    let scan = try RecordScan(program, layout)
    guard var guarded = GuardedOctets() else {
      Issue.record("no memory")
      return
    }
    for length in 0...whole.octets.count {
      var cut = whole
      cut.octets.removeLast(whole.octets.count - length)
      let (expected, end) = cut.walk(program)
      guarded.lend(cut.octets, atEnd: true) { file in
        var position = RecordPosition(offset: 0)
        let counted = scan.count(in: file, from: &position, before: .max, wanted: .max)
        #expect(counted == UInt64(expected.count(where: \.isMatch)) && position.offset == end, "\(length) octets")
        #expect(position.packets == UInt64(expected.count))
      }
    }
  }

  @Test(arguments: [101, 262_145, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, .max] as [UInt32])
  func aCaplenThatCannotBe(_ caplen: UInt32) throws {
    for layout in layouts {
      var records = Records(layout: layout)
      records.add([UInt8](repeating: 1, count: 20))
      let end = records.octets.count
      records.add([UInt8](repeating: 1, count: 20), caplen: caplen)
      let scan = try RecordScan(Self.program("ret #1"), layout)
      var position = RecordPosition(offset: 0)
      // Safe: the bytes outlive the call.
      let counted = unsafe scan.count(in: records.octets.span.bytes, from: &position, before: .max, wanted: .max)
      #expect(counted == 1 && position.offset == end && position.packets == 1)
    }
  }

  @Test func positionsOutsideTheFile() throws {
    let records = Self.records(layouts[0], packets: 3)
    let scan = try RecordScan(Self.program("ret #1"), layouts[0])
    for offset in [-1, .min, records.octets.count, records.octets.count + 1, .max] {
      for limit in [.min, -1, 0, .max] {
        var position = RecordPosition(offset: offset, packets: 2, ahead: .max)
        // Safe: the bytes outlive the call.
        #expect(unsafe scan.count(in: records.octets.span.bytes, from: &position, before: limit, wanted: 5) == 0)
        #expect(position.offset == offset && position.packets == 2)
      }
    }
  }
}
