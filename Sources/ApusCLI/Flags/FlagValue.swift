import Capture
import Dissect
import PacketCore
import Protocols

/// The value of a flag: its name in help, whether it is optional, and how a shell completes it.
struct FlagValue: Sendable {
  /// A possible word, and its meaning.
  typealias Word = (word: String, meaning: String)

  /// How a shell completes the value.
  enum Source: Sendable {
    /// One of these words.
    case words(@Sendable () -> [Word])
    /// Some of these words, separated by commas.
    case list(@Sendable () -> [Word])
    /// One of these words, which more text follows directly.
    case beginnings(@Sendable () -> [Word])
    /// Names that the system has at the moment.
    case files, programs, users, interfaces
    /// Only the user knows it.
    case unknown
  }

  let source: Source
  /// The value if the flag is given without one; nil if a value is required.
  private(set) var defaultValue: String?
  /// True if an optional value may also be the next argument, unless that is a flag.
  private(set) var looksAhead = false
  /// True if the value may be empty.
  private(set) var mayBeEmpty = false
  /// True if the value consists of all remaining arguments.
  private(set) var takesRest = false
  private let label: String?

  private init(_ label: String?, _ source: Source) {
    self.label = label
    self.source = source
  }

  /// Its name in help: a word for it, or the possible words, `in|out|inout`.
  var name: String { label ?? alternatives.joined(separator: "|") }

  /// The possible values, if its name lists them.
  var alternatives: [String] { label == nil ? words.map(\.word) : [] }

  /// The words that it may be or begin with; empty if they cannot be listed.
  var words: [Word] {
    switch source {
    case .words(let words), .list(let words), .beginnings(let words): words()
    case .files, .programs, .users, .interfaces, .unknown: []
    }
  }

  /// The same value, made optional: without it the flag means `value` or, with `looksAhead`, the next argument unless that is a flag.
  func orDefault(_ value: String, looksAhead: Bool = false) -> FlagValue {
    var changed = self
    changed.defaultValue = value
    changed.looksAhead = looksAhead
    return changed
  }

  /// The same value, which may be empty.
  var orEmpty: FlagValue {
    var changed = self
    changed.mayBeEmpty = true
    return changed
  }
}

extension PayloadType {
  /// The names that `-T` accepts, separated by commas.
  static var printedNames: String { allCases.filter(\.isPrinted).map(\.rawValue).sorted().joined(separator: ", ") }
}

// MARK: Kinds of values

extension FlagValue {
  static let file = FlagValue("file", .files)
  static let program = FlagValue("program", .programs)
  static let user = FlagValue("user", .users)
  /// A program and its arguments, up to the end of the line.
  static let command: FlagValue = {
    var value = FlagValue("command", .programs)
    value.takesRest = true
    return value
  }()
  static let interface = FlagValue("interface", .interfaces)
  static let linkType = FlagValue(
    "link-type", .words { LinkType.all.compactMap { type in type.name.map { ($0, type.details ?? "") } } })
  static let clock = FlagValue("clock", .words { LiveCapture.timestampTypes.map { ($0.name, $0.details) } })
  static let payloadType = FlagValue(
    "payload-type",
    .words { PayloadType.allCases.filter(\.isPrinted).map { ($0.rawValue, Registry.shared.title(of: $0)) } })
  static let topic = FlagValue("topic", .words { HelpTopic.entries })

  /// A value that only the user knows, with that name.
  static func text(_ name: String) -> FlagValue { FlagValue(name, .unknown) }

  /// One of these words, each with its meaning; help lists them, or uses `name`.
  static func oneOf(_ words: KeyValuePairs<String, String>, named name: String? = nil) -> FlagValue {
    FlagValue(name, .words { words.map { ($0.key, $0.value) } })
  }

  /// Some of these words, each with its meaning, separated by commas.
  static func someOf(_ words: KeyValuePairs<String, String>, named name: String? = nil) -> FlagValue {
    FlagValue(name, .list { words.map { ($0.key, $0.value) } })
  }

  /// One of these words, which more text follows directly.
  static func beginning(_ words: KeyValuePairs<String, String>, named name: String) -> FlagValue {
    FlagValue(name, .beginnings { words.map { ($0.key, $0.value) } })
  }
}
