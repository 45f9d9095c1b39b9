import Glibc

/// Looks for disagreements with random input: `apus-fuzz ENTRY [--seed N] [--pairs N]`. Ends with status 1 where it found one.
@main
struct Main {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    guard let entry = arguments.first, entry == "filters" else { usage() }
    arguments.removeFirst()
    var seed: UInt64 = 1
    var pairs = 1_000_000
    while let option = arguments.first {
      guard arguments.count >= 2, let number = UInt64(arguments[1]) else { usage() }
      switch option {
      case "--seed": seed = number
      case "--pairs": pairs = Int(clamping: number)
      default: usage()
      }
      arguments.removeFirst(2)
    }
    var fuzz = FilterFuzz(seed: seed)
    exit(fuzz.run(pairs: pairs) ? 0 : 1)
  }

  private static func usage() -> Never {
    print("usage: apus-fuzz filters [--seed N] [--pairs N]")
    exit(2)
  }
}
