import Glibc
import PacketCore
import Savefile
import TestSupport

/// Time windows on a large sparse capture: compares the packets found by searching with those of a full scan, and measures how much of the
/// file was loaded into memory, as reported by mincore(2).
struct TimeWindowBench {
  private let folder: String
  private let size: Int
  private var random = SeededRandom(seed: 1)

  /// The time at which captures begin, in seconds since the epoch.
  private static let start: Int64 = 1_795_000_000
  /// Nanoseconds between two packets.
  private static let interval: Int64 = 50_000_000

  init(folder: String, gigabytes: Int) {
    self.folder = folder
    size = gigabytes << 30
  }

  /// Makes the captures one after the other, reads windows of each and removes it; false if packets were missed.
  mutating func run() -> Bool {
    var isGood = true
    for form in Form.allCases {
      let path = "\(folder)/apus-sparse-\(getpid())"
      defer { unsafe unlink(path) }
      guard let packets = make(path, form) else {
        print("\(path): cannot be written")
        return false
      }
      print("\(form.rawValue): \(packets) packets, \(size >> 30) GiB")
      for part in [0.0, 0.3, 0.5, 0.97] {
        let first = Self.start + Int64(Double(packets) * part) * Self.interval / 1_000_000_000
        let window = (Timestamp(seconds: first, nanoseconds: 0), Timestamp(seconds: first + 20, nanoseconds: 0))
        Self.forget(path)
        let found = Self.read(path, TimeWindow(start: window.0, end: window.1))
        let resident = Self.resident(path)
        let all = Self.read(path, TimeWindow(start: window.0, end: window.1, disorder: nil))
        let share = Double(resident) * 100 / Double(size)
        let words = found == all ? "as in a full scan" : "NOT the \(all.count) of a full scan"
        print(
          "  from \(Int(part * 100)) %: \(found.count) packets, \(words), \(resident >> 10) KiB in memory, \(share) %")
        isGood = isGood && found == all && !all.isEmpty && share < 1
      }
    }
    return isGood
  }

  private enum Form: String, CaseIterable {
    case sorted = "pcap, sorted"
    case unsorted = "pcap, up to 5 s out of order"
    case pcapng = "pcapng, two interfaces, up to 5 s out of order"
  }

  // MARK: Writing

  /// Writes records whose packets are holes in the file; returns their number, or nil if the system refuses.
  private mutating func make(_ path: String, _ form: Form) -> Int? {
    let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var offset = 0
    var packets = 0
    func put(_ words: [UInt32], skipping hole: Int = 0) -> Bool {
      let length = words.count * 4
      let written = unsafe words.withUnsafeBytes { unsafe pwrite(file, $0.baseAddress, length, offset) }
      offset += length + hole
      return written == length
    }
    let microsecond: Int64 = 1000
    if form == .pcapng {
      guard put([0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, .max, .max, 28]), put([1, 20, 1, 262_144, 20]),
        put([1, 32, 1, 262_144, 0x0001_0009, 9, 0, 32])
      else { return nil }
    } else {
      guard put([0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1]) else { return nil }
    }
    while offset < size - 300_000 {
      let caplen = UInt32.random(in: 25_000...65_536, using: &random) * 4
      let delay = form == .sorted ? 0 : Int64.random(in: 0...5_000_000_000, using: &random)
      let nanoseconds = (Self.start * 1_000_000_000 + Int64(packets) * Self.interval + 5_000_000_000 - delay)
      if form == .pcapng {
        let interface = UInt32(packets % 2)
        let ticks = UInt64(interface == 0 ? nanoseconds / microsecond : nanoseconds)
        let length = caplen + 32
        guard
          put(
            [6, length, interface, UInt32(ticks >> 32), UInt32(truncatingIfNeeded: ticks), caplen, caplen],
            skipping: Int(caplen)), put([length])
        else { return nil }
      } else {
        let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
        guard put([UInt32(seconds), UInt32(rest / microsecond), caplen, caplen], skipping: Int(caplen)) else {
          return nil
        }
      }
      packets += 1
    }
    return ftruncate(file, offset) == 0 ? packets : nil
  }

  // MARK: Reading

  private static func read(_ path: String, _ window: TimeWindow) -> [Timestamp] {
    var times: [Timestamp] = []
    do throws(SavefileError) {
      var reader = try SavefileReader(path: path)
      _ = try reader.firstTime()
      reader.restrict(to: window)
      while let packet = try reader.next() { times.append(packet.timestamp) }
    } catch {
      print(error)
    }
    return times
  }

  /// Drops the file from the page cache.
  private static func forget(_ path: String) {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    fsync(file)
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    close(file)
  }

  /// Bytes of the file in the page cache: those that were accessed, and those that the kernel has read around them.
  private static func resident(_ path: String) -> Int {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    let size = max(1, Int(lseek(file, 0, SEEK_END)))
    let pages = (size + 4095) / 4096
    guard let memory = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), unsafe memory != MAP_FAILED else {
      return .max
    }
    defer { unsafe munmap(memory, size) }
    var states = [UInt8](repeating: 0, count: pages)
    // Safe: there is one byte for each page of the mapping.
    guard unsafe mincore(memory, size, &states) == 0 else { return .max }
    return states.count { $0 & 1 != 0 } * 4096
  }
}
