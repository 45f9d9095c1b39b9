import Testing

@testable import ApusCLI

/// Flags that exclude each other, and flags that require others.
@Suite struct FlagRulesTests {
  @Test func namesAreThoseOfFlags() {
    let names = Set(Flag.all.compactMap(\.names.first))
    for rule in FlagRules.exclusions {
      for name in rule.flags + rule.others { #expect(names.contains(name), "\(name)") }
      #expect(rule.flags.count + rule.others.count > 1 && Set(rule.flags).isDisjoint(with: rule.others))
    }
    for rule in FlagRules.requirements {
      for name in rule.flags + rule.needed + rule.others { #expect(names.contains(name), "\(name)") }
    }
  }

  /// No two rules exclude the same pair of flags.
  @Test func eachPairIsNamedOnce() {
    var pairs: [Set<String>] = []
    for rule in FlagRules.exclusions {
      for (index, first) in rule.flags.enumerated() {
        let others = rule.others.isEmpty ? Array(rule.flags[(index + 1)...]) : rule.others
        pairs += others.map { [first, $0] }
      }
    }
    #expect(pairs.count > 50 && Set(pairs).count == pairs.count)
  }

  /// The arguments for a flag, with a value if it takes one.
  private static func argument(_ name: String) -> [String] {
    guard let flag = Flag.all.first(where: { $0.names.contains(name) }) else { return [] }
    return flag.value == nil ? [name] : flag.value?.defaultValue == nil ? [name, "x"] : [name]
  }

  private static func refusal(_ arguments: [String]) -> String? {
    do throws(CommandError) {
      _ = try Configuration(ApusCommandLine.options(arguments))
      return nil
    } catch {
      return error.description
    }
  }

  /// The message names both flags, in whatever order they are given.
  @Test func pairsAreRefused() {
    for rule in FlagRules.exclusions {
      for first in rule.flags {
        for second in rule.others.isEmpty ? rule.flags.filter({ $0 != first }) : rule.others {
          // A flag that takes the rest of the line comes last.
          let takesRest = Flag.all.contains { $0.names.contains(first) && $0.value?.takesRest ?? false }
          let message =
            Self.refusal(
              takesRest
                ? Self.argument(second) + Self.argument(first) : Self.argument(first) + Self.argument(second)) ?? ""
          #expect(message.contains(" cannot be combined with "), "\(first) \(second): \(message)")
          #expect(message.contains(first) && message.contains(second), "\(message)")
          #expect(Self.refusal(Self.argument(second) + Self.argument(first)) == message)
        }
      }
    }
  }

  @Test func whatIsMissingIsNamed() {
    for rule in FlagRules.requirements {
      for flag in rule.flags {
        let message = Self.refusal(Self.argument(flag)) ?? ""
        #expect(message.hasPrefix("\(flag) requires ") && rule.needed.allSatisfy(message.contains), "\(message)")
      }
    }
  }

  /// Help is printed whatever other flags are given.
  @Test func helpComesFirst() throws {
    for words in [["--help"], ["-h"], ["--version"], ["--manual"]] {
      #expect(Self.refusal(["--json", "--trace", "--from", "1"] + words) == nil, "\(words)")
    }
  }
}
