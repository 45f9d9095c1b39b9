import Glibc
import Synchronization

/// A header that is parsed: what an object of the structured output is about, and what statistics count.
///
/// It is declared beside its dissector (`extension Layer { static let … }`) with the fields that its object may have, and named among the
/// dissector's `layers`. The JSON schema, `--list-protocols` and the tests follow from the declaration. A dissector enters its layer
/// (`Printer.enter`) as soon as it begins, and writes the fields that it reads for the text.
public final class Layer: Sendable {
  /// The place of a layer among all, which stands for it while packets are parsed.
  public struct ID: Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }
  }

  /// The name in output: lower case, words joined by `_`.
  public let name: StaticString
  /// What the name stands for.
  public let title: StaticString
  /// Where the header is specified: RFCs, parts of IEEE standards, the name of a link type; empty if there is no such text.
  public let reference: StaticString
  /// What truncation marks call it (`[|ip6]`), where that is not `name`.
  package let marks: [StaticString]
  /// What else a reader of the fields should know: sentences, or nothing.
  public let note: StaticString
  /// The members of the layer's object; asked for only where the schema is written.
  public let fields: @Sendable () -> [Field]
  /// Stands for the layer, in this run of the program.
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
    // Equal literals need not lie at the same place. Safe: both are text of the program, which lasts as long as it runs.
    guard utf8CodeUnitCount == other.utf8CodeUnitCount else { return false }
    return unsafe memcmp(utf8Start, other.utf8Start, utf8CodeUnitCount) == 0
  }
}

/// Layers that were declared so far.
private let declared = Atomic<UInt16>(0)
