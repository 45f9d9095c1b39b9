/// One member of a layer's object in structured output, as its JSON schema describes it.
public struct Field: Sendable {
  /// The type of a member's value.
  public indirect enum Form: Sendable {
    /// Unsigned numbers of this many bits.
    case uint4, uint8, uint16, uint24, uint32, uint48, uint64
    /// Signed numbers of this many bits.
    case int8, int32
    /// A whole number within a range.
    case integer(ClosedRange<Int64>)
    /// A number of bytes, without a maximum.
    case length
    /// A number that may have a fraction.
    case number
    case flag
    /// A flag that is present only if it is set.
    case mark
    /// Text, from the wire or from the program.
    case text
    /// One of a fixed set of words.
    case words([StaticString])
    /// Bytes, as pairs of hexadecimal digits.
    case hex
    /// A MAC address, a link-layer address of any length, IP addresses.
    case mac, linkAddress, ipv4, ipv6, ip
    /// Labels, each followed by a dot.
    case domainName
    case object([Field])
    case array(Form)
    /// An object that several layers share, or that may contain itself.
    case shared(SharedObject)
    /// The objects of layers, in the order of a packet.
    case layers([Layer])
    /// A reference to one of the schema's own definitions.
    case reference(StaticString)
  }

  /// The member's name: lower case, words joined by `_`.
  public let name: StaticString
  public let form: Form
  /// One sentence.
  public let sentence: StaticString
  /// The member is in every object that is not truncated.
  public let isAlwaysThere: Bool
  /// One sentence about each element, of an array of objects.
  public let elementSentence: StaticString?

  public init(
    _ name: StaticString, _ form: Form, _ sentence: StaticString, each elementSentence: StaticString? = nil,
    always isAlwaysThere: Bool = false
  ) {
    self.name = name
    self.form = form
    self.sentence = sentence
    self.elementSentence = elementSentence
    self.isAlwaysThere = isAlwaysThere
  }
}

/// An object that several layers share, or that may contain itself.
public struct SharedObject: Sendable {
  /// Its name among the definitions of the schema.
  public let name: StaticString
  /// One sentence.
  public let sentence: StaticString
  /// Its members; evaluated only when the schema is written, so that the object may refer to itself.
  public let fields: @Sendable () -> [Field]

  public init(_ name: StaticString, _ sentence: StaticString, fields: @escaping @Sendable () -> [Field]) {
    self.name = name
    self.sentence = sentence
    self.fields = fields
  }
}
