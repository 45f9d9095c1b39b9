/// How many packets, and what is counted of them.
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
    Flag(.stats, nil, "count", "Print only how many packets there are.") { $0.counts.countOnly = true },
    Flag(.stats, "c", "packet-count", .text("number"), "End after so many packets.") { $0.counts.packetCount = $1 },
    Flag(.stats, nil, "skip", .text("number"), "Pass over the first packets.") { $0.counts.skip = $1 },
    Flag(.stats, nil, "print-sampling", .text("n"), "Print every n-th packet only.") { $0.counts.printSampling = $1 },
    Flag(.stats, nil, "print", "With -w, --count or --stats: print them, too.") { $0.counts.alsoPrint = true },
    Flag(
      .stats, nil, "stats",
      .someOf([
        "protocols": "which headers are inside one another", "conversations": "who sends what to whom",
        "endpoints": "what each address sends and receives", "ports": "what each port sends and receives",
        "sizes": "how long packets are",
        "rate": "packets and bytes over time", "all": "all of these",
      ]), repeats: true,
      "Print statistics, several between commas; rate,1s states its interval, and json makes it a line of JSON."
    ) { $0.counts.statistics.append($1) },
    Flag(
      .stats, nil, "stats-interval", .text("seconds"),
      "With --stats: print them every so many seconds (or 5m, 1h), too."
    ) { $0.counts.statisticsInterval = $1 },
    Flag(
      .stats, nil, "stats-top", .text("rows"),
      "With --stats: so many rows of conversations, endpoints and ports, or all (default: 20, in JSON all)."
    ) { $0.counts.statisticsTop = $1 },
    Flag(
      .stats, nil, "sort",
      .oneOf(
        [
          "packets": "most packets first", "bytes": "most bytes first",
          "name": "by name, or by address and port", "start": "conversations: the earliest first",
          "duration": "conversations: the longest first", "rate": "conversations: most bits per second first",
        ], named: "key"),
      "With --stats: sort the rows of tables by:"
    ) { $0.counts.statisticsSort = $1 },
    Flag(
      .stats, nil, "ledger", .text("N[,json]"),
      "While capturing: print the account of all packets every N seconds (or 5m; 0: at the end only), as text or as JSON."
    ) { $0.counts.ledger = $1 },
  ]
}
