import Capture
import Glibc
import PacketCore

/// Output about the program itself.
enum Help {
  /// `-h`: versions and a synopsis, as in tcpdump.
  case usage
  /// `--help`: the common commands and the topics.
  case screen
  /// `--help TOPIC`: the options of a topic; nil for all.
  case options(HelpTopic?)
  case manual
  case completions(Shell)
  case linkTypes
  case primitives
  case protocols
  case jsonSchema
  case statisticsSchema

  /// The output that the flags request; nil if they are missing.
  init?(_ options: HelpOptions) throws(CommandError) {
    if let topic = options.topic {
      self = try Self.help(about: topic)
    } else if options.usage {
      self = .usage
    } else if options.manual {
      self = .manual
    } else if let name = options.completions {
      guard let shell = Shell(rawValue: name) else {
        let known = Shell.allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandError("no completions for '\(name)': use one of \(known)")
      }
      self = .completions(shell)
    } else if options.listLinkTypes {
      self = .linkTypes
    } else if options.listPrimitives {
      self = .primitives
    } else if options.listProtocols {
      self = .protocols
    } else if options.jsonSchema {
      self = .jsonSchema
    } else if options.statisticsSchema {
      self = .statisticsSchema
    } else {
      return nil
    }
  }

  /// The help on that topic, or on the only one that begins with it.
  private static func help(about word: String) throws(CommandError) -> Help {
    if word.isEmpty { return .screen }
    let candidates = HelpTopic.words.filter { $0.hasPrefix(word) }
    guard let name = candidates.first(where: { $0 == word }) ?? candidates.first, candidates.count == 1 || name == word
    else {
      throw CommandError("unknown help topic '\(word)': use one of \(HelpTopic.words.joined(separator: ", "))")
    }
    return .options(HelpTopic(rawValue: name))
  }

  /// The whole text.
  var text: String {
    switch self {
    case .usage: HelpText.usage(Flag.all)
    case .screen: HelpText.screen
    case .options(let topic): HelpText.options(Flag.all, topic, columns: Self.columns)
    case .manual: ManualPage.text()
    case .completions(let shell): shell.completions
    case .linkTypes: Listing.linkTypes
    case .primitives: Listing.primitives
    case .protocols: Listing.protocols
    case .jsonSchema: Listing.jsonSchema
    case .statisticsSchema: Listing.statisticsSchema
    }
  }

  /// The text is meant for the terminal, not for another program.
  var isForPeople: Bool {
    switch self {
    case .usage, .screen, .options: true
    case .manual, .completions, .linkTypes, .primitives, .protocols, .jsonSchema, .statisticsSchema: false
    }
  }

  /// The width of the terminal on standard output, within limits; 80 if it is not a terminal.
  private static var columns: Int {
    min(max(Terminal.size(STDOUT_FILENO)?.columns ?? 80, 50), 120)
  }
}
