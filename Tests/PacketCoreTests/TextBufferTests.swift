import Glibc
import PacketCore
import Testing

/// What `body` writes, as a string.
func written(_ body: (inout TextBuffer) -> Void) -> String {
  var out = TextBuffer(capacity: 0)
  body(&out)
  return out.text
}

extension TextBuffer {
  fileprivate var text: String {
    let bytes = bytes
    // Safe: each offset is below the count.
    return String(
      decoding: (0..<bytes.byteCount).map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) },
      as: UTF8.self)
  }
}

@Suite struct TextBufferTests {
  @Test func decimals() {
    for value: UInt64 in [
      0, 1, 9, 10, 99, 100, 12345, 1 << 32, 9_999_999_999_999_999_999, 10_000_000_000_000_000_000, .max,
    ] {
      #expect(written { $0.write(decimal: value) } == String(value))
    }
    for value: Int64 in [0, -1, -10, .min, .max] { #expect(written { $0.write(decimal: value) } == String(value)) }
    #expect(written { $0.write(decimal: UInt8.max) } == "255")
    #expect(written { $0.write(decimal: Int8.min) } == "-128")
    #expect(written { $0.write(decimal: 7, width: 3) } == "007")
    #expect(written { $0.write(decimal: 1234, width: 3) } == "1234")
    #expect(written { $0.write(decimal: 7, width: 3, pad: UInt8(ascii: " ")) } == "  7")
    #expect(written { $0.write(decimal: 7, width: -1) } == "7")
    #expect(written { $0.write(decimal: 7, width: .max) }.utf8.count <= 64)
  }

  /// Numbers of every length, among them the first and the last: short numbers have special code.
  @Test func decimalsOfEveryLength() {
    var power: UInt64 = 1
    for digits in 1...19 {
      for value in [power, power + 1, power * 10 - 1, power * 7 + power / 3] {
        #expect(written { $0.write(decimal: value) } == String(value))
        for width in 1...10 {
          let zeros = String(repeating: "0", count: max(0, width - digits))
          #expect(written { $0.write(decimal: value, width: width) } == zeros + String(value))
        }
      }
      if digits < 19 { power *= 10 }
    }
    for value in 0..<UInt32(10_000) { #expect(written { $0.write(decimal: value) } == String(value)) }
  }

  @Test func octetsOfAddresses() {
    for octet in UInt32(0)...255 {
      let address = IPv4Address(rawValue: octet << 24 | octet << 16 | octet << 8 | octet)
      #expect(written { $0.write(address) } == "\(octet).\(octet).\(octet).\(octet)")
    }
  }

  /// Bytes are escaped eight at a time where possible: the result must be the same as byte by byte, at every position.
  @Test(arguments: [false, true]) func escapesAtEveryPlace(keepsTabs: Bool) {
    for octet in UInt8.min...UInt8.max {
      for place in 0..<19 {
        var octets = [UInt8](repeating: UInt8(ascii: "a"), count: 19)
        octets[place] = octet
        let together = written { out in
          out.write(escaped: PacketBytes(unsafe octets.span.bytes), keepsTabs: keepsTabs)
        }
        let single = written { out in
          for octet in octets {
            if keepsTabs, octet == UInt8(ascii: "\t") { out.write(byte: octet) } else { out.write(escaped: octet) }
          }
        }
        #expect(together == single, "\(octet) at \(place)")
      }
    }
  }

  @Test func aTailReplacesWhatIsBeforeIt() {
    func moved(_ text: StaticString, from start: Int, to place: Int, replacing length: Int) -> String {
      written {
        $0.write(text)
        $0.moveTail(from: start, to: place, replacing: length)
      }
    }
    #expect(moved("{a}{b}c}", from: 6, to: 2, replacing: 1) == "{ac}{b}")
    #expect(moved("abcd", from: 4, to: 1, replacing: 2) == "ad")
    #expect(moved("abcd", from: 2, to: 2, replacing: 0) == "abcd")
    #expect(moved("abcd", from: 1, to: 0, replacing: 1) == "bcd")
    // Impossible arguments change nothing.
    #expect(moved("abcd", from: 2, to: 1, replacing: 2) == "abcd")
    #expect(moved("abcd", from: 5, to: 0, replacing: 1) == "abcd")
    #expect(moved("abcd", from: 2, to: -1, replacing: 1) == "abcd")
  }

  @Test func hexadecimals() {
    for value: UInt64 in [0, 1, 15, 16, 0xabc, 0xffff, 0x1_0000, 0x8000_0000_0000_0000, .max] {
      #expect(written { $0.write(hex: value) } == String(value, radix: 16))
    }
    #expect(written { $0.write(hex: UInt8(0xa), width: 2) } == "0a")
    #expect(written { $0.write(hex: UInt16(0xa), width: 4) } == "000a")
    #expect(written { $0.write(hex: UInt32(0x12345), width: 4) } == "12345")
    #expect(written { $0.write(hex: UInt32(1), width: .min) } == "1")
    #expect(written { $0.write(hex: UInt32(1), width: .max) }.utf8.count <= 64)
  }

  @Test func text() {
    #expect(written { $0.write("static") } == "static")
    #expect(written { $0.write(String(repeating: "grows ", count: 100)) } == String(repeating: "grows ", count: 100))
    #expect(written { $0.write(repeating: UInt8(ascii: "x"), count: 300) } == String(repeating: "x", count: 300))
    #expect(written { $0.write(repeating: UInt8(ascii: "x"), count: -1) } == "")
    #expect(written { $0.write(octets: 0x6867_6665_6463_6261) } == "abcdefgh")
  }

  /// Bytes escaped as tcpdump escapes untrusted text.
  @Test func escapes() {
    let cases: [(UInt8, String)] = [
      (0x41, "A"), (0x20, " "), (0x7e, "~"), (0x00, "^@"), (0x0a, "^J"), (0x1b, "^["), (0x7f, "^?"), (0x80, "M-^@"),
      (0xc1, "M-A"), (0xff, "M-^?"),
    ]
    for (octet, text) in cases { #expect(written { $0.write(escaped: octet) } == text) }
    for octet in UInt8.min...UInt8.max {
      #expect(written { $0.write(escaped: octet) }.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
    }
  }

  @Test func takingAway() {
    var out = TextBuffer(capacity: 64)
    out.write("0123456789")
    for wrong in [Int.min, -1, 0] {
      out.removeFirst(wrong)
      #expect(out.count == 10)
    }
    out.removeFirst(3)
    #expect(out.text == "3456789")
    out.truncate(to: 100)
    out.truncate(to: 4)
    #expect(out.text == "3456")
    out.removeFirst(.max)
    #expect(out.text.isEmpty)
    let isEmpty = out.isEmpty
    #expect(isEmpty)
    out.write("x")
    out.truncate(to: -1)
    #expect(out.text.isEmpty)
    out.write("y")
    out.removeAll()
    #expect(out.text == "")
  }

  @Test func flushing() {
    var ends: [CInt] = [0, 0]
    #expect(unsafe pipe(&ends) == 0)
    var out = TextBuffer()
    out.write("through a pipe")
    #expect(out.flush(to: ends[1]) == nil)
    #expect(out.text.isEmpty)
    var octets = [UInt8](repeating: 0, count: 64)
    let count = unsafe read(ends[0], &octets, octets.count)
    #expect(String(decoding: octets.prefix(max(0, count)), as: UTF8.self) == "through a pipe")
    close(ends[0])
    close(ends[1])
    out.write("nowhere")
    #expect(out.flush(to: ends[1]) == EBADF)
    #expect(out.text == "nowhere")
  }

  /// A disk that is always full: unwritten output is kept, and the error is reported.
  @Test func fullDisk() {
    let full = unsafe open("/dev/full", O_WRONLY)
    guard full >= 0 else { return }
    var out = TextBuffer()
    out.write("kept")
    #expect(out.flush(to: full) == ENOSPC)
    #expect(out.text == "kept")
    close(full)
  }
}
