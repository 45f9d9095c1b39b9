import Filter
import Foundation
import PacketCore
import TestSupport
import Testing

@testable import ApusCLI

/// The manual page, and the commands shown in it and in `--help`.
@Suite struct ManualTests {
  let options = Flag.all
  let page: String

  init() throws {
    page = try Subprocess.apus("--manual").output
  }

  /// The page's text as a reader sees it.
  private static func plain(_ text: some StringProtocol) -> String {
    [("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\e", "\\")].reduce(String(text)) {
      $0.replacing($1.0, with: $1.1)
    }
  }

  /// Bold words that begin with a dash: `\fB\-\-read\-file\fR`.
  private static func options(in text: some StringProtocol) -> [String] {
    let pattern = /\\fB((?:\\-){1,2}[A-Za-z#][A-Za-z0-9]*(?:\\-[a-z0-9]+)*)/
    return String(text).matches(of: pattern).map { plain($0.1) }
  }

  @Test func isTheProgramsOwn() throws {
    #expect(page == ManualPage.text())
    #expect(page.contains("\n.TH APUS 1 "))
  }

  /// The `.TP` entries in the section of options are exactly the options that exist.
  @Test func everyOptionHasAnEntry() throws {
    let start = try #require(page.range(of: "\n.SH OPTIONS\n")?.upperBound)
    let end = try #require(page.range(of: "\n.SH ", range: start..<page.endIndex)?.lowerBound)
    let terms = page[start..<end].components(separatedBy: ".TP\n").dropFirst().compactMap {
      $0.split(separator: "\n").first
    }
    let names = terms.map { Self.options(in: $0) }
    #expect(names == options.map(\.names))
    for (term, option) in zip(terms, options) {
      if let value = option.value, value.alternatives.isEmpty {
        #expect(term.replacing("\\-", with: "-").contains("\\fI\(value.name)\\fR"), "\(term)")
      }
      for value in option.value?.alternatives ?? [] { #expect(Self.plain(term).contains(value), "\(term)") }
      let text = option.help.prefix { $0.isLetter || $0 == " " }.split(separator: " ").prefix(3).joined(separator: " ")
      #expect(page.contains(text), "\(option.names): \(text)")
    }
  }

  /// Every option that the page names exists.
  @Test func noOtherOptionIsNamed() {
    let names = Self.options(in: page)
    #expect(Set(names).count > options.count)
    for name in Set(names) where !options.contains(where: { $0.names.contains(name) }) {
      let isBundle =
        !name.hasPrefix("--")
        && name.dropFirst().allSatisfy { letter in
          options.contains { $0.letter == letter } || letter.isNumber
        }
      #expect(isBundle, "\(name)")
    }
  }

  @Test func everyWordOfFiltersIsThere() {
    let text = page.replacing("\\-", with: "-")
    for word in FilterVocabulary.sections.flatMap(\.words) {
      #expect(text.contains("\n\\fB\(word.spellings.joined(separator: ", "))\\fR"), "\(word.spellings)")
    }
  }

  @Test func isPlainText() {
    for line in page.split(separator: "\n") {
      #expect(line.utf8.count <= 90 && line.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "\(line)")
      #expect(!line.hasSuffix(" ") && !line.hasPrefix("'"), "\(line)")
    }
  }

  @Test func formattersHaveNothingToSay() throws {
    let path = try Subprocess.temporaryFile(Data(page.utf8), suffix: ".1")
    defer { Subprocess.remove(path) }
    let formatters: [(program: String, arguments: [String])] = [
      ("mandoc", ["-T", "lint", "-W", "all", path]), ("groff", ["-man", "-ww", "-z", "-Tutf8", path]),
      ("man", ["--warnings", "-E", "UTF-8", "-l", path]),
    ]
    for (program, arguments) in formatters {
      guard let formatter = Subprocess.installed(program) else {
        print("skipped: \(program) is not installed")
        continue
      }
      let outcome = try Subprocess.run(formatter, arguments, environment: ["MANPAGER": "cat", "LC_ALL": "C.UTF-8"])
      #expect(outcome.errors.isEmpty, "\(program): \(outcome.errors)")
      if program == "mandoc" {
        // The page has the version's date. A warning that this date is in the future comes from the machine's clock, so it is ignored.
        let complaints = outcome.output.split(separator: "\n").filter { !$0.contains("date in the future") }
        #expect(complaints.isEmpty, "\(complaints)")
        continue
      }
      #expect(outcome.status == 0, "\(program)")
      if program == "man" {
        #expect(outcome.output.contains("--list-primitives") && outcome.output.contains("SIGUSR2"))
      }
    }
  }

  /// apus accepts the commands of the manual's examples and of the `--help` screen.
  @Test func examplesAreTaken() throws {
    let blocks = page.components(separatedBy: ".nf\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n.fi").first
    }
    let lines = blocks.map { Self.plain($0) }.joined(separator: "\n").replacing("\\\n", with: "").components(
      separatedBy: "\n")
    let screen = HelpText.screen.matches(of: /\n  (apus .*?)(?:  |\n)/).map { String($0.1) }
    var count = 0
    for line in lines + screen {
      for var command in line.components(separatedBy: " | ") {
        command = String(command.prefix { $0 != ">" }).replacing("ssh host ", with: "")
        guard command.hasPrefix("apus ") else { continue }
        count += 1
        let script = "set -- \(command.dropFirst(5)); printf '%s\\n' \"$@\""
        let arguments = try Subprocess.run("/bin/sh", ["-c", script]).output.split(separator: "\n").map(String.init)
        #expect(throws: Never.self, "\(command)") {
          let configuration = try Configuration(ApusCommandLine.options(arguments))
          _ = try configuration.filter.compile(CompileOptions(linkType: .ethernet))
        }
      }
    }
    #expect(count >= 20)
  }
}
