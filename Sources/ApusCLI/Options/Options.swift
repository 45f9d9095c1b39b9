import ArgumentParser

/// The whole command line.
struct Options: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus", usage: "apus [flags] [expression]", helpNames: [])

  @OptionGroup(title: "Where packets come from") var input: InputOptions
  @OptionGroup(title: "Which packets") var filter: FilterOptions
  @OptionGroup(title: "What a filter means") var proof: ProofOptions
  @OptionGroup(title: "eBPF") var ebpf: EBPFOptions
  @OptionGroup(title: "Where they go") var output: OutputOptions
  @OptionGroup(title: "What is printed of them") var printing: PrintingOptions

  @OptionGroup(title: "What it may do") var privilege: PrivilegeOptions

  @OptionGroup(title: "Captures for Wireshark") var extcap: ExtcapOptions

  @Flag(name: [.customShort("h"), .customLong("help")], help: "Print this page and end.")
  var help = false

  @Flag(name: .customLong("version"), help: "Print the versions and end.")
  var version = false
}
