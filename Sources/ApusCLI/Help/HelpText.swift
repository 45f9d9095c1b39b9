import Capture

/// The text of `-h` and `--help`.
enum HelpText {
  /// The common commands and the topics, for a terminal of 80 columns and 24 lines.
  static var screen: String {
    return """
      Usage: apus [options] [expression]
        apus -i eth0 -nn 'tcp port 443'        capture and print, until Ctrl-C
        apus -i eth0 -c 100 -w trace.pcap      capture a hundred packets into a file
        apus -r trace.pcap -nnv host 10.0.0.1  print matching packets of a file
        apus -D                                list the interfaces
        apus -d 'tcp port 80'                  print the compiled filter
        apus --explain -r trace.pcap icmp      why packets match, or do not
      apus --help TOPIC lists options:
      \(HelpTopic.entries.map { "  \(padded($0.word, to: 10))\($0.meaning)" }.joined(separator: "\n"))
      Manual: apus --manual | man -l -    Filters: pcap-filter(7), --list-primitives

      """
  }

  /// Versions and a synopsis of every option, in tcpdump's form.
  static func usage(_ options: [Flag]) -> String {
    let plain = options.compactMap { $0.value == nil ? $0.letter : nil }
      .sorted { ($0.lowercased(), $0.isLowercase ? 1 : 0) < ($1.lowercased(), $1.isLowercase ? 1 : 0) }
    let others = options.filter { $0.letter == nil || $0.value != nil }
      .map { "[ \(synopsis($0)) ]" }
    let words = ["[-\(String(plain))]"] + others + ["[ expression ]"]
    return """
      apus version \(Command.version)
      \(LiveCapture.libraryVersion)
      \(wrapped(words, first: "Usage: apus ", indent: String(repeating: " ", count: 12), columns: 80))

      """
  }

  /// An option in brief: `-r file`, `--merge`, `--explain[=packets|summary]`.
  private static func synopsis(_ option: Flag) -> String {
    let name = option.names.first ?? ""
    guard let value = option.value else { return name }
    return value.defaultValue == nil ? "\(name) \(value.name)" : "\(name)[=\(value.name)]"
  }

  /// The options of a topic, or of all topics, under the titles of their groups.
  static func options(_ options: [Flag], _ topic: HelpTopic?, columns: Int) -> String {
    var text = ""
    var heading: HelpTopic?
    for option in options where topic == nil || option.topic == topic {
      if option.topic != heading {
        text += "\(heading == nil ? "" : "\n")\(option.topic.title):\n"
        heading = option.topic
      }
      text += entry(option, columns: columns)
    }
    return text
  }

  /// The column where an option's description begins.
  private static let textColumn = 28

  private static func entry(_ option: Flag, columns: Int) -> String {
    let label = (option.letter == nil ? "      " : "  ") + names(option)
    let indent = String(repeating: " ", count: textColumn)
    let fits = label.count + 2 <= textColumn
    let first = fits ? padded(label, to: textColumn) : indent
    let words = option.help.split(separator: " ").map(String.init)
    return (fits ? "" : label + "\n") + wrapped(words, first: first, indent: indent, columns: columns) + "\n"
  }

  /// The names followed by the value's name: `-r, --read-file <file>`.
  private static func names(_ option: Flag) -> String {
    let names = option.names.joined(separator: ", ")
    guard let value = option.value else { return names }
    return value.defaultValue == nil ? "\(names) <\(value.name)>" : "\(names)[=<\(value.name)>]"
  }

  /// `words` broken into lines of at most `columns` characters, except for words that are longer.
  static func wrapped(_ words: [String], first: String, indent: String, columns: Int) -> String {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in words {
      if !isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = indent
        isEmpty = true
      }
      line += isEmpty ? word : " " + word
      isEmpty = false
    }
    return (lines + [line]).joined(separator: "\n")
  }

  /// `text` padded with blanks to `width`.
  static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
