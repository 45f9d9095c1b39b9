import Glibc
import Synchronization

/// A header that is parsed: it has one object in structured output, and statistics count it.
///
/// It is declared next to its dissector (`extension Layer { static let … }`) with the fields that its object may have, and listed in the
/// dissector's `layers`. The JSON schema, `--list-protocols` and the tests follow from the declaration. A dissector enters its layer
/// (`Printer.enter`) as soon as it begins, and writes the fields as it reads them for the text.
public final class Layer: Sendable {
  /// The index of a layer among all layers, which identifies it while packets are parsed.
  public struct ID: Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }
  }

  /// The name in output: lower case, words joined by `_`.
  public let name: StaticString
  /// What the name stands for.
  public let title: StaticString
  /// Where the header is specified: RFCs, parts of IEEE standards, the name of a link type; empty if there is no specification.
  public let reference: StaticString
  /// Its names in truncation marks (`[|ip6]`), if they are not `name`.
  package let marks: [StaticString]
  /// Further notes for readers of the fields: sentences, or empty.
  public let note: StaticString
  /// The members of the layer's object; evaluated only when the schema is written.
  public let fields: @Sendable () -> [Field]
  /// Identifies the layer, in this run of the program.
  public let id: ID

  /// Declares a layer.
  public init(
    _ name: StaticString, _ title: StaticString, _ reference: StaticString = "", marks: [StaticString] = [],
    note: StaticString = "", fields: @escaping @Sendable () -> [Field]
  ) {
    self.name = name
    self.title = title
    self.reference = reference
    self.marks = marks
    self.note = note
    self.fields = fields
    id = ID(rawValue: declared.wrappingAdd(1, ordering: .relaxed).oldValue)
  }
}

extension StaticString {
  /// True if both are the same text.
  package func isEqual(to other: StaticString) -> Bool {
    // Equal literals may have different addresses. Safe: both are text of the program, which lasts as long as it runs.
    guard utf8CodeUnitCount == other.utf8CodeUnitCount else { return false }
    return unsafe memcmp(utf8Start, other.utf8Start, utf8CodeUnitCount) == 0
  }
}

/// Number of layers declared so far.
private let declared = Atomic<UInt16>(0)
