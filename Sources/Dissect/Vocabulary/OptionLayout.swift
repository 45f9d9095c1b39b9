package import PacketCore

/// The layout of the options in a list: each has a header with a type and a length, then the value, then padding.
///
///     0      w      w + v
///     +------+--------+-------+---------
///     | type | length | value | padding      w and v bytes, in network byte order
///     +------+--------+-------+---------
package struct OptionLayout: Sendable {
  /// A number in the header of an option.
  package struct Part: Sendable {
    /// The offset of its bytes in the header, and how many there are, 0 to 4.
    fileprivate let offset: UInt8
    fileprivate let width: UInt8
    /// Lower bits to shift out, and the mask for what remains; if `width` is 0, `mask` is the number itself.
    fileprivate let shift: UInt8
    fileprivate let mask: UInt32

    package static func bytes(at offset: UInt8, _ width: UInt8, shift: UInt8 = 0, mask: UInt32 = .max) -> Part {
      Part(offset: offset, width: width, shift: shift, mask: width == 0 ? 0 : mask)
    }

    /// A number that is not in the packet.
    package static func constant(_ number: UInt32) -> Part { Part(offset: 0, width: 0, shift: 0, mask: number) }

    /// The number, in a header that begins at `start`; it has `more` bytes than `width`.
    @inline(__always)
    func value(_ bytes: PacketBytes, _ start: Int, more: Int = 0) throws(DecodeError) -> UInt32 {
      if width == 0 { return mask }
      return try bytes.unsigned(at: start &+ Int(offset), width: Int(width) &+ more) >> UInt32(shift) & mask
    }
  }

  /// What to do if less is left of the list than a header needs.
  package enum ShortHeader: Sendable {
    /// Read what was captured of it; throw `.truncated` if that is not all.
    case isRead
    /// End the list before it: `OptionList.remaining` says how much is left.
    case endsList
    /// The same, but only if the header was not captured whole.
    case endsListIfCut
    /// Write ` [remaining length 1 < 2]`, and throw `.invalid`.
    case isInvalid
  }

  let type: Part
  let length: Part
  /// Length of the header, and how many bytes must be left in the list for one more option.
  let headerLength: UInt16
  let needed: UInt16
  /// How many bytes the length counts as one.
  let unit: UInt8
  /// The bit of the first byte that says that the length, and so the header, has one more byte; 0 if there is no such bit.
  let longLengthFlag: UInt8
  /// The length includes the header.
  let countsHeader: Bool
  /// Options begin at multiples of this many bytes from the start of the list; the length does not count the padding.
  let alignment: UInt8
  /// Types of a single byte, without length and value: padding, and the end of the list, at which the caller stops.
  let padding: UInt8?
  let end: UInt8?
  /// The caller shows the type before the length is read, and then calls `checkHeader`. An option of a single byte is an element of the
  /// array, too.
  let isTypeFirst: Bool
  let shortHeader: ShortHeader

  /// A type and a length, one after the other.
  package init(
    typeWidth: UInt8 = 1, lengthWidth: UInt8 = 1, unit: UInt8 = 1, countsHeader: Bool = false, alignment: UInt8 = 1,
    padding: UInt8? = nil, end: UInt8? = nil, isTypeFirst: Bool = false, needed: UInt16? = nil,
    shortHeader: ShortHeader = .isRead
  ) {
    self.init(
      type: .bytes(at: 0, typeWidth), length: .bytes(at: typeWidth, lengthWidth),
      headerLength: UInt16(typeWidth) &+ UInt16(lengthWidth), unit: unit, countsHeader: countsHeader,
      alignment: alignment, padding: padding, end: end, isTypeFirst: isTypeFirst, needed: needed,
      shortHeader: shortHeader)
  }

  /// A type and a length anywhere in a header.
  package init(
    type: Part, length: Part, headerLength: UInt16, unit: UInt8 = 1, longLengthFlag: UInt8 = 0,
    countsHeader: Bool = false, alignment: UInt8 = 1, padding: UInt8? = nil, end: UInt8? = nil,
    isTypeFirst: Bool = false, needed: UInt16? = nil, shortHeader: ShortHeader = .isRead
  ) {
    self.type = type
    self.length = length
    self.headerLength = headerLength
    self.needed = needed ?? headerLength
    self.unit = unit
    self.longLengthFlag = longLengthFlag
    self.countsHeader = countsHeader
    self.alignment = max(1, alignment)
    self.padding = padding
    self.end = end
    self.isTypeFirst = isTypeFirst
    self.shortHeader = shortHeader
  }

  /// A repeated length of `width` bytes, each followed by a value of that many bytes.
  package static func counted(_ width: UInt8) -> OptionLayout {
    OptionLayout(typeWidth: 0, lengthWidth: width, shortHeader: .endsList)
  }

  /// Values of `size` bytes each, without type and length. A shorter rest at the end is ignored, unless `lastIsCut` says that it counts as
  /// a truncated value.
  package static func elements(of size: UInt16, lastIsCut: Bool = false) -> OptionLayout {
    OptionLayout(
      type: .constant(0), length: .constant(UInt32(max(1, size))), headerLength: 0,
      needed: lastIsCut ? 1 : size, shortHeader: .endsList)
  }
}

extension PacketBytes {
  /// A number of `width` bytes, 0 to 4, in network byte order; 0 if there are none.
  package func unsigned(at offset: Int, width: Int) throws(DecodeError) -> UInt32 {
    switch width {
    case 0: 0
    case 1: UInt32(try u8(at: offset))
    case 2: UInt32(try u16(at: offset))
    case 3: try u24(at: offset)
    default: try u32(at: offset)
    }
  }
}
