import ArgumentParser

/// What the process keeps of its privilege once its sources and outputs are open.
struct PrivilegeOptions: ParsableArguments {
  @Option(
    name: [.customShort("Z"), .customLong("relinquish-privileges")],
    help: .init(
      "As root: become this user before a packet is looked at; else nobody, or the owner of the folder with the rotating files.",
      valueName: "user"))
  var user: String?

  @Flag(
    name: .customLong("no-sandbox"), help: "Keep capabilities, files and system calls that are not needed any more.")
  var noSandbox = false
}
