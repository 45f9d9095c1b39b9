import CLinux
import CPcap
import Glibc
import PacketCore
import Savefile

/// Savefiles that are cut short or have a byte changed, read in every way: mapped, through a pipe, and with recovery.
public struct SavefileMutants {
  private var random: SeededRandom
  /// The `apus` program, whose exit status is checked too; nil to leave this out.
  private let program: String?
  /// Files read so far.
  public private(set) var files = 0
  /// Files whose reading ended with a fault.
  public private(set) var damaged = 0
  /// Bytes of damaged files that recovery skipped.
  public private(set) var skipped = 0
  /// The first faults found, in words.
  public private(set) var faults: [String] = []

  /// The capacity of a pipe in bytes.
  private static let pipeSize = 1 << 20

  /// The files may hold anything, compressed or not: bytes that can be read as packets need not be packets, and recovery may skip them.
  private let isAnything: Bool

  public init(seed: UInt64, program: String? = nil, isAnything: Bool = false) {
    self.isAnything = isAnything
    random = SeededRandom(seed: seed)
    self.program = program
  }

  /// Reads the file as it is, cut at `cuts` places spread over it, and with one byte changed at `mutations` places.
  public mutating func read(_ octets: [UInt8], name: String, cuts: Int, mutations: Int) {
    check(octets, "\(name) as it is")
    guard !octets.isEmpty else { return }
    for cut in 0..<cuts {
      // The first cuts are in the header.
      let length = cut < 8 ? min(cut * 4, octets.count) : Int.random(in: 0..<octets.count, using: &random)
      check(Array(octets.prefix(length)), "\(name) cut after \(length) octets")
    }
    for _ in 0..<mutations {
      let place = Int.random(in: 0..<octets.count, using: &random)
      let value = UInt8.random(in: 0...255, using: &random)
      var changed = octets
      changed[place] = value
      check(changed, "\(name) with octet \(place) made \(value)")
    }
  }

  // MARK: One file

  /// Reads one file in every way.
  public mutating func check(_ octets: [UInt8], _ name: String) {
    files += 1
    let start = Self.processorTime
    let file = Self.memoryFile(octets)
    guard file >= 0 else { return report("\(name): no memory file") }
    defer { close(file) }
    let path = "/proc/self/fd/\(file)"
    let mapped = SavefileOutcome(path, ReadingOptions())
    if mapped.fault != nil { damaged += 1 }
    if let piped = Self.piped(octets), piped != mapped {
      report("\(name): mapped \(mapped), through a pipe \(piped)")
    }
    let recovered = SavefileOutcome(path, ReadingOptions(recovers: true))
    skipped += recovered.skipped
    let isLost = recovered.skipped > octets.count || recovered.packets + 1 < mapped.packets
    if !isAnything && (isLost || recovered.fault != nil && !mapped.isRefused) {
      report("\(name): \(mapped), recovered \(recovered)")
    }
    if let control = TerminalControl.first(in: Array((mapped.fault ?? "").utf8)) {
      report("\(name): a message with \(control)")
    }
    if Self.processorTime - start > 2 { report("\(name): took too long") }
    if let program { checkStatus(program, file, mapped, name) }
  }

  /// Processor time of this thread in seconds: unlike elapsed time, it does not depend on other load on the machine.
  private static var processorTime: Int {
    var time = timespec()
    // Safe: the argument is a variable of this function.
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec
  }

  private mutating func report(_ fault: String) {
    faults.append(fault)
  }

  /// A file without a name that holds the bytes; -1 if the system cannot create one.
  private static func memoryFile(_ octets: [UInt8]) -> CInt {
    // Safe: the name is copied by the call.
    let file = unsafe "apus-mutant".withCString { name in
      CInt(truncatingIfNeeded: linux_call(Int(__NR_memfd_create), UInt(bitPattern: name), 0, 0, 0, 0))
    }
    guard file >= 0 else { return -1 }
    _ = unsafe octets.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    return file
  }

  /// The outcome of reading the bytes through a pipe; nil if the pipe cannot hold them all.
  private static func piped(_ octets: [UInt8]) -> SavefileOutcome? {
    var ends: [CInt] = [-1, -1]
    guard octets.count <= pipeSize, unsafe pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    let isLarge = octets.count <= 1 << 16 || fcntl(ends[1], 1031, CInt(pipeSize)) >= 0  // F_SETPIPE_SZ
    if isLarge { _ = unsafe octets.withUnsafeBytes { unsafe write(ends[1], $0.baseAddress, $0.count) } }
    close(ends[1])
    return isLarge ? SavefileOutcome("/proc/self/fd/\(ends[0])", ReadingOptions()) : nil
  }

  // MARK: The program

  /// Status 0 if the file is read to its end, 1 if not. With recovery: 0, 1 if it is not a savefile, or 2 if parts were skipped.
  private mutating func checkStatus(_ program: String, _ file: CInt, _ mapped: SavefileOutcome, _ name: String) {
    let status = Self.status(program, ["--count", "-r", "-"], file)
    let expected: Int32 = mapped.fault == nil ? 0 : 1
    if status != expected { report("\(name): exit status \(status), expected \(expected)") }
    let recovered = Self.status(program, ["--count", "--recover", "-r", "-"], file)
    if ![0, mapped.isRefused ? 1 : 2].contains(recovered) {
      report("\(name): exit status \(recovered) with --recover")
    }
  }

  /// The exit status of a program that reads `file`; minus the signal that ended it, or -100 if it took more than a minute.
  private static func status(_ program: String, _ arguments: [String], _ file: CInt) -> Int32 {
    lseek(file, 0, SEEK_SET)
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO)
    for output in [STDOUT_FILENO, STDERR_FILENO] {
      unsafe posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
    }
    var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe words.indices { unsafe free(words[index]) } }
    var process: pid_t = 0
    guard unsafe posix_spawn(&process, program, &actions, nil, &words, environ) == 0 else { return -101 }
    var status: CInt = 0
    for _ in 0..<60_000 {
      if unsafe waitpid(process, &status, WNOHANG) == process {
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
      }
      usleep(1000)
    }
    kill(process, SIGKILL)
    unsafe waitpid(process, &status, 0)
    return -100
  }
}

/// The outcome of reading a savefile to its end.
struct SavefileOutcome: Equatable, CustomStringConvertible {
  var packets = 0
  /// A checksum over all packets: times, lengths, link types, interfaces and bytes.
  var digest: UInt64 = 0
  var fault: String?
  /// True if the file could not even be opened.
  var isRefused = false
  /// Bytes that were skipped.
  var skipped = 0

  init(_ path: String, _ options: ReadingOptions) {
    do throws(SavefileError) {
      isRefused = true
      var reader = try SavefileReader(path: path, options)
      isRefused = false
      defer { skipped = reader.skippedOctets }
      while true {
        while let packet = try reader.next() {
          packets += 1
          add(packet)
        }
        guard reader.wait(milliseconds: 1000) else { break }
      }
    } catch {
      // Some messages give advice that names the file.
      fault = error.message.replacing(path, with: "FILE")
    }
  }

  private mutating func add(_ packet: borrowing Packet) {
    for value in [
      UInt64(bitPattern: packet.timestamp.seconds), UInt64(bitPattern: packet.timestamp.nanoseconds),
      UInt64(packet.caplen), UInt64(packet.len), UInt64(packet.linkType.rawValue), UInt64(packet.interface),
      UInt64(packet.options.octets.byteCount),
    ] { mix(value) }
    // Reads every byte.
    unsafe packet.bytes.rawSpan.withUnsafeBytes { octets in
      for index in octets.indices { mix(UInt64(unsafe octets[index])) }
    }
    packet.options.forEachComment { comment in mix(UInt64(comment.byteCount)) }
  }

  private mutating func mix(_ value: UInt64) {
    digest = (digest ^ value) &* 0x100_0000_01b3
  }

  var description: String { "\(packets) packets (\(digest)), \(fault ?? "no fault"), \(skipped) bytes skipped" }
}
