import ArgumentParser

/// Which packets are meant, and how the filter is compiled.
struct FilterOptions: ParsableArguments {
  @Argument(
    parsing: .postTerminator,
    help: .init("The filter, see pcap-filter(7); without it every packet.", valueName: "expression"))
  var expression: [String] = []

  @Option(
    name: [.customShort("F"), .customLong("filter-file")],
    help: .init("Read the expression from this file.", valueName: "file"))
  var filterFile: String?

  @Option(
    name: .customLong("bytecode"),
    help: .init(
      "Instead of an expression: run the program in this file, as -d, -dd, -ddd or iptables write it, or a cBPF savefile.",
      valueName: "file"))
  var bytecode: String?

  @Flag(name: .customShort("d"), help: "Print the compiled filter and end; -dd in C, -ddd in decimal.")
  var dump: Int

  @Flag(name: [.customShort("O"), .customLong("no-optimize")], help: "Do not optimise the filter.")
  var noOptimize = false

  @Flag(name: .customLong("no-jit"), help: "Run the filter in the interpreter, not as native code.")
  var noJIT = false

  @Option(
    name: .customLong("netmask"), help: .init("Netmask of the network, for 'ip broadcast'.", valueName: "a.b.c.d"))
  var netmask: String?

  @Flag(
    name: .customLong("dns"), help: "Ask DNS for host names in the filter that /etc/hosts lacks; else nothing is asked."
  )
  var dns = false

  @Flag(name: .customLong("linux-extensions"), help: "With -d: compile for the Linux kernel.")
  var linuxExtensions = false

  @Option(
    name: .customLong("savefile-order"),
    help: .init("With -d: compile for a savefile of this byte order.", valueName: "unswapped|swapped"))
  var savefileOrder: String?
}
