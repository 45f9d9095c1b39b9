import Glibc

/// Searches for disagreements with random input: `apus-fuzz ENTRY [--seed N] [--runs N]`. Exits with status 1 if it finds one.
struct Main {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    guard let entry = arguments.first else { usage() }
    arguments.removeFirst()
    if entry == "replay" {
      guard let subject = arguments.first else { usage() }
      exit(FuzzEntries.replay(subject, Array(arguments.dropFirst())) ? 0 : 1)
    }
    var seed: UInt64 = 1
    var runs: Int?
    while let option = arguments.first {
      guard arguments.count >= 2, let number = UInt64(arguments[1]) else { usage() }
      switch option {
      case "--seed": seed = number
      case "--runs", "--pairs": runs = Int(clamping: number)
      default: usage()
      }
      arguments.removeFirst(2)
    }
    let isGood: Bool
    switch entry {
    case "filters":
      var fuzz = FilterFuzz(seed: seed)
      isGood = fuzz.run(pairs: runs ?? 1_000_000)
    case "text":
      var fuzz = TextFuzz(seed: seed)
      isGood = fuzz.run(texts: runs ?? 100_000)
    case "machine":
      var fuzz = MachineFuzz(seed: seed)
      isGood = fuzz.run(runs: runs ?? 10_000_000)
    case "ebpf":
      var fuzz = EBPFFuzz(seed: seed)
      isGood = fuzz.run(runs: runs ?? 1_000_000)
    case "corrupt":
      var fuzz = CorruptFuzz(seed: seed)
      isGood = fuzz.run(mutants: runs ?? 10_000)
    case "dissect":
      var fuzz = DissectFuzz(seed: seed)
      isGood = fuzz.run(mutations: runs ?? 1_000)
    case "compare":
      var proofs = ComparisonProofs(seed: seed)
      isGood = proofs.run(pairs: runs ?? 200)
    case "witness": isGood = WitnessProofs().run(filters: runs)
    case "optimizer": isGood = OptimizerProofs().run(filters: runs)
    case "kill": isGood = KillFuzz(seed: seed).run(kills: runs ?? 200)
    case "savefiles":
      var fuzz = SavefileFuzz(seed: seed)
      isGood = fuzz.run(mutations: runs ?? 50)
    default: usage()
    }
    exit(isGood ? 0 : 1)
  }

  private static func usage() -> Never {
    print(
      """
      usage: apus-fuzz filters [--seed N] [--pairs N]   filters compiled here and by libpcap, on packets
             apus-fuzz text [--seed N] [--runs N]       text that is hardly ever a filter, compiled
             apus-fuzz machine [--seed N] [--runs N]    programs in every machine, on packets
             apus-fuzz ebpf [--seed N] [--runs N]       programs as eBPF, here and in the kernel, on packets
             apus-fuzz corrupt [--seed N] [--runs N]    corrupt programs, as instructions and as files
             apus-fuzz dissect [--seed N] [--runs N]    packets of captures, cut and changed, printed
             apus-fuzz compare [--seed N] [--runs N]    pairs of programs, compared here and by the conformance data's prover
             apus-fuzz witness [--runs N]               recorded filters: packets that they accept, judged by all machines
             apus-fuzz optimizer [--runs N]             recorded filters: z3 proves optimised and unoptimised equal
             apus-fuzz kill [--seed N] [--runs N]       savefiles of processes that are killed while they write
             apus-fuzz savefiles [--seed N] [--runs N]  captures, cut and changed, read
             apus-fuzz replay SUBJECT FILE...           inputs that libFuzzer (.ci/fuzz.sh) has found
      """)
    exit(2)
  }
}

// libFuzzer has its own main().
#if !FUZZING
  @main
  extension Main {}
#endif
