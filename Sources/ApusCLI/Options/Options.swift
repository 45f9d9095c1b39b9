/// What the arguments state, flag by flag, before any of it is checked.
struct Options: Sendable {
  var input = InputOptions()
  var savefiles = SavefileOptions()
  var output = OutputOptions()
  var counts = CountOptions()
  var printing = PrintingOptions()
  var forms = FormatOptions()
  var filter = FilterOptions()
  var explanation = ExplanationOptions()
  var proof = ProofOptions()
  var ebpf = EBPFOptions()
  var privilege = PrivilegeOptions()
  var extcap = ExtcapOptions()
  var help = HelpOptions()
  /// The flags that were stated, by the first of their names.
  var stated: [String] = []
}
