/// The options that a pcapng packet block carries after its packet (draft-ietf-opsawg-pcapng section 3.5), borrowed from where
/// they were read; none for packets from elsewhere.
///
/// Each is a code and a length, 2 octets each in the byte order of its section, then a value padded to a multiple of 4 octets.
public struct PacketOptions: ~Escapable {
  /// The options as they are in the block, the end mark included where there is one.
  public let octets: RawSpan
  /// True if their codes and lengths are in the other byte order than the host's.
  public let isByteSwapped: Bool

  /// The code of a comment, opt_comment: text in UTF-8, without a zero at its end.
  private static let commentCode: UInt16 = 1
  /// The code of a packet's flags, epb_flags: 32 bits.
  private static let flagsCode: UInt16 = 2

  @inlinable
  @_lifetime(copy octets)
  public init(_ octets: RawSpan, isByteSwapped: Bool) {
    self.octets = octets
    self.isByteSwapped = isByteSwapped
  }

  /// No options.
  @inlinable
  @_lifetime(immortal)
  public init() {
    octets = RawSpan()
    isByteSwapped = false
  }

  /// True if there are none, as for most packets.
  @inlinable public var isEmpty: Bool { octets.isEmpty }

  /// Passes the text of each comment to `body`, in the order in which they stand. Options after one that does not fit are not seen.
  public func forEachComment(_ body: (RawSpan) -> Void) {
    forEach { code, value in
      if code == Self.commentCode { body(value) }
    }
  }

  /// Which way the packet went, as epb_flags says (section 4.3.1); unknown where there is none.
  public var direction: PacketDirection {
    var direction = PacketDirection.unknown
    forEach { code, value in
      guard code == Self.flagsCode, value.byteCount == 4 else { return }
      // Safe: there are four octets. The lowest of the number has the direction in its two lower bits.
      let flags = unsafe value.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
      direction = PacketDirection(rawValue: UInt8((isByteSwapped ? flags.byteSwapped : flags) & 3)) ?? .unknown
    }
    return direction
  }

  /// Passes the code and the value of each option to `body`, without the end mark.
  public func forEach(_ body: (_ code: UInt16, _ value: RawSpan) -> Void) {
    var position = 0
    // Every turn moves by four octets or more.
    while octets.byteCount &- position >= 4 {
      let (code, length) = (word(position), Int(word(position &+ 2)))
      let start = position &+ 4
      guard code != 0, length <= octets.byteCount &- start else { return }
      body(code, octets.extracting(start..<start &+ length))
      position = start &+ (length &+ 3) & ~3
    }
  }

  private func word(_ offset: Int) -> UInt16 {
    // Safe: callers have compared with the count.
    let value = unsafe octets.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isByteSwapped ? value.byteSwapped : value
  }
}
