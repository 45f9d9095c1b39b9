import Foundation
import Glibc
import Sandbox
import TestSupport
import Testing

/// A process in the sandbox tries the actions that the sandbox should prevent: `Tests/SandboxProbe`.
@Suite(.enabled(if: Protection.possible.isComplete, "the kernel has no Landlock or no seccomp"))
struct ProbeTests {
  private static let isRoot = geteuid() == 0

  /// A folder with a file `secret` and an empty folder `out`, for every user.
  private struct Folder: ~Copyable {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path + "/out", withIntermediateDirectories: true)
      try Data("secret".utf8).write(to: URL(fileURLWithPath: path + "/secret"))
      #expect(unsafe chmod(path + "/out", 0o777) == 0)
    }

    deinit { Subprocess.remove(path) }
  }

  /// The probe's answer for each attempt; the key "" gives what is protected. `status` is the probe's exit status.
  private func probe(_ flags: [String], _ attempts: [String]) throws -> (answers: [String: String], status: Int32) {
    let program = try #require(Subprocess.built("sandbox-probe"), "build it first")
    let outcome = try Subprocess.run(program, flags + ["--"] + attempts)
    var answers: [String: String] = [:]
    for (index, line) in outcome.output.split(separator: "\n").enumerated() {
      if index == 0 {
        answers[""] = String(line)
      } else if let separator = line.range(of: ": ") {
        answers[String(line[..<separator.lowerBound])] = String(line[separator.upperBound...])
      }
    }
    return (answers, outcome.status)
  }

  @Test func noCapabilityIsLeft() throws {
    let status = try #require(try probe([], ["status", "identity"]).answers["status"])
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
      #expect(status.contains("\(set): 0000000000000000"), "\(status)")
    }
    if Self.isRoot { #expect(status.contains("CapBnd: 0000000000000000"), "\(status)") }
    #expect(status.contains("NoNewPrivs: 1") && status.contains("Seccomp: 2"), "\(status)")
  }

  @Test(.enabled(if: isRoot, "only root can become another")) func rootBecomesNobodyForGood() throws {
    let folder = try Folder()
    let nobody = try probe([], ["status", "identity", "root"])
    #expect(nobody.answers["identity"] == "65534 65534 65534 65534")
    #expect(nobody.answers["status"]?.hasPrefix("Groups: 65534,") == true)
    // A process that tries to become root again is killed (SIGSYS).
    #expect(nobody.answers["root"] == nil && nobody.status == -SIGSYS)
    // Root owns the folder here, so the process stays root, without capabilities.
    let owner = try probe(["--writable", folder.path + "/out"], ["identity", "status"])
    #expect(owner.answers["identity"] == "0 0 0 0")
    #expect(owner.answers["status"]?.contains("CapEff: 0000000000000000") == true)
    #expect(unsafe chown(folder.path + "/out", 1234, 2345) == 0)
    let other = try probe(["--writable", folder.path + "/out"], ["identity", "create:\(folder.path)/out/x"])
    #expect(other.answers["identity"] == "1234 1234 2345 2345" && other.answers["create:\(folder.path)/out/x"] == "ok")
    // The folder is already open, so its owner need not be able to reach it by its path.
    #expect(unsafe chmod(folder.path, 0o700) == 0)
    #expect(try probe(["--writable", folder.path + "/out"], ["identity"]).answers["identity"] == "1234 1234 2345 2345")
    // A file that is still to be opened by name determines the user: one who can open it.
    #expect(try probe(["--input", folder.path + "/secret"], ["identity"]).answers["identity"] == "0 0 0 0")
    #expect(try probe(["--input", "/etc/passwd"], ["identity"]).answers["identity"] == "65534 65534 65534 65534")
    #expect(try probe(["--user", "nosuchuser"], []).answers[""] == "failed: Couldn't find user 'nosuchuser'")
  }

  @Test func nothingOutsideTheFoldersOpens() throws {
    let folder = try Folder()
    let (secret, out) = (folder.path + "/secret", folder.path + "/out")
    let forbidden = [
      "read:/etc/passwd", "list:/", "read:\(secret)", "write:\(secret)", "create:\(folder.path)/new",
      "create:/dev/shm/apus-new",
      "truncate:\(secret)", "remove:\(secret)", "rename:\(secret):\(out)/secret", "chmod:\(secret)",
      "folder:\(out)/folder",
      "symlink:\(out)/link",
    ]
    let reader = try probe([], forbidden + ["create:\(out)/new", "time-zone"]).answers
    for attempt in forbidden + ["create:\(out)/new"] {
      #expect(
        ["Permission denied", "Operation not permitted"].contains(reader[attempt] ?? ""), "\(attempt): \(reader)")
    }
    #expect(reader["time-zone"] == "ok")
    let own = [
      "create:\(out)/new", "write:\(out)/new", "truncate:\(out)/new", "read:\(out)/new",
      "rename:\(out)/new:\(out)/name",
      "list:\(out)", "remove:\(out)/name",
    ]
    let writer = try probe(
      ["--writable", out], forbidden + own + ["create:\(out)/left", "rename:\(out)/left:\(folder.path)/left"]
    )
    .answers
    for attempt in forbidden {
      #expect(
        ["Permission denied", "Operation not permitted"].contains(writer[attempt] ?? ""), "\(attempt): \(writer)")
    }
    for attempt in own { #expect(writer[attempt] == "ok", "\(attempt): \(writer)") }
    #expect(writer["rename:\(out)/left:\(folder.path)/left"] == "Permission denied")
    #expect(
      try probe(["--readable", secret], ["read:\(secret)", "write:\(secret)"]).answers["read:\(secret)"] == "ok")
  }

  @Test func nothingIsExecuted() throws {
    let execution = try probe([], ["exec:/bin/true"])
    #expect(execution.answers["exec:/bin/true"] == nil && execution.status == -SIGSYS)
    #expect(try probe([], ["spawn:/bin/true"]).answers["spawn:/bin/true"] == "Operation not permitted")
    #expect(try probe([], ["ptrace"]).status == -SIGSYS)
    let spawner = try probe(
      ["--spawn"], ["spawn:/bin/true", "spawn:/bin/false", "socket:2", "create:/dev/shm/apus-new"]
    ).answers
    #expect(spawner["spawn:/bin/true"] == "ok, status 0" && spawner["spawn:/bin/false"] == "ok, status 1")
    #expect(
      spawner["socket:2"] == "Operation not permitted" && spawner["create:/dev/shm/apus-new"] == "Permission denied")
  }

  /// A process that may start programs, and these programs, cannot create files that others would execute with their rights.
  @Test func noSetUserIDFileIsMade() throws {
    let folder = try Folder()
    let (own, new) = (folder.path + "/out/own", folder.path + "/out/new")
    let attempts = ["create:\(own)", "set-user-id:\(own)", "create-set-user-id:\(new)", "chmod:\(own)"]
    let answers = try probe(["--spawn", "--writable", folder.path + "/out"], attempts).answers
    #expect(answers["create:\(own)"] == "ok" && answers["chmod:\(own)"] == "ok", "\(answers)")
    for attempt in attempts[1...2] { #expect(answers[attempt] == "Operation not permitted", "\(answers)") }
  }

  @Test func theNetworkIsOutOfReach() throws {
    let families = ["socket:2", "socket:10", "socket:16", "socket:17"]
    let answers = try probe([], families + ["signal", "signal-self", "limit", "type-into-terminal"]).answers
    for attempt in families + ["signal", "limit", "type-into-terminal"] {
      #expect(answers[attempt] == "Operation not permitted", "\(attempt): \(answers)")
    }
    #expect(answers["signal-self"] == "ok")
  }

  /// A packet socket receives packets, but cannot send any.
  @Test(.enabled(if: isRoot, "packet sockets are root's")) func packetSocketsOnlyReceive() throws {
    let attempts = ["inject", "receive", "duplicate", "duplicate-with-fcntl"]
    let answers = try probe(["--packet-socket"], attempts).answers
    #expect(answers["receive"] == "Resource temporarily unavailable", "\(answers)")
    for attempt in ["inject", "duplicate", "duplicate-with-fcntl"] {
      #expect(answers[attempt] == "Operation not permitted", "\(answers)")
    }
    let devices = try probe(["--devices"], ["status", "socket:17", "socket:10", "exec:/bin/true"])
    #expect(devices.answers["status"]?.contains("CapEff: 0000000000003000,") == true, "\(devices)")
    #expect(devices.answers["socket:17"] == "ok" && devices.answers["socket:10"] == "Operation not permitted")
    #expect(devices.status == -SIGSYS)
  }

  /// Process tracking is attached before the sandbox is entered, and allows nothing in it except reading the names of control groups.
  @Test(.enabled(if: isRoot, "only root may attach programs")) func processesOpenNothing() throws {
    let folder = try Folder()
    let mounts = try String(contentsOfFile: "/proc/mounts", encoding: .utf8).split(separator: "\n")
    let fields = mounts.map { (line: Substring) -> [Substring] in line.split(separator: " ") }
    let groups: Substring = fields.first { $0.count > 2 && $0[2] == "cgroup2" }?[1] ?? "/nowhere"
    let refused: [String] = [
      "read:/etc/passwd", "read:/proc/1/environ", "list:/proc", "write:\(folder.path)/secret",
      "create:\(folder.path)/new", "create:\(groups)/new", "folder:\(groups)/new", "write:\(groups)/cgroup.procs",
      "spawn:/bin/true", "socket:2", "socket:16", "socket:17", "signal", "limit",
    ]
    let attempts: [String] = ["processes", "status", "identity"] + refused + ["processes"]
    let answers = try probe(["--process"], attempts).answers
    #expect(answers["processes"] == "ok", "\(answers)")
    for attempt in refused {
      #expect(
        ["Permission denied", "Operation not permitted"].contains(answers[attempt] ?? ""), "\(attempt): \(answers)")
    }
    #expect(answers["status"]?.contains("CapEff: 0000000000000000") == true, "\(answers)")
    #expect(answers["identity"] == "65534 65534 65534 65534", "\(answers)")
    for call in ["bpf", "move", "ptrace"] {
      let outcome = try probe(["--process"], [call])
      #expect(outcome.status == -SIGSYS || outcome.answers[call] == "Operation not permitted", "\(call): \(outcome)")
    }
  }

  @Test func codeIsNeverWritable() throws {
    let attempts = ["code", "writable-code", "thread"]
    #expect(try probe([], attempts).answers["code"] == "Operation not permitted")
    let maker = try probe(["--code"], attempts).answers
    #expect(maker["code"] == "ok" && maker["writable-code"] == "Operation not permitted" && maker["thread"] == "ok")
  }

  /// Another thread would keep its privileges.
  @Test func anEarlyThreadIsRefused() throws {
    let outcome = try probe(["--early-thread"], [])
    #expect(outcome.status == 1)
    #expect(outcome.answers[""] == "failed: 2 threads are running, and only one could drop its privileges")
  }
}
