/// The loads of classic BPF: big-endian, and nil if a byte is outside the span. An offset is the sum of two 32-bit numbers.
extension RawSpan {
  @inline(__always)
  func octet(at offset: UInt64) -> UInt32? {
    guard offset < UInt64(truncatingIfNeeded: byteCount) else { return nil }
    // Safe: the guard proved that the byte lies within the span.
    return UInt32(unsafe unsafeLoad(fromUncheckedByteOffset: Int(truncatingIfNeeded: offset), as: UInt8.self))
  }

  @inline(__always)
  func half(at offset: UInt64) -> UInt32? {
    guard offset &+ 2 <= UInt64(truncatingIfNeeded: byteCount) else { return nil }
    // Safe: the guard proved that two bytes lie within the span; the sum cannot wrap, since the offset has at most 33 bits.
    let value = unsafe unsafeLoadUnaligned(
      fromUncheckedByteOffset: Int(truncatingIfNeeded: offset), as: UInt16.self)
    return UInt32(UInt16(bigEndian: value))
  }

  @inline(__always)
  func word(at offset: UInt64) -> UInt32? {
    guard offset &+ 4 <= UInt64(truncatingIfNeeded: byteCount) else { return nil }
    // Safe: the guard proved that four bytes lie within the span; the sum cannot wrap, since the offset has at most 33 bits.
    let value = unsafe unsafeLoadUnaligned(
      fromUncheckedByteOffset: Int(truncatingIfNeeded: offset), as: UInt32.self)
    return UInt32(bigEndian: value)
  }
}
