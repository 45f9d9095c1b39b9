import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// README and the guides in `Sources/<target>/<target>.docc`: their commands print the output shown below them and name existing options,
/// and their links lead to existing files.
@Suite struct DocumentationTests {
  /// A Markdown file; its path is relative to the package.
  struct Document: Sendable, CustomTestStringConvertible {
    let path: String
    let text: String
    var testDescription: String { path }

    /// The contents of its code blocks in a language.
    func blocks(_ language: String) -> [Substring] {
      text.components(separatedBy: "```\(language)\n").dropFirst().compactMap { block in
        block.range(of: "```").map { Substring(block[..<$0.lowerBound]) }
      }
    }

    /// The links to files of the package, as written, relative to the document's folder.
    var links: [String] {
      text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }.filter { !$0.contains("://") && !$0.hasPrefix("#") }
    }
  }

  /// A command of a `console` block, and its output.
  struct Example: Sendable, CustomTestStringConvertible {
    let command: String
    let expected: String
    var testDescription: String { command }
  }

  static let root = Fixture.packageRoot

  /// README first, then every Markdown file of the DocC catalogs.
  static let documents: [Document] = {
    let sources = root.appendingPathComponent("Sources")
    let names = FileManager.default.enumerator(atPath: sources.path)?.compactMap { $0 as? String } ?? []
    let guides = names.filter { $0.contains(".docc/") && $0.hasSuffix(".md") }.sorted().map { "Sources/\($0)" }
    return (["README.md"] + guides).compactMap { path in
      (try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)).map {
        Document(path: path, text: $0)
      }
    }
  }()

  static var readme: Document? { documents.first { $0.path == "README.md" } }

  static let examples: [Example] = documents.flatMap { document in
    document.blocks("console").map { block in
      let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
      return Example(
        command: String(lines.first?.dropFirst(2) ?? ""), expected: lines.dropFirst().joined(separator: "\n"))
    }
  }

  // MARK: README

  @Test func readmeIsShort() throws {
    let readme = try #require(Self.readme)
    #expect(readme.text.utf8.count <= 12_288)
  }

  /// README links to every guide; the main pages of the catalogs introduce targets to developers.
  @Test func readmeListsTheGuides() throws {
    let readme = try #require(Self.readme)
    let guides = Self.documents.map(\.path).filter { path in
      let parts = path.split(separator: "/")
      return parts.count > 2 && parts.last?.dropLast(3) != parts[1]
    }
    #expect(guides.count >= 12)
    for guide in guides { #expect(readme.links.contains(guide), "\(guide)") }
  }

  // MARK: Targets

  /// A target either has a page that says what it is for, or its only files begin with a comment that does.
  @Test func targetsAreIntroduced() throws {
    let manager = FileManager.default
    let sources = Self.root.appendingPathComponent("Sources")
    for target in try manager.contentsOfDirectory(atPath: sources.path).sorted() {
      let folder = sources.appendingPathComponent(target)
      let page = try? String(contentsOf: folder.appendingPathComponent("\(target).docc/\(target).md"), encoding: .utf8)
      if let page {
        #expect(page.hasPrefix("# ") && page.contains("\n## Overview\n") && page.utf8.count > 200, "\(target)")
        continue
      }
      let names = try manager.contentsOfDirectory(atPath: folder.path).filter {
        $0.hasSuffix(".h") || $0 == "Main.swift"
      }
      let isIntroduced = names.contains { name in
        (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))?.contains("///") ?? false
      }
      #expect(isIntroduced, "\(target) has neither a catalog nor a comment")
    }
  }

  // MARK: Links

  @Test(arguments: documents) func linksLeadToFiles(_ document: Document) {
    let folder = Self.root.appendingPathComponent(document.path).deletingLastPathComponent()
    for link in document.links {
      let path = String(link.prefix { $0 != "#" })
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).standardized.path), "\(link)")
    }
  }

  // MARK: Commands

  @Test func thereAreExamples() {
    #expect(Self.examples.count >= 25)
    #expect(Self.examples.allSatisfy { $0.command.hasPrefix("apus ") })
  }

  /// The documents leave out what the program says about the file it reads.
  @Test(arguments: examples) func example(_ example: Example) throws {
    if example.command.contains("--witness") || example.command.contains("--compare"),
      Subprocess.installed("z3") == nil
    {
      return print("skipped: \(example.command) needs z3, which is not installed")
    }
    let apus = try Subprocess.apusPath()
    let script = "cd '\(Self.root.path)' && apus() { '\(apus)' \"$@\"; } && \(example.command) 2>&1"
    let outcome = try Subprocess.run("/bin/sh", ["-c", script], environment: ["TZ": "UTC"])
    let output = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("reading from file") }.joined(separator: "\n")
    #expect(output == example.expected)
  }

  /// Commands that need an interface, another host or a file are not run; only their options are parsed.
  @Test(arguments: documents) func commandsAreAccepted(_ document: Document) throws {
    for line in document.blocks("sh").joined(separator: "\n").split(separator: "\n") {
      for command in ShellLine.commands(String(line)) {
        guard let start = command.firstIndex(of: "apus"), start == 0 || command.first == "ssh" else { continue }
        do {
          _ = try Configuration(ApusCommandLine.options(Array(command[(start + 1)...])))
        } catch {
          Issue.record("\(line): \(error)")
        }
      }
    }
  }
}

/// The commands of a shell line, each as its words: quotes and pipes are interpreted, substitutions are not.
private enum ShellLine {
  static func commands(_ line: String) -> [[String]] {
    var commands: [[String]] = [[]]
    var word: String?
    var quote: Character?
    func end() {
      if let ended = word { commands[commands.count - 1].append(ended) }
      word = nil
    }
    for character in line {
      switch character {
      case quote: quote = nil
      case _ where quote != nil: word = (word ?? "") + String(character)
      case "'", "\"": (quote, word) = (character, word ?? "")
      case "#" where word == nil: return commands
      case " ": end()
      case "|", "&", ";":
        end()
        commands.append([])
      default: word = (word ?? "") + String(character)
      }
    }
    end()
    return commands
  }
}
