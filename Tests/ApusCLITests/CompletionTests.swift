import Capture
import Filter
import Foundation
import Statistics
import TestSupport
import Testing

@testable import ApusCLI

/// Runs each shell on the completions, installed as a user would install them, and completes lines at their end.
@Suite(.waits) struct CompletionTests {
  /// A line, and the words that complete it.
  struct Case {
    let line: String
    /// The words that can follow the last blank, or the `=` of an option.
    let words: Set<String>
    /// The shell offers these words and no others.
    let isComplete: Bool

    init(_ line: String, _ words: some Sequence<String>, isComplete: Bool = false) {
      self.line = line
      self.words = Set(words)
      self.isComplete = isComplete
    }
  }

  /// Lines for every option, every filter word and every word that can follow a filter word.
  static func cases() throws -> [Case] {
    let options = Flag.all
    let entries = FilterVocabulary.sections.flatMap(\.words)
    let words = entries.flatMap(\.spellings)
    let longNames = options.compactMap { $0.word.map { "--\($0)" } }
    var cases = [
      Case("apus --", longNames, isComplete: true), Case("apus -", longNames),
      Case("apus --lis", longNames.filter { $0.hasPrefix("--lis") }, isComplete: true),
      Case("apus ", words, isComplete: true), Case("apus -nn udp ", words, isComplete: true),
      Case("apus icmp6-e", ["icmp6-echo", "icmp6-echoreply"], isComplete: true),
      Case("apus 'tcp src po", ["port", "portrange"], isComplete: true),
      Case("apus 'tcp or llc s", ["s", "sabme"], isComplete: true),
      Case("apus -nni l", ["lo"]), Case("apus -nnT vx", ["vxlan"], isComplete: true),
      Case("apus -c ", [], isComplete: true),
      Case("apus -Q ", ["in", "out", "inout"], isComplete: true),
      Case("apus --help cap", ["capture"], isComplete: true),
      Case("apus tcp -nn --by", ["--bytecode"], isComplete: true),
    ]
    for entry in entries where !entry.operandWords.isEmpty {
      cases += entry.spellings.map { Case("apus \($0) ", entry.operandWords, isComplete: true) }
    }
    for option in options {
      guard let word = option.word, let value = option.value else { continue }
      let begun = "apus --\(word)="
      let words = value.words.map(\.word)
      switch value.source {
      case .words, .beginnings:
        cases.append(Case(begun, words, isComplete: true))
        if value.defaultValue == nil { cases.append(Case("apus --\(word) ", words, isComplete: true)) }
      case .list:
        for line in ["\(begun)", "apus --\(word) ", "\(begun)x,", "apus --\(word) x,y,"] {
          cases.append(Case(line, words, isComplete: true))
        }
        cases.append(Case("apus --\(word) x,\(words[1].prefix(3))", [words[1]], isComplete: true))
      case .files:
        let folder = Fixture.packageRoot.appendingPathComponent("Fixtures/captures").path
        cases.append(Case("\(begun)\(folder)/http.p", ["http.pcap"], isComplete: true))
      case .programs: cases.append(Case("\(begun)env", ["env"]))
      case .users: cases.append(Case("\(begun)ro", ["root"]))
      case .interfaces: cases.append(Case(begun, ["lo"]))
      case .unknown:
        cases.append(Case(begun, [], isComplete: true))
        if value.defaultValue == nil { cases.append(Case("apus --\(word) ", [], isComplete: true)) }
      }
    }
    return cases
  }

  /// The words that a value name promises exist, for the options that people use most.
  @Test func valuesAreKnown() throws {
    func value(_ name: String) throws -> FlagValue {
      try #require(Flag.all.first { $0.names.contains(name) }?.value, "\(name)")
    }
    for name in ["-r", "-w", "-F", "-V", "--bytecode", "--run-ebpf"] {
      guard case .files = try value(name).source else {
        Issue.record("\(name) does not complete files")
        continue
      }
    }
    for (name, word) in [("-y", "EN10MB"), ("-j", "adapter"), ("-T", "vxlan"), ("--help", "all"), ("--time", "utc")] {
      guard case .words = try value(name).source else {
        Issue.record("\(name) completes no words")
        continue
      }
      #expect(try value(name).words.contains { $0.word == word })
    }
    if case .interfaces = try value("-i").source, case .users = try value("-Z").source,
      case .programs = try value("-z").source
    {
    } else {
      Issue.record("-i, -Z and -z do not complete what the system has")
    }
    guard case .beginnings = try value("-a").source else {
      Issue.record("-a completes no conditions")
      return
    }
    let conditions = try value("-a").words.map(\.word)
    #expect(conditions == Autostop.conditions.map { "\($0):" })
    for condition in conditions { #expect(throws: Never.self) { try Autostop(["\(condition)1"]) } }
    #expect(try value("--engine").words.map(\.word) == CaptureEngine.allCases.map(\.rawValue))
    #expect(try value("--stats").words.map(\.word) == StatisticsKind.allCases.map(\.rawValue) + ["all"])
    #expect(try value("--completions").words.map(\.word) == Shell.allCases.map(\.rawValue))
  }

  /// Each word has a description, which fish shows.
  @Test func wordsAreDescribed() throws {
    for flag in Flag.all {
      for (word, meaning) in flag.value?.words ?? [] { #expect(!meaning.isEmpty, "\(flag.names): \(word)") }
    }
    guard let fish = Subprocess.installed("fish") else { return print("skipped: fish is not installed") }
    let installed = try Installed(.fish)
    defer { try? FileManager.default.removeItem(at: installed.folder) }
    try FileManager.default.createSymbolicLink(
      atPath: installed.apus.path, withDestinationPath: try Subprocess.apusPath())
    func candidates(_ line: String) throws -> [String] {
      let script = "complete --do-complete '\(line)'"
      return try Subprocess.run(fish, ["-c", script], environment: installed.environment).output
        .split(separator: "\n").map(String.init)
    }
    #expect(Set(try candidates("apus -Q ")) == ["in\treceived packets", "out\tsent packets", "inout\tboth"])
    #expect(try candidates("apus --stats=sizes,r") == ["--stats=sizes,rate\tpackets and bytes over time"])
    #expect(try candidates("apus --help cap").first?.contains("\tinterfaces, ") == true)
  }

  /// Completions of a shell, installed in a temporary folder that serves as the home folder. The caller removes the folder.
  private struct Installed {
    let folder: URL
    /// Where the shell finds apus; the test puts a program there.
    let apus: URL
    /// Arguments that make the shell complete the lines of its standard input.
    let arguments: [String]
    let environment: [String: String]

    init(_ shell: Shell) throws {
      let files = FileManager.default
      folder = files.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
      let programs = folder.appendingPathComponent("bin")
      let fish = folder.appendingPathComponent("fish/completions")
      for created in [programs, fish] { try files.createDirectory(at: created, withIntermediateDirectories: true) }
      apus = programs.appendingPathComponent("apus")
      let place =
        switch shell {
        case .bash: folder.appendingPathComponent("apus")
        case .zsh: folder.appendingPathComponent("_apus")
        case .fish: fish.appendingPathComponent("apus.fish")
        }
      try Subprocess.apus("--completions", shell.rawValue).stdout.write(to: place)
      let driver = Fixture.packageRoot.appendingPathComponent("Fixtures/completions/drive.\(shell.rawValue)").path
      arguments =
        switch shell {
        case .bash: ["--norc", driver, place.path]
        case .zsh: ["-f", driver, folder.path]
        case .fish: [driver]
        }
      environment = [
        "PATH": programs.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
        "HOME": folder.path, "XDG_CONFIG_HOME": folder.path, "XDG_DATA_HOME": folder.path, "LC_ALL": "C.UTF-8",
      ]
    }
  }

  @Test(arguments: Shell.allCases) func completes(_ shell: Shell) throws {
    guard let program = Subprocess.installed(shell.rawValue) else {
      return print("skipped: \(shell.rawValue) is not installed")
    }
    let files = FileManager.default
    let installed = try Installed(shell)
    defer { try? files.removeItem(at: installed.folder) }
    try files.createSymbolicLink(
      atPath: installed.apus.path, withDestinationPath: try Subprocess.apusPath())
    let cases = try Self.cases()
    let outcome = try Subprocess.run(
      program, installed.arguments, stdin: Data(cases.map { $0.line + "\n" }.joined().utf8),
      environment: installed.environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let answers = outcome.output.components(separatedBy: "== ").dropFirst()
    #expect(answers.count == cases.count, "\(outcome.output.suffix(200))")
    for (expected, answer) in zip(cases, answers) {
      let lines = answer.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.first == Substring(expected.line))
      let words = Set(lines.dropFirst().filter { !$0.isEmpty }.map(Self.lastWord))
      if expected.isComplete {
        #expect(words == expected.words, "\(shell.rawValue): \(expected.line)")
      } else {
        #expect(words.isSuperset(of: expected.words), "\(shell.rawValue): \(expected.line)")
      }
    }
  }

  /// The completed word alone: some shells return it together with the text before it in the same word.
  private static func lastWord(_ candidate: Substring) -> String {
    var word = candidate
    // fish appends `=` to an option whose value is optional.
    if word.hasSuffix("=") { word = word.dropLast() }
    if word.hasPrefix("--"), let sign = word.firstIndex(of: "=") { word = word[word.index(after: sign)...] }
    for separator: Character in [" ", ","] {
      if let place = word.lastIndex(of: separator) { word = word[word.index(after: place)...] }
    }
    if let slash = word.lastIndex(of: "/") { word = word[word.index(after: slash)...] }
    return String(word)
  }

  /// Letters before an option in the same word are kept when its value is completed.
  @Test func bashKeepsABundle() throws {
    guard let bash = Subprocess.installed("bash") else { return print("skipped: bash is not installed") }
    let script = try Subprocess.temporaryFile(try Subprocess.apus("--completions", "bash").stdout, suffix: ".bash")
    defer { Subprocess.remove(script) }
    let driver = Fixture.packageRoot.appendingPathComponent("Fixtures/completions/drive.bash").path
    let outcome = try Subprocess.run(
      bash, ["--norc", driver, script], stdin: Data("apus -nnTvx\napus -nnT\napus -Tvx\n".utf8))
    let answers = outcome.output.components(separatedBy: "== ").map { Set($0.split(separator: "\n").dropFirst()) }
    try #require(answers.count == 4, "\(outcome.output)")
    #expect(answers[1] == ["-nnTvxlan"] && answers[2].contains("-nnTvxlan") && answers[3] == ["-Tvxlan"])
  }

  /// Anyone who can create an interface, a container for example, chooses its name. No shell executes such a name, and each is offered as
  /// one word.
  @Test(arguments: Shell.allCases) func namesOfInterfacesAreOnlyWords(_ shell: Shell) throws {
    guard let program = Subprocess.installed(shell.rawValue) else {
      return print("skipped: \(shell.rawValue) is not installed")
    }
    let files = FileManager.default
    let installed = try Installed(shell)
    defer { try? files.removeItem(at: installed.folder) }
    // A fake apus that lists interfaces with these names; a name has at most fifteen characters.
    let names = ["$(>pwned)", "`>pwned`", "a'b", "c\"d", "e;>pwned", "f$HOME", "g*", "h\\i"]
    let listed = names.enumerated().map { "\($0 + 1).\($1) [Up, Running]" }.joined(separator: "\n")
    try Subprocess.writeScript("#!/bin/sh\ncat <<'END'\n\(listed)\nEND\n", to: installed.apus.path)
    let inFolder =
      ["-c", "cd \"$1\" && shift && exec \"$@\"", "sh", installed.folder.path, program] + installed.arguments
    let outcome = try Subprocess.run(
      "/bin/sh", inFolder, stdin: Data("apus -i \n".utf8), environment: installed.environment)
    #expect(!files.fileExists(atPath: installed.folder.appendingPathComponent("pwned").path), "\(outcome.output)")
    #expect(
      outcome.output.split(separator: "\n").count == names.count + 1, "\(outcome.output)\(outcome.errors)")
    guard shell == .bash else { return }
    // The word that bash would put on the line expands to the name.
    for (name, word) in zip(names, outcome.output.split(separator: "\n").dropFirst()) {
      let spoken = try Subprocess.run("/bin/bash", ["-c", "printf %s \(word)"], environment: ["HOME": "/root"])
      #expect(spoken.output == name, "\(word)")
    }
  }

  @Test func anUnknownShellIsRefused() throws {
    let outcome = try Subprocess.apus("--completions", "csh")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors == "apus: no completions for 'csh': use one of bash, zsh, fish\n")
  }
}
