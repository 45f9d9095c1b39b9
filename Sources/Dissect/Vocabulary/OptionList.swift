package import PacketCore

/// The options of a list, and how far they were read. `Printer.openList` makes one, `Printer.next(_:)` returns the options.
package struct OptionList: ~Escapable {
  fileprivate let bytes: PacketBytes
  fileprivate let layout: OptionLayout
  /// The offsets of the first option, of the one that was returned last, and of the next one.
  fileprivate let origin: Int
  fileprivate var start: Int
  fileprivate var following: Int
  /// The level in structured output at which the array was opened; nil if the options are not recorded.
  fileprivate let level: Int?
  fileprivate let hasObjects: Bool

  @_lifetime(copy bytes)
  fileprivate init(_ bytes: PacketBytes, at origin: Int, _ layout: OptionLayout, level: Int?, hasObjects: Bool) {
    self.bytes = bytes
    self.layout = layout
    self.origin = origin
    start = origin
    following = origin
    self.level = level
    self.hasObjects = hasObjects
  }

  /// Bytes of the list after the options that were returned.
  package var remaining: Int { max(0, bytes.length &- following) }

  /// Skips repetitions of the single-byte option that was returned last; returns how many there are, including that one.
  package mutating func countRepeats() -> Int {
    guard following &- start == 1, let type = try? bytes.u8(at: start) else { return 1 }
    while following < bytes.length, let next = try? bytes.u8(at: following), next == type { following &+= 1 }
    return following &- start
  }

  /// Makes the next option begin `size` bytes after the start of the one that was returned last, at least 1.
  package mutating func resume(after size: Int) { following = start &+ max(1, size) }
}

extension OptionList {
  /// An option as its header describes it.
  package struct Entry: ~Escapable {
    /// Its type; 0 if the list has none.
    package let type: UInt32
    /// The stated length; 0 if the list has none.
    package let length: Int
    /// Bytes of the whole option by that length, without padding.
    package let size: Int
    /// The option is the first of the list.
    package let isFirst: Bool
    /// The option, from its header on, and the rest of the list.
    package let bytes: PacketBytes
    fileprivate let headerLength: Int

    @_lifetime(copy bytes)
    fileprivate init(
      _ bytes: PacketBytes, type: UInt32, length: Int, size: Int, isFirst: Bool, headerLength: Int
    ) {
      self.type = type
      self.length = length
      self.size = size
      self.isFirst = isFirst
      self.bytes = bytes
      self.headerLength = headerLength
    }

    /// Bytes from the start of the option to the end of the list.
    package var rest: Int { bytes.length }
    /// The stated length is less than the header.
    package var isTooShort: Bool { size < headerLength }
    /// The stated length is more than the rest of the list.
    package var isTooLong: Bool { size > rest }

    /// What follows the header: the stated length, of which less may have been captured.
    package var value: PacketBytes {
      @_lifetime(copy self)
      get {
        let length = max(0, size &- headerLength)
        guard let rest = try? bytes.dropping(headerLength) else { return bytes.clamped(to: 0).withLength(length) }
        return rest.clamped(to: length).withLength(length)
      }
    }

    /// The value; throws `.truncated` unless it was captured whole.
    @_lifetime(copy self)
    package func wholeValue() throws(DecodeError) -> PacketBytes {
      try bytes.slice(at: headerLength, length: max(0, size &- headerLength))
    }

    /// Throws `.truncated` if the header of an option was not captured whole; for layouts that show the type before the length is read.
    package func checkHeader() throws(DecodeError) { try bytes.check(0, headerLength) }
  }
}

extension Printer {
  /// Opens the list of options in `bytes` from `start` on; the length of `bytes` is what the enclosing protocol says there is. In
  /// structured output the options are an array of `objects`, each opened by `next`, or an `array` to which the caller adds elements.
  ///
  ///     var list = openList(bytes, OptionLayout(countsHeader: true), objects: "attributes")
  ///     while let option = try next(&list) {
  ///       write("\n\t", "type", option.type)
  ///       …
  ///     }
  @_lifetime(copy bytes)
  package mutating func openList(
    _ bytes: PacketBytes, at start: Int = 0, _ layout: OptionLayout, objects: StaticString? = nil,
    array: StaticString? = nil
  ) -> OptionList {
    guard writesFields, let key = objects ?? array else {
      return OptionList(bytes, at: start, layout, level: nil, hasObjects: false)
    }
    let level = fields.level
    fields.beginArray(key)
    return OptionList(bytes, at: start, layout, level: level, hasObjects: objects != nil)
  }

  /// The next option of `list`; nil after the last one. This is the only code that advances from option to option: it opens an object for
  /// each, closes what was left open for the previous one and, after the last one, the array. The list also ends after an option that is
  /// too short for its own header or too long for the list: the caller reports that in the words of the protocol.
  ///
  /// Throws `.truncated` if the header was not captured. Less of the value may have been captured than its length says.
  @_lifetime(copy list)
  package mutating func next(_ list: inout OptionList) throws(DecodeError) -> OptionList.Entry? {
    if let level = list.level { fields.end(downTo: level &+ 1) }
    let layout = list.layout
    let start = list.following
    let rest = list.bytes.length &- start
    guard rest > 0 else {
      close(list)
      return nil
    }
    let isSingle: Bool
    if layout.isTypeFirst || layout.padding != nil || layout.end != nil {
      let type = try list.bytes.u8(at: start)
      isSingle = type == layout.padding || type == layout.end
    } else {
      isSingle = false
    }
    var headerLength = isSingle ? 1 : Int(layout.headerLength)
    if !isSingle, !layout.isTypeFirst {
      if try endsList(layout, rest, hasHeader: list.bytes.has(start, headerLength)) {
        close(list)
        return nil
      }
      try list.bytes.check(start, headerLength)
    }
    let bytes = try list.bytes.dropping(start)
    var more = 0
    if layout.longLengthFlag != 0, try bytes.u8(at: 0) & layout.longLengthFlag != 0 {
      more = 1
      headerLength &+= 1
      try bytes.check(0, headerLength)
    }
    let type = try layout.type.value(bytes, 0)
    var length = 0
    var size = 1
    if !isSingle {
      if !layout.isTypeFirst || bytes.has(0, headerLength) {
        length = Int(try layout.length.value(bytes, 0, more: more))
      }
      size = length &* Int(layout.unit) &+ (layout.countsHeader ? 0 : headerLength)
    }
    if list.hasObjects, layout.isTypeFirst || !isSingle { fields.beginObject() }
    list.start = start
    if size < max(1, headerLength) {
      list.following = list.bytes.length
    } else if layout.alignment == 1 {
      list.following = start &+ size
    } else {
      let alignment = Int(layout.alignment)
      list.following = start &+ (size &+ alignment &- 1) / alignment &* alignment
    }
    return OptionList.Entry(
      bytes, type: type, length: length, size: size, isFirst: start == list.origin, headerLength: headerLength)
  }

  /// True if the list ends before an option: less is left than its header needs, or its header was not captured. Follows
  /// `layout.shortHeader`.
  @inline(__always)
  private mutating func endsList(_ layout: OptionLayout, _ rest: Int, hasHeader: Bool) throws(DecodeError) -> Bool {
    switch layout.shortHeader {
    case .isRead: return false
    case .endsList: return rest < layout.needed
    case .endsListIfCut: return !hasHeader
    case .isInvalid:
      try reject("remaining length", rest, .less, Int(layout.needed))
      return false
    }
  }

  /// Ends the protocol if the length of an option is impossible: writes ` [length 0 < 2]` or ` [length 9 > 6]`, and throws `.invalid`.
  package mutating func rejectBadLength(_ option: borrowing OptionList.Entry) throws(DecodeError) {
    let uncounted = option.size &- option.length
    try reject("length", option.length, .less, option.headerLength &- uncounted)
    try reject("length", option.length, .greater, option.rest &- uncounted)
  }

  /// Ends `list` early: the caller knows that this option is the last, or does not print the rest.
  package mutating func stop(_ list: inout OptionList) {
    close(list)
    list.following = max(list.following, list.bytes.length)
  }

  private mutating func close(_ list: borrowing OptionList) {
    if let level = list.level { fields.end(downTo: level) }
  }
}
