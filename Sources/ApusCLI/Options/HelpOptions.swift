/// Options about the program itself.
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
    Flag(.help, "h", nil, "Print the versions and a synopsis of all options, and exit.") { $0.help.usage = true },
    Flag(
      .help, nil, "help", .topic.orDefault("", looksAhead: true).orEmpty,
      "Print common commands and the help topics, or the options of a topic, and exit."
    ) { $0.help.topic = $1 },
    Flag(
      .help, nil, "completions", .oneOf(["bash": "GNU Bash", "zsh": "the Z shell", "fish": "the fish shell"]),
      "Print a completion script for a shell, and exit."
    ) { $0.help.completions = $1 },
    Flag(.help, nil, "manual", "Print the manual page, for 'man -l -' or apus.1, and exit.") { $0.help.manual = true },
    Flag(
      .help, nil, "list-link-types",
      "List the link types, with their support in filters and printing, and exit."
    ) { $0.help.listLinkTypes = true },
    Flag(.help, nil, "list-primitives", "List the words of the filter language, and exit.") {
      $0.help.listPrimitives = true
    },
    Flag(
      .help, nil, "list-protocols",
      "List the protocols that are printed, with title, specification and ports, and exit."
    ) { $0.help.listProtocols = true },
    Flag(.help, nil, "json-schema", "Print the JSON Schema of --json output, and exit.") {
      $0.help.jsonSchema = true
    },
    Flag(.help, nil, "stats-schema", "Print the JSON Schema of --stats json output, and exit.") {
      $0.help.statisticsSchema = true
    },
    Flag(.help, nil, "version", "Print the versions, the sandbox and the filter engine, and exit.") {
      $0.help.version = true
    },
  ]
}
