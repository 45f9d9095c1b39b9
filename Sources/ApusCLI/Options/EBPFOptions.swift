/// Filters and other programs as eBPF.
struct EBPFOptions: Sendable {
  var emit: String?
  var programType: String?
  var kernelFilter: String?
  var run: String?
  var memory: String?
  var section: String?
}

extension Flag {
  static let ebpf: [Flag] = [
    Flag(
      .ebpf, nil, "emit",
      .oneOf([
        "ebpf": "text", "ebpf-bytes": "instructions", "ebpf-elf": "an object file", "c": "a function in C",
      ]), "Print the filter as an eBPF program and end: as text, instructions, an object file, or a function in C."
    ) { $0.ebpf.emit = $1 },
    Flag(
      .ebpf, nil, "program-type",
      .oneOf(["socket": "a filter of a socket", "xdp": "a network driver (XDP)", "tc": "traffic control"]),
      "What the program of --emit or --run-ebpf is attached to."
    ) { $0.ebpf.programType = $1 },
    Flag(
      .ebpf, nil, "kernel-filter",
      .oneOf([
        "classic": "a classic BPF program", "ebpf": "an eBPF program", "auto": "whichever the kernel takes",
      ]), "What the kernel is given live: a classic program, an eBPF one, or what it takes (auto)."
    ) { $0.ebpf.kernelFilter = $1 },
    Flag(
      .ebpf, nil, "run-ebpf", .file,
      "Run the eBPF program in this file (instructions, their hexadecimal digits, text, or an object file) and print r0."
    ) { $0.ebpf.run = $1 },
    Flag(
      .ebpf, nil, "memory", .text("hex").orEmpty,
      "With --run-ebpf: the octets that the program may read and write, or the packet."
    ) { $0.ebpf.memory = $1 },
    Flag(.ebpf, nil, "section", .text("name"), "With --run-ebpf: the section of an object file.") {
      $0.ebpf.section = $1
    },
  ]
}
