import Glibc

/// A subject of coverage-guided fuzzing. `take(_:)` processes an input, and ends the process if it finds a fault; a trap, an invalid memory
/// access and a hang end it anyway.
protocol FuzzEntry: AnyObject {
  init()
  func take(_ input: [UInt8])
}

/// The subjects by name.
enum FuzzEntries {
  static var all: [(name: String, type: any FuzzEntry.Type)] {
    [
      ("filter", FilterEntry.self), ("meaning", MeaningEntry.self), ("bytecode", BytecodeEntry.self),
      ("ebpf", EBPFEntry.self), ("pcap", PcapEntry.self), ("pcapng", PcapNGEntry.self), ("blocks", BlocksEntry.self),
      ("gzip", GzipEntry.self),
      ("zstd", ZstdEntry.self), ("lz4", LZ4Entry.self), ("print", PrintEntry.self), ("json", JSONEntry.self),
      ("arguments", ArgumentsEntry.self),
    ]
  }

  /// The entry of that name; nil if there is none.
  static func named(_ name: String) -> (any FuzzEntry)? { all.first { $0.name == name }?.type.init() }

  /// Passes each file to the entry; returns only if there is no fault. False if there is no such entry, or a file cannot be read.
  static func replay(_ name: String, _ paths: [String]) -> Bool {
    guard let entry = named(name) else {
      print("there is no entry '\(name)': \(all.map(\.name).joined(separator: ", ")) are known")
      return false
    }
    for path in paths {
      guard let octets = SavefileFuzz.octets(path) else {
        print("\(path): cannot be read")
        return false
      }
      entry.take(octets)
    }
    print("\(name): \(paths.count) inputs, no fault")
    return true
  }
}

/// Ends the process with a message about the fault.
func fault(_ what: String) -> Never {
  var text = Array("apus-fuzz: \(what)\n".utf8)
  // Safe: the array outlives the call.
  _ = unsafe write(STDERR_FILENO, &text, text.count)
  abort()
}
