/// What the process keeps of its privilege once its sources and outputs are open.
struct PrivilegeOptions: Sendable {
  var user: String?
  var noSandbox = false
}

extension Flag {
  static let privilege: [Flag] = [
    Flag(
      .privilege, "Z", "relinquish-privileges", .user,
      "As root: become this user before a packet is looked at; else nobody, or the owner of the folder with the rotating files."
    ) { $0.privilege.user = $1 },
    Flag(.privilege, nil, "no-sandbox", "Keep capabilities, files and system calls that are not needed any more.") {
      $0.privilege.noSandbox = true
    },
  ]
}
