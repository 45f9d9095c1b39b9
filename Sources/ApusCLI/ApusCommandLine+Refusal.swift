import PacketCore

extension ApusCommandLine {
  /// What is said where arguments are refused; nil where they are taken. Nothing is done of what they ask for, and no file that they
  /// name is read: neither those of filters and programs nor lists of savefiles.
  package static func refusal(of arguments: [String]) -> String? {
    do throws(CommandError) {
      var options = try options(arguments)
      options.savefiles.readList = nil
      options.filter.filterFile = nil
      options.filter.bytecode = nil
      options.proof.compareBytecode = nil
      _ = try Configuration(options)
      return nil
    } catch {
      return Diagnostics.text(of: error).string
    }
  }
}
