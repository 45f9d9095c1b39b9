/// The options that follow the packet in a pcapng packet block (draft-ietf-opsawg-pcapng section 3.5), borrowed from where they were read;
/// none for packets from other sources.
///
/// Each is a code and a length, 2 bytes each in the byte order of its section, then a value padded to a multiple of 4 bytes.
public struct PacketOptions: ~Escapable {
  /// The options as stored in the block, including the end mark if there is one.
  public let octets: RawSpan
  /// True if their codes and lengths have the opposite byte order to the host's.
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

  /// Passes the text of each comment to `body`, in order. Options after one that does not fit are ignored.
  public func forEachComment(_ body: (RawSpan) -> Void) {
    forEach { code, value in
      if code == Self.commentCode { body(value) }
    }
  }

  /// The direction of the packet according to epb_flags (section 4.3.1); unknown if there is no such option.
  public var direction: PacketDirection {
    var direction = PacketDirection.unknown
    forEach { code, value in
      guard code == Self.flagsCode, value.byteCount == 4 else { return }
      // Safe: there are four bytes. The direction is in the two lowest bits.
      let flags = unsafe value.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
      direction = PacketDirection(rawValue: UInt8((isByteSwapped ? flags.byteSwapped : flags) & 3)) ?? .unknown
    }
    return direction
  }

  /// Passes the code and the value of each option to `body`, without the end mark.
  public func forEach(_ body: (_ code: UInt16, _ value: RawSpan) -> Void) {
    var position = 0
    // Every iteration advances by four bytes or more.
    while octets.byteCount &- position >= 4 {
      let (code, length) = (word(position), Int(word(position &+ 2)))
      let start = position &+ 4
      guard code != 0, length <= octets.byteCount &- start else { return }
      body(code, octets.extracting(start..<start &+ length))
      position = start &+ (length &+ 3) & ~3
    }
  }

  private func word(_ offset: Int) -> UInt16 {
    // Safe: callers have checked the offset against the count.
    let value = unsafe octets.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isByteSwapped ? value.byteSwapped : value
  }
}
