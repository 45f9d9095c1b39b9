import ArgumentParser

/// How many packets, and what is counted of them.
struct CountOptions: ParsableArguments {
  @Flag(name: .customLong("count"), help: "Print only how many packets there are.")
  var countOnly = false

  @Option(
    name: [.customShort("c"), .customLong("packet-count")],
    help: .init("End after so many packets.", valueName: "number"))
  var packetCount: String?

  @Option(name: .customLong("skip"), help: .init("Pass over the first packets.", valueName: "number"))
  var skip: String?

  @Option(name: .customLong("print-sampling"), help: .init("Print every n-th packet only.", valueName: "n"))
  var printSampling: String?

  @Flag(name: .customLong("print"), help: "With -w, --count or --stats: print them, too.")
  var alsoPrint = false

  @Option(
    name: .customLong("stats"),
    help: .init(
      "Print statistics, several between commas; rate,1s states its interval, and json makes it a line of JSON.",
      valueName: "protocols|conversations|endpoints|sizes|rate|all"))
  var statistics: [String] = []

  @Option(
    name: .customLong("stats-interval"),
    help: .init("With --stats: print them every so many seconds (or 5m, 1h), too.", valueName: "seconds"))
  var statisticsInterval: String?

  @Option(
    name: .customLong("stats-top"),
    help: .init(
      "With --stats: so many rows of conversations and endpoints, or all (default: 20, in JSON all).", valueName: "rows"
    ))
  var statisticsTop: String?

  @Option(
    name: .customLong("ledger"),
    help: .init(
      "While capturing: print the account of all packets every N seconds (or 5m; 0: at the end only), as text or as JSON.",
      valueName: "N[,json]"))
  var ledger: String?
}
