/// Options for filters and other programs as eBPF.
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
        "ebpf": "text", "ebpf-bytes": "instructions", "ebpf-elf": "an object file", "c": "a C function",
      ]), "Print the filter as an eBPF program and exit: as text, instructions, an object file, or a C function."
    ) { $0.ebpf.emit = $1 },
    Flag(
      .ebpf, nil, "program-type",
      .oneOf(["socket": "a socket filter", "xdp": "a network driver (XDP)", "tc": "traffic control"]),
      "Attach point of the program of --emit or --run-ebpf."
    ) { $0.ebpf.programType = $1 },
    Flag(
      .ebpf, nil, "kernel-filter",
      .oneOf([
        "classic": "a classic BPF program", "ebpf": "an eBPF program", "auto": "whichever the kernel accepts",
      ]), "Kernel filter of a live capture: a classic program, an eBPF program, or whichever the kernel accepts (auto)."
    ) { $0.ebpf.kernelFilter = $1 },
    Flag(
      .ebpf, nil, "run-ebpf", .file,
      "Run the eBPF program in this file (instructions, hexadecimal digits, text, or an object file) and print r0."
    ) { $0.ebpf.run = $1 },
    Flag(
      .ebpf, nil, "memory", .text("hex").orEmpty,
      "With --run-ebpf: the memory of the program, or the packet, in hexadecimal."
    ) { $0.ebpf.memory = $1 },
    Flag(.ebpf, nil, "section", .text("name"), "With --run-ebpf: the section of an object file.") {
      $0.ebpf.section = $1
    },
  ]
}
