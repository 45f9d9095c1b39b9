import ArgumentParser

/// Where packets go, and how many.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.customShort("w"), .customLong("write-file")],
    help: .init("Write the packets to this savefile; - is standard output.", valueName: "file"))
  var writeFile: String?

  @Flag(name: .customLong("print"), help: "With -w: print them, too.")
  var alsoPrint = false

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

  @Flag(name: .customShort("l"), help: "Write each packet's text at once.")
  var lineBuffered = false

  @Flag(name: [.customShort("U"), .customLong("packet-buffered")], help: "Write each packet to the savefile at once.")
  var packetBuffered = false
}
