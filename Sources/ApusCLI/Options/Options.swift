/// The unchecked values of the arguments, flag by flag.
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
  var processes = ProcessOptions()
  var privilege = PrivilegeOptions()
  var extcap = ExtcapOptions()
  var help = HelpOptions()
  /// The flags that were given, by the first of their names.
  var stated: [String] = []
}
