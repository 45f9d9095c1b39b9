import Capture
import Dissect
import PacketCore
import Protocols

/// The value of a flag: what it is called, whether it may be left out, and where a shell finds it.
struct FlagValue: Sendable {
  /// A word that is possible, and what it stands for.
  typealias Word = (word: String, meaning: String)

  /// Where a shell finds what may be the value.
  enum Source: Sendable {
    /// One of these words.
    case words(@Sendable () -> [Word])
    /// Some of these words, commas between them.
    case list(@Sendable () -> [Word])
    /// One of these words, which something else follows at once.
    case beginnings(@Sendable () -> [Word])
    /// What the system has at the moment.
    case files, programs, users, interfaces
    /// Nobody but the user knows.
    case unknown
  }

  let source: Source
  /// The value where the flag is stated without one; nil where it must have one.
  private(set) var defaultValue: String?
  /// True where the value, which may be left out, may also be the next argument, if that is no flag.
  private(set) var looksAhead = false
  /// True where the value may be empty.
  private(set) var mayBeEmpty = false
  /// True where the value is all that follows.
  private(set) var takesRest = false
  private let label: String?

  private init(_ label: String?, _ source: Source) {
    self.label = label
    self.source = source
  }

  /// What help calls it: a word for it, or the words that are possible, `in|out|inout`.
  var name: String { label ?? alternatives.joined(separator: "|") }

  /// The values that are possible, where its name lists them.
  var alternatives: [String] { label == nil ? words.map(\.word) : [] }

  /// The words that it may be, or begin with; none where nobody can list them.
  var words: [Word] {
    switch source {
    case .words(let words), .list(let words), .beginnings(let words): words()
    case .files, .programs, .users, .interfaces, .unknown: []
    }
  }

  /// The same value, which may be left out: the flag then means this one, or, where it `looksAhead`, the next argument that is no flag.
  func orDefault(_ value: String, looksAhead: Bool = false) -> FlagValue {
    var changed = self
    changed.defaultValue = value
    changed.looksAhead = looksAhead
    return changed
  }

  /// The same value, which may be the empty text.
  var orEmpty: FlagValue {
    var changed = self
    changed.mayBeEmpty = true
    return changed
  }
}

extension PayloadType {
  /// What `-T` takes, between commas.
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

  /// A value that only the user knows, under that name.
  static func text(_ name: String) -> FlagValue { FlagValue(name, .unknown) }

  /// One of these words, each with its meaning; help lists them, or calls them by a name.
  static func oneOf(_ words: KeyValuePairs<String, String>, named name: String? = nil) -> FlagValue {
    FlagValue(name, .words { words.map { ($0.key, $0.value) } })
  }

  /// Some of these words, each with its meaning, commas between them.
  static func someOf(_ words: KeyValuePairs<String, String>, named name: String? = nil) -> FlagValue {
    FlagValue(name, .list { words.map { ($0.key, $0.value) } })
  }

  /// One of these words, which something else follows at once.
  static func beginning(_ words: KeyValuePairs<String, String>, named name: String) -> FlagValue {
    FlagValue(name, .beginnings { words.map { ($0.key, $0.value) } })
  }
}
