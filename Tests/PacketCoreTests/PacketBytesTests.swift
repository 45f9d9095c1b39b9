import PacketCore
import Testing

/// Offsets and lengths that cause arithmetic overflow.
private let extremes = [Int.min, Int.min + 1, -256, -2, -1, Int.max - 16, Int.max - 1, Int.max]

/// The bytes 0x00, 0x11, … 0xff.
private let octets: [UInt8] = (0..<16).map { $0 * 0x11 }

/// The result of `body`, or nil if it throws `.truncated`.
private func value<T>(_ body: () throws(DecodeError) -> T) -> T? {
  do {
    return try body()
  } catch {
    #expect(error == .truncated)
    return nil
  }
}

@Suite struct PacketBytesTests {
  /// Every accessor, at every offset within and around the view, compared with a plain reading of the bytes.
  @Test(arguments: 0...16)
  func numbers(_ count: Int) {
    let octets = Array(octets.prefix(count))
    // Safe: the bytes outlive the view.
    let bytes = unsafe PacketBytes(octets.span.bytes)
    #expect(bytes.count == count)
    #expect(bytes.length == count)
    #expect(bytes.isEmpty == (count == 0))
    for offset in extremes + Array(-3...20) {
      func check(_ size: Int, little: Bool = false, _ read: () throws(DecodeError) -> UInt128) {
        var expected: UInt128?
        if offset >= 0, offset <= 16, offset + size <= count {
          let part = octets[offset..<(offset + size)]
          expected = (little ? part.reversed() : Array(part)).reduce(0) { $0 << 8 | UInt128($1) }
        }
        let result = value(read)
        #expect(result == expected)
      }
      check(1) { () throws(DecodeError) in UInt128(try bytes.u8(at: offset)) }
      check(2) { () throws(DecodeError) in UInt128(try bytes.u16(at: offset)) }
      check(3) { () throws(DecodeError) in UInt128(try bytes.u24(at: offset)) }
      check(4) { () throws(DecodeError) in UInt128(try bytes.u32(at: offset)) }
      check(6) { () throws(DecodeError) in UInt128(try bytes.u48(at: offset)) }
      check(8) { () throws(DecodeError) in UInt128(try bytes.u64(at: offset)) }
      check(2, little: true) { () throws(DecodeError) in UInt128(try bytes.u16le(at: offset)) }
      check(4, little: true) { () throws(DecodeError) in UInt128(try bytes.u32le(at: offset)) }
      check(8, little: true) { () throws(DecodeError) in UInt128(try bytes.u64le(at: offset)) }
      check(4) { () throws(DecodeError) in UInt128(try bytes.ipv4(at: offset).rawValue) }
      check(16) { () throws(DecodeError) in UInt128(try bytes.ipv6(at: offset).rawValue) }
      check(6) { () throws(DecodeError) in UInt128(try bytes.mac(at: offset).rawValue) }
    }
  }

  @Test func ranges() {
    // Safe: the bytes outlive the view.
    let bytes = unsafe PacketBytes(octets.span.bytes, length: 40)
    for offset in extremes + Array(-3...20) {
      for length in extremes + Array(-3...20) {
        let fits = offset >= 0 && length >= 0 && offset <= 16 && length <= 16 && offset + length <= 16
        #expect(bytes.has(offset, length) == fits)
        let first = value { () throws(DecodeError) in
          let slice = try bytes.slice(at: offset, length: length)
          #expect(slice.count == length && slice.length == length)
          return slice.isEmpty ? -1 : Int(try slice.u8(at: 0))
        }
        #expect(first == (fits ? (length == 0 ? -1 : offset * 0x11) : nil))
      }
      let rest = value { () throws(DecodeError) in
        let rest = try bytes.dropping(offset)
        return [rest.count, rest.length]
      }
      #expect(rest == (offset >= 0 && offset <= 16 ? [16 - offset, 40 - offset] : nil))
      let clamped = bytes.clamped(to: offset)
      #expect(clamped.count == min(16, max(0, offset)))
      #expect(clamped.length == min(40, max(0, offset)))
      #expect(bytes.withLength(offset).length == max(0, offset))
    }
  }

  @Test func cursor() throws {
    // Safe: the bytes outlive the view.
    let bytes = unsafe PacketBytes(octets.span.bytes)
    var cursor = ByteCursor(bytes)
    #expect(try cursor.u8() == 0x00)
    #expect(try cursor.u16() == 0x1122)
    #expect(try cursor.u32() == 0x3344_5566)
    try cursor.skip(2)
    #expect(cursor.offset == 9)
    let part = try cursor.take(3)
    #expect(try part.u24(at: 0) == 0x99aabb)
    #expect(cursor.remaining == 4)
    for octets in extremes where octets != 0 {
      #expect(value { () throws(DecodeError) in try cursor.skip(octets) } == nil)
      #expect(value { () throws(DecodeError) in try cursor.take(octets).count } == nil)
    }
    #expect(cursor.offset == 12)
    try cursor.skip(1)
    #expect(value { () throws(DecodeError) in try cursor.u32() } == nil)
    #expect(try cursor.u16() == 0xddee)
    #expect(value { () throws(DecodeError) in try cursor.u16() } == nil)
    #expect(try cursor.u8() == 0xff)
    #expect(value { () throws(DecodeError) in try cursor.u8() } == nil)
    #expect(cursor.remaining == 0)
  }
}
