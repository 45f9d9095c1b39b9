import PacketCore

extension ApusCommandLine {
  /// The error message for arguments that are refused; nil if they are accepted. Only checks them: it does nothing that they request, and
  /// reads no file that they name, be it a filter, a program or a list of savefiles.
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
