import ArgumentParser

/// Filters and other programs as eBPF.
struct EBPFOptions: ParsableArguments {
  @Option(
    name: .customLong("emit"),
    help: .init(
      "Print the filter as an eBPF program and end: as text, instructions, an object file, or a function in C.",
      valueName: "ebpf|ebpf-bytes|ebpf-elf|c"))
  var emit: String?

  @Option(
    name: .customLong("program-type"),
    help: .init("What the program of --emit or --run-ebpf is attached to.", valueName: "socket|xdp|tc"))
  var programType: String?

  @Option(
    name: .customLong("kernel-filter"),
    help: .init(
      "What the kernel is given live: a classic program, an eBPF one, or what it takes (auto).",
      valueName: "classic|ebpf|auto"))
  var kernelFilter: String?

  @Option(
    name: .customLong("run-ebpf"),
    help: .init(
      "Run the eBPF program in this file (instructions, their hexadecimal digits, text, or an object file) and print r0.",
      valueName: "file"))
  var run: String?

  @Option(
    name: .customLong("memory"),
    help: .init("With --run-ebpf: the octets that the program may read and write, or the packet.", valueName: "hex"))
  var memory: String?

  @Option(
    name: .customLong("section"), help: .init("With --run-ebpf: the section of an object file.", valueName: "name"))
  var section: String?
}
