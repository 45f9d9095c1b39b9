public import Foundation
import Glibc

/// Runs programs on a pseudo-terminal of their own (pty(7)), as a user sees them.
public enum PseudoTerminal {
  /// Why there is no terminal.
  public struct Unavailable: Error {}

  /// A program's exit status, and everything that it wrote to the terminal: standard output and error in the order written, with lines
  /// ending in a newline only.
  public struct Screen: Sendable {
    public let status: Int32
    public let text: String
  }

  /// Runs a program to its end on a terminal with this many columns and rows. `TERM` and the locale have common values and no variable
  /// disables colours, unless `environment` says otherwise. `input` is called with a handle to write the program's input to; without it,
  /// the program gets no input.
  public static func run(
    _ path: String, _ arguments: [String], columns: Int, rows: Int = 50, environment: [String: String] = [:],
    input: ((FileHandle) throws -> Void)? = nil
  ) throws -> Screen {
    var (master, slave) = (CInt(-1), CInt(-1))
    var size = winsize()
    (size.ws_col, size.ws_row) = (UInt16(columns), UInt16(rows))
    // Safe: the descriptors and the size outlive the call.
    guard unsafe openpty(&master, &slave, nil, nil, &size) == 0 else { throw Unavailable() }
    // A program that is started in the meantime must not keep the terminal open.
    for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    let terminal = FileHandle(fileDescriptor: master, closeOnDealloc: true)

    var variables = ProcessInfo.processInfo.environment
    for name in ["NO_COLOR", "LC_ALL", "LC_CTYPE"] { variables[name] = nil }
    variables.merge(["TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "UTC"]) { _, usual in usual }
    let slaveHandle = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
    let pipe = Pipe()
    let process = try ChildProcess(
      path, arguments, stdin: input == nil ? nil : pipe.fileHandleForReading, stdout: slaveHandle, stderr: slaveHandle,
      environment: variables.merging(environment) { _, added in added })
    // The terminal closes when the program has closed it, unless another process holds it open.
    close(slave)
    try pipe.fileHandleForReading.close()
    if let input {
      try input(pipe.fileHandleForWriting)
      try pipe.fileHandleForWriting.close()
    }
    let text = read(master)
    let status = try process.awaitEnd()
    try terminal.close()
    return Screen(
      status: status,
      text: String(decoding: text, as: UTF8.self).replacing("\r\n", with: "\n"))
  }

  /// Milliseconds without output after which a program is assumed to hang.
  private static let patience: CInt = 300_000

  /// Reads until the terminal is closed, when read(2) fails with EIO.
  private static func read(_ descriptor: CInt) -> [UInt8] {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let isReady = unsafe poll(&waiting, 1, patience)
      guard isReady != 0 else { return text }
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return text }
      text += buffer.prefix(count)
    }
  }

  /// Replaces sequences that set a colour or a weight with words: `<red>`, `<dim>`, `</>`.
  public static func named(_ text: String) -> String {
    let names = [
      "0": "/", "1": "bold", "2": "dim", "31": "red", "1;31": "boldred", "32": "green", "33": "yellow",
      "35": "magenta", "36": "cyan",
    ]
    return text.replacing(#/\u{1b}\[([0-9;]*)m/#) { match in names[String(match.1)].map { "<\($0)>" } ?? "\(match.0)" }
  }
}
