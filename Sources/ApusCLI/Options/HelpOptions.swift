import ArgumentParser

/// What the program tells of itself.
struct HelpOptions: ParsableArguments {
  @Flag(name: .customShort("h"), help: "Print the versions and all options in short, and end.")
  var usage = false

  @Option(
    name: .customLong("help"),
    help: .init("Print the usual commands and the topics, or the options of a topic, and end.", valueName: "topic"))
  var topic: String?

  @Option(
    name: .customLong("completions"),
    help: .init("Print what a shell needs to complete the command line, and end.", valueName: "bash|zsh|fish"))
  var completions: String?

  @Flag(name: .customLong("manual"), help: "Print the manual page, for 'man -l -' or apus.1, and end.")
  var manual = false

  @Flag(
    name: .customLong("list-link-types"),
    help: "List every link type that has a name, and what filters and printing know of it, and end.")
  var listLinkTypes = false

  @Flag(name: .customLong("list-primitives"), help: "List the words of the filter language, and end.")
  var listPrimitives = false

  @Flag(
    name: .customLong("list-protocols"),
    help: "List every protocol that is printed, what its name stands for, where it is specified and found, and end.")
  var listProtocols = false

  @Flag(name: .customLong("json-schema"), help: "Print the JSON Schema of what --json prints, and end.")
  var jsonSchema = false

  @Flag(name: .customLong("stats-schema"), help: "Print the JSON Schema of what --stats prints with json, and end.")
  var statisticsSchema = false

  @Flag(name: .customLong("version"), help: "Print the versions, and what the system has for privilege and speed.")
  var version = false
}
