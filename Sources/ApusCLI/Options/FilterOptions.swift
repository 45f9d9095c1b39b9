/// The filter, and how to compile it.
struct FilterOptions: Sendable {
  var expression: [String] = []
  var filterFile: String?
  var bytecode: String?
  var dump = 0
  var noOptimize = false
  var noJIT = false
  var netmask: String?
  var dns = false
  var linuxExtensions = false
  var savefileOrder: String?
  var noHints = false
}

extension Flag {
  static let filters: [Flag] = [
    Flag(.filters, "F", "filter-file", .file, "Read the expression from this file.") { $0.filter.filterFile = $1 },
    Flag(
      .filters, nil, "bytecode", .file,
      "Instead of an expression: run the program in this file, in the form of -d, -dd, -ddd or iptables, or a cBPF savefile."
    ) { $0.filter.bytecode = $1 },
    Flag(.filters, "d", nil, repeats: true, "Print the compiled filter and exit; -dd in C, -ddd in decimal.") {
      $0.filter.dump += 1
    },
    Flag(.filters, "O", "no-optimize", "Do not optimise the filter.") { $0.filter.noOptimize = true },
    Flag(.filters, nil, "no-jit", "Run the filter in the interpreter, not as native code.") { $0.filter.noJIT = true },
    Flag(.filters, nil, "no-hints", "Do not explain why a filter matched nothing.") { $0.filter.noHints = true },
    Flag(.filters, nil, "netmask", .text("a.b.c.d"), "Netmask of the network, for 'ip broadcast'.") {
      $0.filter.netmask = $1
    },
    Flag(.filters, nil, "dns", "Look up host names in the filter in DNS if /etc/hosts lacks them; default: never.") {
      $0.filter.dns = true
    },
    Flag(.filters, nil, "linux-extensions", "With -d: compile for the Linux kernel.") {
      $0.filter.linuxExtensions = true
    },
    Flag(
      .filters, nil, "savefile-order",
      .oneOf(["unswapped": "this machine's byte order", "swapped": "the other byte order"]),
      "With -d: compile for a capture file with this byte order."
    ) { $0.filter.savefileOrder = $1 },
  ]
}
