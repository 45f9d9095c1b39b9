/// What the program tells of itself.
struct HelpOptions: Sendable {
  var usage = false
  var topic: String?
  var completions: String?
  var manual = false
  var listLinkTypes = false
  var listPrimitives = false
  var listProtocols = false
  var jsonSchema = false
  var statisticsSchema = false
  var version = false
}

extension Flag {
  static let help: [Flag] = [
    Flag(.help, "h", nil, "Print the versions and all options in short, and end.") { $0.help.usage = true },
    Flag(
      .help, nil, "help", .topic.orDefault("", looksAhead: true).orEmpty,
      "Print the usual commands and the topics, or the options of a topic, and end."
    ) { $0.help.topic = $1 },
    Flag(
      .help, nil, "completions", .oneOf(["bash": "GNU Bash", "zsh": "the Z shell", "fish": "the fish shell"]),
      "Print what a shell needs to complete the command line, and end."
    ) { $0.help.completions = $1 },
    Flag(.help, nil, "manual", "Print the manual page, for 'man -l -' or apus.1, and end.") { $0.help.manual = true },
    Flag(
      .help, nil, "list-link-types",
      "List every link type that has a name, and what filters and printing know of it, and end."
    ) { $0.help.listLinkTypes = true },
    Flag(.help, nil, "list-primitives", "List the words of the filter language, and end.") {
      $0.help.listPrimitives = true
    },
    Flag(
      .help, nil, "list-protocols",
      "List every protocol that is printed, what its name stands for, where it is specified and found, and end."
    ) { $0.help.listProtocols = true },
    Flag(.help, nil, "json-schema", "Print the JSON Schema of what --json prints, and end.") {
      $0.help.jsonSchema = true
    },
    Flag(.help, nil, "stats-schema", "Print the JSON Schema of what --stats prints with json, and end.") {
      $0.help.statisticsSchema = true
    },
    Flag(.help, nil, "version", "Print the versions, and what the system has for privilege and speed.") {
      $0.help.version = true
    },
  ]
}
