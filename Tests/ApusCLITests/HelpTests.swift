import Dissect
import Filter
import Foundation
import PacketCore
import TestSupport
import Testing

@testable import ApusCLI
import Protocols

/// The option names in a text, such as `-x` or `--word`, without the text around them.
private func optionNames(in text: some StringProtocol) -> Set<String> {
  // An option begins with a dash at the start of a line or after a blank, quote, bracket, comma, `<` or `/`.
  let pattern = /(?:^|[\s'"(\[,<\/])(--[a-z][a-z0-9-]*|-[A-Za-z#]+)/.anchorsMatchLineEndings()
  return Set(String(text).matches(of: pattern).map { String($0.1) })
}

/// The program's help on its options.
@Suite struct HelpTests {
  let options = Flag.all

  /// A text names only existing options: words in full, letters alone or in a bundle.
  private func expectKnown(_ names: Set<String>, _ place: String) {
    for name in names where !options.contains(where: { $0.names.contains(name) }) {
      let letters = name.hasPrefix("--") ? "" : name.dropFirst()
      let known = !letters.isEmpty && letters.allSatisfy { letter in options.contains { $0.letter == letter } }
      #expect(known, "\(place) names \(name), which is no option")
    }
  }

  /// No two flags have the same name, and all names are well-formed.
  @Test func namesAreUnique() {
    #expect(options.count > 80)
    let names = options.flatMap(\.names)
    #expect(Set(names).count == names.count)
    for name in names { #expect(name.wholeMatch(of: /-[A-Za-z#]|--[a-z][a-z0-9]*(-[a-z0-9]+)*/) != nil, "\(name)") }
    // A letter's value is never optional: the rest of a bundle would be taken for it.
    for option in options where option.letter != nil { #expect(option.value?.defaultValue == nil, "\(option.names)") }
  }

  /// Flags are grouped by topic, in the order of topics.
  @Test func everyTopicHasFlags() {
    var topics: [HelpTopic] = []
    for option in options where topics.last != option.topic { topics.append(option.topic) }
    #expect(topics == HelpTopic.allCases)
    #expect(Set(HelpTopic.allCases.map(\.title)).count == HelpTopic.allCases.count)
  }

  /// Every flag changes the options: none is declared but unused.
  @Test func everyFlagHasAnEffect() {
    func text(_ options: Options) -> String {
      var text = ""
      dump(options, to: &text)
      return text
    }
    let untouched = text(Options())
    var effects: [String: [String]] = [:]
    for flag in options {
      var options = Options()
      switch flag.effect {
      case .plain(let effect): effect(&options)
      case .value(_, let effect): effect(&options, "value")
      }
      effects[text(options), default: []] += flag.names
    }
    #expect(effects[untouched] == nil)
    #expect(effects.count == self.options.count, "the same effect: \(effects.values.filter { $0.count > 2 })")
  }

  @Test func everyOptionSaysWhatItDoes() {
    for option in options {
      #expect(option.help.count > 5 && option.help.hasSuffix("."), "\(option.names)")
      #expect(option.help.first?.isUppercase == true, "\(option.names)")
      #expect(option.names.count > 0)
      expectKnown(optionNames(in: option.help), "the help of \(option.names)")
    }
  }

  @Test func everyPayloadTypeThatIsPrintedIsNamed() throws {
    let option = try #require(options.first { $0.letter == "T" })
    let printed = PayloadType.allCases.filter(\.isPrinted).map(\.rawValue).sorted().joined(separator: ", ")
    #expect(option.help.hasSuffix(": \(printed)."))
  }

  @Test func theScreenFitsATerminal() throws {
    let outcome = try Subprocess.apus("--help")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(lines.count <= 24 && lines.allSatisfy { $0.count <= 80 })
    for topic in HelpTopic.words { #expect(outcome.output.contains("\n  \(topic) "), "\(topic)") }
    expectKnown(optionNames(in: outcome.output), "--help")
  }

  /// The help of each topic, and of all topics, lists the options that belong to it and no others.
  @Test(arguments: HelpTopic.words) func aTopicListsItsOptions(_ topic: String) throws {
    let outcome = try Subprocess.apus("--help=\(topic)")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count <= (topic == HelpTopic.everything ? .max : 24) && lines.allSatisfy { $0.count <= 80 })
    // Names are at the beginning of a line, followed by two blanks or the end of the line.
    let labels = lines.compactMap { $0.firstMatch(of: /^ {2,6}(-.*?)(?: {2}|$)/)?.1 }
    let names = labels.flatMap { $0.split(separator: ", ").map { String($0.prefix { !" [".contains($0) }) } }
    let known = HelpTopic(rawValue: topic)
    #expect(names == options.filter { known == nil || $0.topic == known }.flatMap(\.names))
    expectKnown(optionNames(in: outcome.output), "--help \(topic)")
  }

  @Test(arguments: [
    (["--help", "capture"], "Capture:\n"), (["--help=cap"], "Capture:\n"), (["--help", "-n"], "Usage: apus "),
    (["tcp", "--help"], "Usage: apus "), (["--help=all"], "Capture:\n"), (["--help="], "Usage: apus "),
    (["-h"], "apus version "), (["-hn", "tcp"], "apus version "), (["--he", "ebpf"], "eBPF:\n"),
  ]) func waysToAsk(_ arguments: [String], _ beginning: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.hasPrefix(beginning))
  }

  @Test func anUnknownTopicIsRefused() throws {
    for arguments in [["--help", "tcp"], ["--help=tcp"], ["--help", "p"]] {
      let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
      #expect(outcome.status == 1 && outcome.output.isEmpty)
      let topics = HelpTopic.words.joined(separator: ", ")
      #expect(
        outcome.errors
          == "apus: unknown help topic '\(arguments.last?.split(separator: "=").last ?? "")': use one of \(topics)\n")
    }
  }

  /// Like tcpdump's usage: versions, then every option in short.
  @Test func usageNamesEveryOption() throws {
    let usage = try Subprocess.apus("-h").output
    #expect(usage.hasPrefix("apus version \(Command.version)\nlibpcap version "))
    #expect(usage.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let names = optionNames(in: usage)
    let letters = Set(names.filter { !$0.hasPrefix("--") }.joined().filter { $0 != "-" })
    for option in options {
      let isNamed = option.letter.map(letters.contains) ?? option.word.map { names.contains("--\($0)") }
      #expect(isNamed == true, "\(option.names)")
    }
    expectKnown(names, "-h")
  }

  /// The program accepts the alternatives that the name of a value lists.
  @Test func alternativesAreAccepted() throws {
    for option in options {
      for value in option.value?.alternatives ?? [] {
        do {
          _ = try Configuration(ApusCommandLine.options(["\(option.names.last ?? "")=\(value)"]))
        } catch let error {
          #expect(!"\(error)".contains("'\(value)'") && !"\(error)".contains("\(value):"), "\(option.names): \(error)")
        }
      }
    }
    #expect(options.count { $0.value?.alternatives.isEmpty == false } > 8)
  }

  @Test(arguments: [
    "--help", "--help=all", "-h", "--list-link-types", "--list-primitives", "--list-protocols", "--json-schema",
    "--stats-schema", "--manual", "--completions=zsh",
    "--version",
  ])
  func aClosedPipeIsNoFailure(_ flag: String) throws {
    let apus = try Subprocess.apusPath()
    let script = "set -o pipefail; for i in 1 2 3 4 5; do '\(apus)' \(flag) | head -1 || exit; done"
    let outcome = try Subprocess.run("/bin/bash", ["-c", script])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.split(separator: "\n").count == 5)
    // A reader that leaves before the first byte arrives.
    let gone = try Subprocess.run("/bin/bash", ["-c", "set -o pipefail; (sleep 0.05; '\(apus)' \(flag)) | true"])
    #expect(gone.status == 0 && gone.errors.isEmpty)
  }

  /// Lists every link type under its heading, with its properties.
  @Test func linkTypesAreListed() throws {
    let lines = try Subprocess.apus("--list-link-types").output.split(separator: "\n")
    #expect(lines.count == LinkType.all.count + 1)
    let description = try #require(lines.first?.range(of: "description")?.lowerBound.utf16Offset(in: lines[0]))
    for (type, line) in zip(LinkType.all, lines.dropFirst()) {
      let cells = line.split(separator: " ", maxSplits: 5).map(String.init)
      let known = [
        "\(type.rawValue)", "\(type.fileValue)", type.name, type.filterSupport.rawValue, type.isPrinted ? "yes" : "no",
      ]
      #expect(cells.prefix(5).map(Optional.some) == known, "\(line)")
      #expect(String(line.dropFirst(description)) == type.details, "\(line)")
    }
    for name in ["EN10MB", "LINUX_SLL2", "NULL", "RAW"] {
      #expect(LinkType(name: name).map { $0.isPrinted && $0.filterSupport == .protocols } == true, "\(name)")
    }
    #expect(LinkType(name: "AX25").map { !$0.isPrinted && $0.filterSupport == .bytes } == true)
  }

  /// Lists every word, its operand and its meaning, in columns.
  @Test func wordsOfFiltersAreListed() throws {
    let output = try Subprocess.apus("--list-primitives").output
    #expect(output.split(separator: "\n").allSatisfy { $0.count <= 100 && !$0.hasSuffix(" ") })
    let sections = output.components(separatedBy: "\n\n")
    #expect(sections.count == FilterVocabulary.sections.count)
    for (section, text) in zip(FilterVocabulary.sections, sections) {
      #expect(text.hasPrefix("\(section.title):\n"))
      var columns: Set<Int> = []
      for word in section.words {
        let spellings = word.spellings.joined(separator: ", ")
        let line = text.split(separator: "\n").first { $0.hasPrefix("  \(spellings) ") }
        let rest = line.map { $0.dropFirst(spellings.count + 2) }
        #expect(word.operand.isEmpty || rest?.contains(word.operand) == true, "\(spellings)")
        let beginning = word.meaning.split(separator: " ").prefix(2).joined(separator: " ")
        let place = try #require(rest?.range(of: beginning)?.lowerBound, "\(spellings)")
        if let line { columns.insert(line.distance(from: line.startIndex, to: place)) }
      }
      #expect(columns.count == 1, "\(section.title)")
    }
  }
}
