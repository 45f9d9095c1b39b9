/// A topic of `--help`: one group of flags.
enum HelpTopic: String, CaseIterable, Sendable {
  case capture, files, output, stats, printing, forms, filters, explain, proof, ebpf, processes, privilege, wireshark
  case help

  /// The heading above the topic's options.
  var title: String {
    switch self {
    case .capture: "Capture"
    case .files: "Reading capture files"
    case .output: "Writing capture files"
    case .stats: "Counts and statistics"
    case .printing: "Printing packets"
    case .forms: "Formats of times, names and numbers"
    case .filters: "Filters"
    case .explain: "Explaining filters"
    case .proof: "Comparing and proving filters"
    case .ebpf: "eBPF"
    case .processes: "Processes"
    case .privilege: "Privilege"
    case .wireshark: "Wireshark"
    case .help: "Help"
    }
  }

  /// Its description in the list of topics.
  var summary: String {
    switch self {
    case .capture: "interfaces, link types, clocks, buffers"
    case .files: "reading one or several, damaged, growing, by time"
    case .output: "writing, rotating, compressing, stop conditions"
    case .stats: "counting, limits, statistics, ledger"
    case .printing: "detail, hex dumps, JSON, colours"
    case .forms: "times, names, numbers, checksums"
    case .filters: "expressions, bytecode, compiled programs"
    case .explain: "why packets match, graphs, traces, profiles, warnings"
    case .proof: "witnesses, comparison, the optimiser"
    case .ebpf: "filters for the kernel, programs to run"
    case .processes: "which programs send and receive, running one"
    case .privilege: "user, sandbox"
    case .wireshark: "the extcap interface"
    case .help: "this page, manual, completions, lists, versions"
    }
  }

  /// The word for all topics together.
  static let everything = "all"

  /// All arguments that `--help` accepts, each with what it lists.
  static var entries: [FlagValue.Word] { allCases.map { ($0.rawValue, $0.summary) } + [(everything, "every option")] }

  /// Only the words.
  static var words: [String] { entries.map(\.word) }
}
