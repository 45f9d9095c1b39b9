/// How many packets to take, and what to count of them.
struct CountOptions: Sendable {
  var countOnly = false
  var packetCount: String?
  var skip: String?
  var printSampling: String?
  var alsoPrint = false
  var statistics: [String] = []
  var statisticsInterval: String?
  var statisticsTop: String?
  var statisticsSort: String?
  var ledger: String?
}

extension Flag {
  static let counts: [Flag] = [
    Flag(.stats, nil, "count", "Print only the number of packets.") { $0.counts.countOnly = true },
    Flag(.stats, "c", "packet-count", .text("number"), "Exit after this many packets.") { $0.counts.packetCount = $1 },
    Flag(.stats, nil, "skip", .text("number"), "Skip the first packets.") { $0.counts.skip = $1 },
    Flag(.stats, nil, "print-sampling", .text("n"), "Print only every n-th packet.") { $0.counts.printSampling = $1 },
    Flag(.stats, nil, "print", "With -w, --count or --stats: print the packets as well.") {
      $0.counts.alsoPrint = true
    },
    Flag(
      .stats, nil, "stats",
      .someOf(
        [
          "protocols": "the headers and what they carry", "conversations": "traffic between pairs of addresses",
          "endpoints": "traffic of each address", "ports": "traffic of each port",
          "processes": "traffic of each program", "sizes": "packet lengths", "rate": "packets and bytes over time",
          "all": "all of these, processes only with --process",
        ], named: "kinds"), repeats: true,
      "Print statistics; rate,1s sets its interval, and json prints one line of JSON; separated by commas:"
    ) { $0.counts.statistics.append($1) },
    Flag(
      .stats, nil, "stats-interval", .text("seconds"),
      "With --stats: also print them at this interval in seconds (or 5m, 1h)."
    ) { $0.counts.statisticsInterval = $1 },
    Flag(
      .stats, nil, "stats-top", .text("rows"),
      "With --stats: rows of conversations, endpoints, ports and programs to print, or all (default: 20, in JSON all)."
    ) { $0.counts.statisticsTop = $1 },
    Flag(
      .stats, nil, "sort",
      .oneOf(
        [
          "packets": "most packets first", "bytes": "most bytes first",
          "name": "by name, or by address and port", "start": "conversations: earliest first",
          "duration": "conversations: longest first", "rate": "conversations: most bits per second first",
          "connections": "processes: most connections first",
        ], named: "key"),
      "With --stats: sort the rows of tables by:"
    ) { $0.counts.statisticsSort = $1 },
    Flag(
      .stats, nil, "ledger", .text("N[,json]"),
      "While capturing: print the packet ledger every N seconds (or 5m; 0: only at the end), as text or JSON."
    ) { $0.counts.ledger = $1 },
  ]
}
