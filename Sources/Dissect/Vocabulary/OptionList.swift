package import PacketCore

/// The options of a list, and how far they were read. `Printer.openList` makes one, `Printer.next(_:)` gives them.
package struct OptionList: ~Escapable {
  fileprivate let bytes: PacketBytes
  fileprivate let layout: OptionLayout
  /// Where the first option begins, the one that was given last, and the next one.
  fileprivate let origin: Int
  fileprivate var start: Int
  fileprivate var following: Int
  /// What is open in structured output around the array; nil if the options are not recorded.
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

  /// Bytes of the list that come after the options that were given.
  package var remaining: Int { max(0, bytes.length &- following) }

  /// Skips what repeats the single byte that was given last; gives how many there are of them, that one among them.
  package mutating func countRepeats() -> Int {
    guard following &- start == 1, let type = try? bytes.u8(at: start) else { return 1 }
    while following < bytes.length, let next = try? bytes.u8(at: following), next == type { following &+= 1 }
    return following &- start
  }

  /// Lets the next option begin `size` bytes after the one that was given last began, 1 at least.
  package mutating func resume(after size: Int) { following = start &+ max(1, size) }
}

extension OptionList {
  /// An option, as its header describes it.
  package struct Entry: ~Escapable {
    /// Its type; 0 if there is none.
    package let type: UInt32
    /// The length as it is stated; 0 if there is none.
    package let length: Int
    /// Bytes of the whole option by that, without padding.
    package let size: Int
    /// The option is the first of the list.
    package let isFirst: Bool
    /// The option from its header on, and all that follows in the list.
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

    /// Bytes from the begin of the option to the end of the list.
    package var rest: Int { bytes.length }
    /// The length counts less than the header.
    package var isTooShort: Bool { size < headerLength }
    /// The length counts more than is left of the list.
    package var isTooLong: Bool { size > rest }

    /// What follows the header: as long as is stated, of which less may have been captured.
    package var value: PacketBytes {
      @_lifetime(copy self)
      get {
        let length = max(0, size &- headerLength)
        guard let rest = try? bytes.dropping(headerLength) else { return bytes.clamped(to: 0).withLength(length) }
        return rest.clamped(to: length).withLength(length)
      }
    }

    /// The value; throws `.truncated` unless all of it was captured.
    @_lifetime(copy self)
    package func wholeValue() throws(DecodeError) -> PacketBytes {
      try bytes.slice(at: headerLength, length: max(0, size &- headerLength))
    }

    /// Throws `.truncated` where the header was not captured, of an option whose type is shown before its length is read.
    package func checkHeader() throws(DecodeError) { try bytes.check(0, headerLength) }
  }
}

extension Printer {
  /// The options in `bytes` from `start` on; the length of `bytes` is what the enclosing protocol says is there. In structured output they
  /// are an array of `objects`, which `next` opens, or an `array` to which the caller adds elements.
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

  /// The next option of `list`; nil after the last one. This alone goes from option to option: it opens an object for each, and closes what
  /// the one before it has left open and, after the last one, the array. The list also ends after an option that is too short for its own
  /// header or too long for the list: the caller says so in the words of the protocol.
  ///
  /// Throws `.truncated` where the header was not captured. Of the value less may have been captured than its length says.
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

  /// The list ends before an option for which less is left than its header needs, or whose header was not captured.
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

  /// Ends the protocol where the length of an option cannot be: ` [length 0 < 2]` or ` [length 9 > 6]`, and `.invalid`.
  package mutating func rejectBadLength(_ option: borrowing OptionList.Entry) throws(DecodeError) {
    let uncounted = option.size &- option.length
    try reject("length", option.length, .less, option.headerLength &- uncounted)
    try reject("length", option.length, .greater, option.rest &- uncounted)
  }

  /// Ends `list` before its last option: where that is known to be the last, or the rest is not to be printed.
  package mutating func stop(_ list: inout OptionList) {
    close(list)
    list.following = max(list.following, list.bytes.length)
  }

  private mutating func close(_ list: borrowing OptionList) {
    if let level = list.level { fields.end(downTo: level) }
  }
}
