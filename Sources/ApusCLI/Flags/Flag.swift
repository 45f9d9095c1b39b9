/// A flag of the command line, with everything that is known about it. The parser, help, the manual and the completions read only these
/// records, so none of them can lack a flag.
struct Flag: Sendable {
  /// What the flag does to the options.
  enum Effect: Sendable {
    /// The flag takes no value.
    case plain(@Sendable (inout Options) -> Void)
    /// The flag takes that value.
    case value(FlagValue, @Sendable (inout Options, String) -> Void)
  }

  /// The topic of `--help` that lists it.
  let topic: HelpTopic
  /// The letter after one dash; nil if there is none.
  let letter: Character?
  /// The word after two dashes; nil if there is none.
  let word: String?
  /// True if repeating the flag has an effect.
  let repeats: Bool
  let effect: Effect
  private let sentence: String

  /// A flag without a value.
  init(
    _ topic: HelpTopic, _ letter: Character?, _ word: String?, repeats: Bool = false, _ sentence: String,
    _ effect: @escaping @Sendable (inout Options) -> Void
  ) {
    self.topic = topic
    self.letter = letter
    self.word = word
    self.repeats = repeats
    self.sentence = sentence
    self.effect = .plain(effect)
  }

  /// A flag with a value.
  init(
    _ topic: HelpTopic, _ letter: Character?, _ word: String?, _ value: FlagValue, repeats: Bool = false,
    _ sentence: String, _ effect: @escaping @Sendable (inout Options, String) -> Void
  ) {
    self.topic = topic
    self.letter = letter
    self.word = word
    self.repeats = repeats
    self.sentence = sentence
    self.effect = .value(value, effect)
  }

  /// Its effect in one sentence; if the sentence ends in a colon, the possible values are appended.
  var help: String {
    guard sentence.hasSuffix(":"), let value else { return sentence }
    return "\(sentence) \(value.words.map(\.word).sorted().joined(separator: ", "))."
  }

  /// Its value; nil if it takes none.
  var value: FlagValue? {
    if case .value(let value, _) = effect { value } else { nil }
  }

  /// The names with their dashes, the letter first.
  var names: [String] { [letter.map { "-\($0)" }, word.map { "--\($0)" }].compactMap(\.self) }
}

extension Flag {
  /// Every flag, topic by topic.
  static let all: [Flag] = [
    capture, files, output, counts, printing, forms, filters, explanation, proof, ebpf, processes, privilege, extcap,
    help,
  ].flatMap(\.self)
}
