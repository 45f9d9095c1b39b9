import ArgumentParser

/// The whole command line. The title of each group is that of the topic of `--help` that lists it.
struct Options: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "apus", helpNames: [])

  @OptionGroup(title: HelpTopic.capture.title) var input: InputOptions
  @OptionGroup(title: HelpTopic.files.title) var savefiles: SavefileOptions
  @OptionGroup(title: HelpTopic.output.title) var output: OutputOptions
  @OptionGroup(title: HelpTopic.stats.title) var counts: CountOptions
  @OptionGroup(title: HelpTopic.printing.title) var printing: PrintingOptions
  @OptionGroup(title: HelpTopic.forms.title) var forms: FormOptions
  @OptionGroup(title: HelpTopic.filters.title) var filter: FilterOptions
  @OptionGroup(title: HelpTopic.explain.title) var explanation: ExplanationOptions
  @OptionGroup(title: HelpTopic.proof.title) var proof: ProofOptions
  @OptionGroup(title: HelpTopic.ebpf.title) var ebpf: EBPFOptions
  @OptionGroup(title: HelpTopic.privilege.title) var privilege: PrivilegeOptions
  @OptionGroup(title: HelpTopic.wireshark.title) var extcap: ExtcapOptions
  @OptionGroup(title: HelpTopic.help.title) var help: HelpOptions
}
