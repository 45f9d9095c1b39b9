/// The privileges that the process keeps once its sources and outputs are open.
struct PrivilegeOptions: Sendable {
  var user: String?
  var noSandbox = false
}

extension Flag {
  static let privilege: [Flag] = [
    Flag(
      .privilege, "Z", "relinquish-privileges", .user,
      "As root: become this user before any packet is parsed; default: nobody, or the owner of the folder of rotating files."
    ) { $0.privilege.user = $1 },
    Flag(.privilege, nil, "no-sandbox", "Keep capabilities, file access and system calls that are no longer needed.") {
      $0.privilege.noSandbox = true
    },
  ]
}
