/// One member of a layer's object in structured output, as its JSON schema describes it.
public struct Field: Sendable {
  /// What a member holds.
  public indirect enum Form: Sendable {
    /// Numbers of that many bits, without a sign.
    case uint4, uint8, uint16, uint24, uint32, uint48, uint64
    /// Numbers of that many bits, with a sign.
    case int8, int32
    /// A whole number between two.
    case integer(ClosedRange<Int64>)
    /// A number of bytes, as long as it may be.
    case length
    /// A number that may have a fraction.
    case number
    case flag
    /// A flag that is only there where it is set.
    case mark
    /// Text, from the wire or of the program's own.
    case text
    /// One of a few words.
    case words([StaticString])
    /// Bytes, as pairs of hexadecimal digits.
    case hex
    /// A MAC address, a link-layer address of any length, addresses of IP.
    case mac, linkAddress, ipv4, ipv6, ip
    /// Labels, each followed by a dot.
    case domainName
    case object([Field])
    case array(Form)
    /// An object that several layers have, or that may be inside itself.
    case shared(SharedObject)
    /// The objects of layers, in the order of a packet.
    case layers([Layer])
    /// One of the schema's own definitions.
    case reference(StaticString)
  }

  /// The member's name: lower case, words joined by `_`.
  public let name: StaticString
  public let form: Form
  /// One sentence.
  public let sentence: StaticString
  /// The member is in every object that is not cut.
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

/// An object that several layers have, or that may be inside itself.
public struct SharedObject: Sendable {
  /// Its name among the definitions of the schema.
  public let name: StaticString
  /// One sentence.
  public let sentence: StaticString
  /// Its members; asked for only where the schema is written, so that it may name itself.
  public let fields: @Sendable () -> [Field]

  public init(_ name: StaticString, _ sentence: StaticString, fields: @escaping @Sendable () -> [Field]) {
    self.name = name
    self.sentence = sentence
    self.fields = fields
  }
}
