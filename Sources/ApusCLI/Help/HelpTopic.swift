/// A topic of `--help`: one group of flags.
enum HelpTopic: String, CaseIterable, Sendable {
  case capture, files, output, stats, printing, forms, filters, explain, proof, ebpf, processes, privilege, wireshark
  case help

  /// What stands above the options of the topic.
  var title: String {
    switch self {
    case .capture: "Capture"
    case .files: "Savefiles that are read"
    case .output: "Savefiles that are written"
    case .stats: "How many packets, and statistics"
    case .printing: "What is printed of a packet"
    case .forms: "Forms of times, names and numbers"
    case .filters: "Filters"
    case .explain: "Filters explained"
    case .proof: "Filters compared and proved"
    case .ebpf: "eBPF"
    case .processes: "Processes"
    case .privilege: "Privilege"
    case .wireshark: "Captures for Wireshark"
    case .help: "Help"
    }
  }

  /// What the list of topics says of it.
  var summary: String {
    switch self {
    case .capture: "interfaces, link types, clocks, buffers"
    case .files: "reading one or several, damaged, growing, by time"
    case .output: "writing, rotating, compressing, ending"
    case .stats: "counting, statistics, how many packets"
    case .printing: "detail, octets, JSON, colours"
    case .forms: "times, names, numbers, checksums"
    case .filters: "expressions, programs in their place, what is compiled"
    case .explain: "why packets match, graphs, traces, profiles, warnings"
    case .proof: "witnesses, comparison, the optimiser"
    case .ebpf: "filters for the kernel, and programs to run"
    case .processes: "which programs send and receive, and running one"
    case .privilege: "users, and what is given up before packets are looked at"
    case .wireshark: "what it asks of a program that captures for it"
    case .help: "this page, the manual, completions, lists, versions"
    }
  }

  /// The word that stands for all topics.
  static let everything = "all"

  /// All words that `--help` takes, each with what it lists.
  static var entries: [FlagValue.Word] { allCases.map { ($0.rawValue, $0.summary) } + [(everything, "every option")] }

  /// The words alone.
  static var words: [String] { entries.map(\.word) }
}
